"""The score as a torch module: it agrees with the runtime, and its gradient is right."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from skimage import data

import noref
from noref.errors import BadModel, ImageTooSmall, ModelNotFound
from noref.lab.torch import MeanQuality, QualityLoss, QualityMetric
from pictures import make_scene
from tiny_models import save_model

CONSTANTS = """
    int64[1] from_side = {1}, int64[1] to_side = {3}, int64[1] one_size = {1}, int64[1] three = {3}, float cell = {8},
    float half = {0.5}, float low = {0}, float high = {100}, float top = {255}, float gain = {80}, float shift = {100},
    int64[3] axes = {1, 2, 3}, float[1,3,2,2] kernel = {1, -1, -1, 1, 2, -1, -2, 1, 1, 1, -1, -1}
"""
WORKING = """
    shape = Shape(pixels)  sides = Slice(shape, from_side, to_side)  exact = Cast<to = 1>(sides)
    count = ReduceProd<keepdims = 0>(exact)  ratio = Div(area, count)  scale = Sqrt(ratio)  scaled = Mul(exact, scale)
    cells = Div(scaled, cell)  raised = Add(cells, half)  whole = Floor(raised)  rounded = Mul(whole, cell)
    target = Cast<to = 7>(rounded)  sizes = Concat<axis = 0>(one_size, target, three)
    working = Resize<mode = "cubic", cubic_coeff_a = -0.5, antialias = 1, coordinate_transformation_mode = "half_pixel">
        (pixels, , , sizes)
    maps = Transpose<perm = [0, 3, 1, 2]>(working)  floats = Cast<to = 1>(maps)  shares = Div(floats, top)
    edges = Conv<strides = [1, 1], pads = [0, 0, 1, 1], dilations = [1, 1], group = 1>(shares, kernel)
    power = Mul(edges, edges)  mean = ReduceMean<keepdims = 0>(power, axes)
    long = Mul(mean, gain)  score_or_more = Sub(long, shift)
