"""Everything in one network, from rated and clean photos to the exported model, on tiny photos."""

import json
import shutil

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import noref
from noref.cli import app
from noref.lab.datasets.readers import biq2021
from noref.lab.distortions.chains import FAMILIES
from noref.lab.errors import LabError
from noref.lab.experiments import experiment
from noref.lab.methods.unified import interval, photos
from noref.lab.methods.unified.learning import UnifiedModule
from noref.lab.methods.unified.method import UnifiedMethod
from noref.lab.methods.unified.network import Learner, expected, last_vectors, ordinal_targets
from noref.lab.methods.unified.whole import WholePhotos
from noref.lab.networks.backbone import Backbone
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.training.checkpoints import SafeCheckpoints
from noref.lab.training.finetuning import OptimizerConfig
from noref.lab.training.photos import loader
from pictures import make_scene

TINY = (
    "backbone.name=test_efficientnet data.area=20000 copies=4 schedule.epochs=1 data.crop=64 schedule.batch=8 axes=8 "
    "schedule.ema=null schedule.precision=32-true schedule.workers=0 backbone.mean=null backbone.std=null best=0.2 halved=0.3 "
    "plain=4 extreme=1 clouds=2 draws=2 classes.epochs=1 classes.edges=[0.5] classes.workers=0 classes.precision=32-true "
    "classes.batch=8 map_epochs=1"
)
SIZE = WorkingSize(20_000, 64, 32)


def call(*arguments: object):
    return CliRunner().invoke(app, ["lab", *map(str, arguments)])


def train(out, database, pristine, *more: object):
    changes = (part for change in TINY.split() for part in ("--set", change))
    return call("train", "unified", "--out", out, "--data", f"biq2021={database}", "--pristine", pristine, *changes, *more)


@pytest.fixture(scope="module")
def run(database, pristine, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "unified"
    result = train(out, database, pristine)
    assert result.exit_code == 0, result.stderr
    assert "| all |" in result.stdout
    return out


@pytest.fixture(scope="module")
def method(run) -> UnifiedMethod:
    return experiment.load_model(run)


@pytest.fixture(scope="module")
def file(run, tmp_path_factory):
    target = tmp_path_factory.mktemp("model") / "new" / "tiny.onnx"
    result = call("export", run, target)
    assert result.exit_code == 0, result.stderr
    return target


@pytest.fixture(scope="module")
def exported(file):
    return noref.Scorer(file)


def test_a_results_folder_is_complete(run):
    files = {"results.csv", "interval.json", "score.csv", "defects.csv", "curves.png", "backbone.safetensors"}
    assert files | {"finetune", "training", "map", "model"} <= {path.name for path in run.iterdir()}
    facts = json.loads((run / "interval.json").read_text())
    results, predictions = pd.read_csv(run / "results.csv"), pd.read_csv(run / "predictions.csv")
    assert facts["n"] == results["n"].iloc[0] == len(predictions)
    assert facts["stated"] == 0.9
    assert 0 <= facts["held"] <= 1
    log = (run / "training" / "log" / "version_0" / "metrics.csv").read_text()
    assert all(f"train_{part}" in log for part in ("rated", "distorted", "quality", "defects"))


def test_the_map_learns_on_the_mean_of_both_backbones(run):
    together, mapped = (
        SafeCheckpoints().load_checkpoint(run / stage / "best.ckpt")["state_dict"] for stage in ("training", "map")
    )
    classes = load_file(run / "backbone.safetensors")
    moved = [key for key in classes if not torch.equal(classes[key], together[f"network.backbone.body.{key}"])]
    assert len(moved) > 10
    for key in moved:
        mean = (classes[key] + together[f"network.backbone.body.{key}"]) / 2
        torch.testing.assert_close(mapped[f"network.backbone.body.{key}"], mean)
    assert not torch.equal(mapped["network.local.out.weight"], together["network.local.out.weight"])
    torch.testing.assert_close(mapped["network.defects.weight"], together["network.defects.weight"], rtol=0, atol=0)


def test_an_interrupted_run_ends_like_an_unbroken_one(run, database, pristine, tmp_path):
    broken = tmp_path / "run"
    shutil.copytree(run, broken)
    for left in ("map", "model"):
        shutil.rmtree(broken / left)
    for left in ("results.csv", "predictions.csv", "score.csv", "defects.csv"):
        (broken / left).unlink()
    first, *others = sorted((broken / "made").iterdir())
    for draw in others:
        draw.unlink()
    kept = first.stat().st_mtime_ns
    assert train(broken, database, pristine).exit_code == 0
    assert (broken / "predictions.csv").read_text() == (run / "predictions.csv").read_text()
    assert first.stat().st_mtime_ns == kept
    assert [draw.read_bytes() for draw in others] == [(run / "made" / draw.name).read_bytes() for draw in others]


def test_answers_are_deterministic_and_survive_saving(method, database, tmp_path):
    paths = biq2021.read(database).paths[:3]
    first = method.predict(paths)
    np.testing.assert_array_equal(method.predict(paths[::-1])[::-1], first)
    method.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["method.json", "weights.safetensors"]
    loaded = UnifiedMethod.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(paths), first)
    np.testing.assert_array_equal(loaded.network_.interval.coefficients, method.network_.interval.coefficients)
    state = json.loads((tmp_path / "method.json").read_text())
    (tmp_path / "method.json").write_text(json.dumps({**state, "facts": {"classes_": ["dust"]}}))
    with pytest.raises(LabError, match="predicts dust, not low contrast"):
        UnifiedMethod.load(tmp_path)
    (tmp_path / "method.json").write_text(json.dumps(state))
    weights = load_file(tmp_path / "weights.safetensors")
    for name, other in (
        ("mos.mean", weights["mos.mean"][1:]),
        ("correction.supports", weights["correction.supports"][:, 1:]),
    ):
        save_file({**weights, name: other.clone()}, tmp_path / "weights.safetensors")
        with pytest.raises(LabError, match="another version of noref"):
            UnifiedMethod.load(tmp_path)


def test_vectors_that_heads_are_fitted_to_are_those_they_read(method, database):
    backbone, paths = method.network_.backbone, biq2021.read(database).paths[:2]
    whole = WholePhotos(backbone, method.working_size, cache=None)
    for path, kept in zip(paths, whole.vectors(paths), strict=True):
        pixels = torch.from_numpy(working_pixels(path, method.working_size))[None]
        with torch.inference_mode():
            read = last_vectors(backbone(pixels), pixels)[0].numpy()
        np.testing.assert_allclose(kept, read, atol=1e-5)


def test_the_mean_of_the_map_is_the_score(method):
    scene = make_scene(80, 100)
    quality = method.explain(scene)["quality"]
    assert quality.shape == (6, 8)  # of 96 x 128 pixels
    assert np.ptp(quality) > 0
    assert quality.mean() == pytest.approx(method.predict([scene])[0], abs=1e-5)


RED = np.full((80, 90, 3), (255, 0, 0), np.uint8)


@pytest.mark.parametrize("pixels", [make_scene(64, 64), make_scene(67, 101), make_scene(300, 400), 0 * RED, RED])
def test_the_exported_model_says_the_same(exported, method, pixels):
    found, (score,) = exported.score(pixels), method.predict([pixels])
    assert found.score == pytest.approx(min(max(100 * score, 0), 100), abs=1e-3)
    np.testing.assert_allclose(found.map, 100 * method.explain(pixels)["quality"], atol=1e-2)
    ends = method.network_.interval(torch.tensor([score]))[0].numpy()
    np.testing.assert_allclose(found.interval, (100 * ends).clip(0, 100), atol=1e-2)
    assert list(found.defects) == list(FAMILIES)
    assert found.interval[0] <= found.score <= found.interval[1]
    assert exported.card.coverage == 0.9
    assert exported.card.map_cell == 16


def test_large_constants_take_two_bytes_each(file):
    model = onnx.load(file)
    large = [constant for constant in model.graph.initializer if np.prod(constant.dims) >= 4096]
    assert large
    assert {constant.data_type for constant in large} == {onnx.TensorProto.FLOAT16}


def test_losses_are_means_over_what_is_known(rated, pristine):
    torch.manual_seed(0)
    network = Learner(Backbone("test_efficientnet"))
    module = UnifiedModule(network, {"rated": 1, "distorted": 1, "quality": 1, "defects": 1}, OptimizerConfig(), 1e-3)
    both = photos.Together(
        photos.Rated(rated, SIZE, 64), photos.DistortedPhotos(sorted(pristine.iterdir()), [0.8] * 6, SIZE, 4, 64)
    )
    pixels, truth = next(iter(loader(both, 40, 0, 0)))
    told = network(pixels)
    losses = module.losses(told, truth)
    distorted = ~truth.quality.isnan().any(dim=(1, 2))
    assert 0 < int(distorted.sum()) < 40
    for part, which in (("rated", ~distorted), ("distorted", distorted)):
        wanted = F.binary_cross_entropy_with_logits(told.mos[which], ordinal_targets(truth.mos[which]))
        assert losses[part].item() == pytest.approx(wanted.item(), rel=1e-4)
    torch.stack([*losses.values()]).sum().backward()
    gradients = {name: weight.grad for name, weight in network.named_parameters()}
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients.values())


def test_steps_stand_for_opinions():
    mos = torch.linspace(0.1, 0.9, 33)
    reached = ordinal_targets(mos)
    assert reached.shape == (33, 9)
    torch.testing.assert_close(expected(torch.logit(reached)), mos, rtol=0, atol=0.03)
    assert (expected(torch.logit(reached)).diff() > 0).all()


def test_an_interval_is_as_wide_as_errors_are():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 1, 3000)
    mos = scores + rng.normal(size=3000) * 0.1 * (1 - scores)
    bounds = interval.fitted(scores[:1500], mos[:1500])
    low, high = bounds(torch.from_numpy(scores[1500:])).numpy().T
    assert ((low <= mos[1500:]) & (mos[1500:] <= high)).mean() == pytest.approx(0.9, abs=0.02)
    narrow, wide = (np.ptp(bounds(torch.tensor([score])).numpy()) for score in (0.9, 0.1))
    assert narrow < wide / 2


def test_pristine_images_are_required(rated, tmp_path):
    with pytest.raises(LabError, match="give --pristine FOLDER"):
        UnifiedMethod.configured({"backbone": {"name": "test_efficientnet"}}).fit(rated, rated, tmp_path)


def test_chains_draw_the_distortions_that_published_recipes_were_trained_with():
    """Whoever changes FAMILIES changes what `defects` and `unified` learn, and must give their recipes a new version."""
    assert {kind for kinds in FAMILIES.values() for kind in kinds} == {
        *("low_contrast", "haze", "gaussian_blur", "lens_blur", "motion_blur", "under_exposure", "over_exposure"),
        *("white_noise", "color_noise", "impulse_noise", "speckle_noise", "warm_cast", "cold_cast", "pixelation", "banding"),
        *("jpeg", "jpeg2000", "webp"),
    }