"""


def tiny_model(path, last="score = Clip(score_or_more, low, high)"):
    """A model of the mean squared gradient, at an area of 4096 pixels; its scores reach beyond both ends of the scale."""
    signature = "(uint8[1, H, W, 3] pixels, float area = {4096}) => (float[1] score)"
    return save_model(path, signature, WORKING + last, CONSTANTS, shortest=8, area=4096)


def as_tensor(*photos):
    return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2) / 255


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "tiny.onnx")


@pytest.fixture(scope="module")
def unified():
    """The default model in the view in which it is fast on small photos."""
    return QualityMetric(view="native")


@pytest.mark.parametrize(
    ("model", "view"), [("unified", "native"), ("fast", "common"), ("unified@7", "common"), ("diqa", "common")]
)
def test_all_outputs_agree_with_the_runtime(model, view):
    metric, scorer = QualityMetric(model, view=view), noref.Scorer(model, view=view)
    for pixels in (data.chelsea()[60:200, 100:290].copy(), make_scene(97, 130)):
        found, expected = metric.outputs(as_tensor(pixels)), scorer.score(pixels)
        assert float(found["score"]) == pytest.approx(expected.score, abs=0.1)
        np.testing.assert_allclose(found["map"][0], expected.map, atol=0.5)
        if expected.defects:
            np.testing.assert_allclose(found["defects"][0], [each.probability for each in expected.defects.values()], atol=0.01)
            np.testing.assert_allclose(found["levels"][0], [each.level for each in expected.defects.values()], atol=0.05)
            assert found["interval"][0].tolist() == pytest.approx(expected.interval, abs=0.2)


def test_the_default_is_the_default_model_at_its_area():
    pixels = data.coffee()[::2, ::2].copy()
    assert float(QualityMetric()(as_tensor(pixels))) == pytest.approx(noref.score(pixels).score, abs=0.1)


@pytest.mark.parametrize("model", ["unified", "unified@7"])  # of which the second is vectorised
def test_a_batch_gives_what_single_photos_give(model):
    metric = QualityMetric(model, view="native")
    photos = as_tensor(*(make_scene(80, 96, seed) for seed in range(3)))
    together = metric.outputs(photos)
    for place, photo in enumerate(photos):
        for name, values in metric.outputs(photo[None]).items():
            torch.testing.assert_close(together[name][place], values[0], rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(metric(photos), together["score"])


def test_the_gradient_is_that_of_finite_differences(unified):
    metric = copy.deepcopy(unified).double()
    photos = as_tensor(make_scene(64, 96)).double() * 0.8 + 0.1
    step = 1e-8 * torch.randn(photos.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    photos.requires_grad_()
    (gradient,) = torch.autograd.grad(metric(photos).sum(), photos)
    with torch.no_grad():
        change = (metric(photos + step) - metric(photos - step)) / 2
    assert float((gradient * step).sum()) == pytest.approx(float(change), rel=1e-3)


def test_the_gradient_passes_resizing(tiny):
    metric = QualityMetric(tiny)
    photos = (as_tensor(make_scene(90, 120)) * 0.5 + 0.25).requires_grad_()
    (gradient,) = torch.autograd.grad(metric.unclipped(photos).sum(), photos)
    step = 0.02 * gradient / gradient.abs().mean()  # so large that rounding to 8 bits does not matter
    with torch.no_grad():
        change = (metric.unclipped(photos + step) - metric.unclipped(photos - step)) / 2
    assert float((gradient * step).sum()) == pytest.approx(float(change), rel=0.1)


def test_pixels_beyond_the_range_are_clipped(tiny):
    metric = QualityMetric(tiny)
    photos = (as_tensor(make_scene(64, 64)) * 1.5 - 0.25).requires_grad_()
    scores = metric.unclipped(photos)
    torch.testing.assert_close(scores, metric.unclipped(photos.clamp(0, 1)))
    scores.sum().backward()
    beyond = (photos < 0) | (photos > 1)
    assert beyond.any()
    assert (photos.grad[beyond] == 0).all()
    assert (photos.grad != 0).any()


@pytest.mark.parametrize(("factor", "offset"), [(255, 0), (2, -1)])
def test_another_range_gives_one_warning(tiny, recwarn, factor, offset):
    metric, photos = QualityMetric(tiny), as_tensor(make_scene(64, 64))
    with pytest.warns(UserWarning, match=r"\d+% of the values are outside 0 to 1 and are clipped"):
        metric(photos * factor + offset)
    metric(photos * factor + offset)
    QualityMetric(tiny)(photos * 1.04 - 0.02)  # as the output of a network
    assert not recwarn.list


@pytest.mark.parametrize("view", ["common", "native"])
def test_black_and_white_pixels_have_a_gradient(view):
    photos = as_tensor(make_scene(64, 64)) * 0.5 + 0.25
    photos[..., :20], photos[..., -20:] = 0, 1
    (gradient,) = torch.autograd.grad(QualityMetric("fast", view=view).unclipped(photos.requires_grad_()).sum(), photos)
    assert (gradient[..., 4:16] != 0).any()
    assert (gradient[..., -16:-4] != 0).any()


def test_the_weights_are_frozen(unified):
    assert not list(unified.parameters())
    assert not unified.state_dict()
    assert not any(weight.requires_grad for weight in unified.buffers())
    assert not unified.train().training
    photos = as_tensor(make_scene(64, 64))
    assert not unified(photos).requires_grad
    assert unified(photos.requires_grad_()).requires_grad


def test_copies_and_pickles_give_the_same(tiny):
    metric, photos = QualityMetric(tiny), as_tensor(make_scene(70, 50))
    for other in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert torch.equal(other(photos), metric(photos))


def test_autocast_gives_nearly_the_same_in_single_precision(unified):
    photos = as_tensor(data.chelsea()[60:188, 100:260])
    with torch.autocast("cpu", torch.bfloat16):
        found = unified(photos)
    assert found.dtype == torch.float32
    assert not torch.equal(found, unified(photos))
    assert float(found) == pytest.approx(float(unified(photos)), abs=1)


def test_other_types_of_floats_are_converted(tiny):
    metric, photos = QualityMetric(tiny), as_tensor(make_scene(70, 50))
    assert float(metric(photos.double())) == pytest.approx(float(metric(photos)), abs=1e-3)
    assert metric(photos.half()).dtype == torch.float32


@pytest.mark.filterwarnings("ignore")  # of torch about itself
def test_it_compiles_to_one_graph_for_each_size(tiny):
    metric = QualityMetric(tiny)
    compiled = torch.compile(metric, backend="aot_eager", fullgraph=True)
    for shape in ((64, 64), (90, 120), (40, 50)):
        photos = as_tensor(make_scene(*shape)).requires_grad_()
        gradients = [torch.autograd.grad(each(photos).sum(), photos)[0] for each in (compiled, metric)]
        torch.testing.assert_close(*gradients)


def test_reductions_of_the_loss(tiny):
    photos = as_tensor(*(make_scene(64, 64, seed) for seed in range(3)))
    losses = QualityLoss(tiny, reduction="none")(photos)
    assert losses.shape == (3,)
    torch.testing.assert_close(losses, 1 - QualityMetric(tiny).unclipped(photos) / 100)
    assert QualityLoss(tiny)(photos) == losses.mean()
    assert QualityLoss(tiny, reduction="sum")(photos) == losses.sum()
    with pytest.raises(ValueError, match="no reduction 'max'"):
        QualityLoss(tiny, reduction="max")


def test_the_loss_has_a_gradient_where_the_score_is_clipped(tiny):
    loss = QualityLoss(tiny)
    flat = torch.full((1, 3, 64, 64), 0.5) + 0.01 * torch.randn((1, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    flat.requires_grad_()
    assert loss.metric(flat) == 0
    assert torch.autograd.grad(loss.metric(flat).sum(), flat)[0].abs().max() == 0
    assert loss(flat) > 1
    assert torch.autograd.grad(loss(flat), flat)[0].abs().max() > 0


def test_the_mean_refuses_scores_that_are_not_finite(tiny):
    mean = MeanQuality(tiny)
    with pytest.raises(ValueError, match="not finite"):
        mean.update(torch.full((1, 3, 20, 30), torch.nan))


def test_the_mean_is_over_photos(tiny):
    mean, metric = MeanQuality(tiny), QualityMetric(tiny)
    first, second = as_tensor(make_scene(64, 64), make_scene(64, 64, 1)), as_tensor(make_scene(80, 50))
    mean.update(first)
    mean.update(second)
    torch.testing.assert_close(mean.compute(), torch.cat([metric(first), metric(second)]).mean())
    torch.testing.assert_close(mean(second), metric(second)[0])  # of this batch
    mean.reset()
    mean.update(second)
    torch.testing.assert_close(mean.compute(), metric(second)[0])


PROCESS = """
import sys, torch
from torch import nn
from noref.lab.torch import MeanQuality, QualityLoss
model, rank, file = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
photos = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
mine = photos[:2] if rank == 0 else photos[2:]
mean = MeanQuality(model)
mean.update(mine)
torch.manual_seed(0)
layer = nn.Conv2d(3, 3, 1)
loss = QualityLoss(model)

class Restorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.loss = layer, loss

    def forward(self, photos):
        return self.loss(self.layer(photos))

restorer = nn.parallel.DistributedDataParallel(Restorer())
restorer(photos[rank : rank + 1]).backward()
found = layer.weight.grad.clone()
(expected,) = torch.autograd.grad(loss(nn.functional.conv2d(photos[:2], layer.weight, layer.bias)), layer.weight)
print(float(mean.compute()), float(loss.metric(photos).mean()), float((found - expected).abs().max()), float(found.abs().max()))
"""


def test_two_processes_have_one_mean_and_one_gradient(tiny, tmp_path):
    command = [sys.executable, "-c", PROCESS, str(tiny)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([*command, str(rank), str(tmp_path / "meeting")], **pipes) for rank in (0, 1)]
    for process in started:
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        together, expected, difference, size = map(float, output.split())
        assert 0 < expected < 100
        assert together == pytest.approx(expected, rel=1e-5)
        assert difference < 1e-4 * size


def test_it_needs_torch_alone(tiny):
    code = f"""
import sys
others = ("timm", "torchmetrics", "torchvision", "lightning", "pandas", "scipy", "sklearn", "onnx", "pydantic", "safetensors")
for name in others:
    sys.modules[name] = None  # importing it now fails
import torch
import noref.lab.torch as quality
print(quality.QualityMetric({str(tiny)!r})(torch.rand(1, 3, 32, 32)).shape)
try:
    quality.MeanQuality
except ModuleNotFoundError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.splitlines() == ["torch.Size([1])", "MeanQuality needs torchmetrics; pip install torchmetrics"]


def test_without_torch_the_error_names_the_extra():
    code = "import sys; sys.modules['torch'] = None; import noref.lab.torch"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert found.strip().endswith("noref.lab.torch needs torch; pip install 'noref[torch]'")


def test_wrong_arguments_are_refused(tiny, tmp_path):
    metric, photos = QualityMetric(tiny), torch.rand(2, 3, 20, 30)
    for wrong in (photos[0], photos[:, :1], photos.permute(0, 2, 3, 1), (255 * photos).byte()):
        with pytest.raises(ValueError, match="N x 3 x H x W floats from 0 to 1, not"):
            metric(wrong)
    with pytest.raises(TypeError, match=r"pixels must be a tensor, not ndarray; noref\.Scorer scores files and arrays"):
        metric(photos.numpy())
    with pytest.raises(ValueError, match="the batch is empty"):
        metric(photos[:0])
    with pytest.raises(ValueError, match=r"the weights are torch\.float16; keep them in single precision"):
        QualityMetric(tiny).half()(photos)
    with pytest.raises(ImageTooSmall, match=r"<tensor>: 30 x 7 pixels; tiny 1 needs at least 8"):
        metric(photos[:, :, :7])
    with pytest.raises(ValueError, match="no view 'large'"):
        QualityMetric(tiny, view="large")
    with pytest.raises(ModelNotFound):
        QualityMetric("no such model")
    odd = tiny_model(tmp_path / "odd.onnx", "score = Acos(score_or_more)")
    with pytest.raises(BadModel, match=r"odd\.onnx: torch cannot run it \(the operator Acos\)"):
        QualityMetric(odd)


def test_a_model_without_a_score_has_its_other_outputs(tmp_path):
    path = save_model(
        tmp_path / "defects.onnx",
        "(uint8[1, H, W, 3] pixels) => (float[1, 3] defects)",
        "a = Cast<to = 1>(pixels)  b = ReduceMean<keepdims = 0>(a, axes)  defects = Div(b, top)",
        "int64[2] axes = {1, 2}, float top = {255}",
        defects=("red", "green", "blue"),
    )
    metric, photos = QualityMetric(path), torch.rand(2, 3, 20, 30)
    torch.testing.assert_close(metric.outputs(photos), {"defects": photos.mean(dim=(2, 3))})
    with pytest.raises(ValueError, match="defects 1 predicts defects only; use `outputs`"):
        metric(photos)
    with pytest.raises(ValueError, match="predicts defects only"):
        QualityLoss(path)
