"""Operators of exported models give with torch what they give with onnxruntime."""

import numpy as np
import onnx.parser
import onnxruntime
import pytest
import torch

from noref.lab.preprocessing import WorkingSize
from noref.lab.torch import onnx_file
from noref.lab.torch.network import ExportedNetwork
from noref.lab.torch.operators import OPERATORS
from noref.lab.torch.resizing import resize_photo
from pictures import make_scene

CONSTANTS = """
    float half = {0.5}, float nothing = {0}, float more = {2.5}, float[3] some = {0.25, 0.5, 0.75},
    float[3] positive = {1, 2, 3},
    float[4] scales = {1, 1, 2, 3}, float[2,3,1,1] kernel = {1, -2, 3, 0.5, 0.25, -1},
    float[3,1,2,2] deep = {1, 2, 3, 4, 5, 6, 7, 8, -1, 2, -3, 4},
    float[3,1,1] slopes = {0.5, -1, 2}, float[3,3] square = {1, 2, 3, 4, 5, 6, 7, 8, 9},
    int64 first = {0}, int64 second = {1}, int64[1] zero = {0}, int64[1] two = {2}, int64[1] minus_one = {-1},
    int64[1] minus_two = {-2}, int64[1] last = {9223372036854775807}, int64[1] lowest = {-9223372036854775808},
    int64[2] sides = {2, 3}, int64[2] swapped = {2, 0}, int64[2] parts = {1, 2}, int64[2] divisors = {3, 5},
    int64[2,1] rows = {0, 2}, int64[2] ends = {-1, 4}, int64[3] three = {1, 3, -1}, int64[4] wide = {1, 3, 4, 5},
    int64[4] fixed = {1, 3, 20, 30},
    int64[8] edges = {0, 0, 1, 2, 0, 0, 2, 1}
"""
CASES = {
    # x is a photo, 1 x 3 x 8 x 12 from 0 to 1; v its mean colours, 1 x 3; n the number of its columns, int64 of 1.
    "Abs": "m = Sub(x, half)  y = Abs(m)",
    "Add": "y = Add(x, half)",
    "And": "a = Greater(x, half)  b = Less(v, half)  c = Unsqueeze(b, sides)  d = And(a, c)  y = Cast<to = 1>(d)",
    "AveragePool": "y = AveragePool<kernel_shape = [3, 2], strides = [2, 2], pads = [1, 1, 1, 1]>(x)",
    "AveragePool ceil": "y = AveragePool<kernel_shape = [3, 3], strides = [2, 2], pads = [0, 0, 0, 0], ceil_mode = 1>(x)",
    "BatchNormalization": "y = BatchNormalization<epsilon = 0.001, momentum = 0.5>(x, some, positive, some, positive)",
    "Cast": "a = Greater(x, half)  y = Cast<to = 1>(a)",
    "Clip": "y = Clip(x, half)",
    "Clip to both": "m = Sub(x, half)  y = Clip(m, nothing, half)",
    "Concat": "y = Concat<axis = -1>(x, x)",
    "ConstantOfShape": "s = Shape(v)  z = ConstantOfShape<value = float[1] {3}>(s)  y = Add(v, z)",
    "Conv": "y = Conv<strides = [2, 1], pads = [0, 1, 1, 1], dilations = [1, 1], group = 1>(x, kernel, )",
    "Conv groups": "y = Conv<strides = [1, 1], pads = [1, 1, 1, 1], dilations = [2, 1], group = 3>(x, deep, some)",
    "ConvTranspose": ("y = ConvTranspose<strides = [2, 2], pads = [1, 0, 1, 0], dilations = [1, 1], group = 3>(x, deep)"),
    "Div": "y = Div(half, x)",
    "Div integers": "h = Div(n, two)  f = Cast<to = 1>(h)  y = Mul(v, f)",
    "Einsum": 'y = Einsum<equation = "nc,nchw->nhw">(v, x)',
    "Equal": "c = Equal(x, x)  y = Cast<to = 1>(c)",
    "Erf": "y = Erf(x)",
    "Exp": "y = Exp(x)",
    "Expand": "u = Unsqueeze(v, sides)  y = Expand(u, wide)",
    "Flatten": "y = Flatten(x)",
    "Floor": "t = Mul(x, more)  y = Floor(t)",
    "Gather": "y = Gather<axis = 2>(x, second)",
    "Gather places": "y = Gather<axis = 1>(x, swapped)",
    "GatherND": "t = Transpose<perm = [1, 0]>(v)  g = GatherND(t, rows)  y = Transpose<perm = [1, 0]>(g)",
    "Gemm": "y = Gemm<alpha = 0.5, beta = 2.0, transB = 1>(v, square, some)",
    "GlobalAveragePool": "y = GlobalAveragePool(x)",
    "Greater": "c = Greater(x, half)  y = Cast<to = 1>(c)",
    "GreaterOrEqual": "c = GreaterOrEqual(x, half)  y = Cast<to = 1>(c)",
    "HardSigmoid": "y = HardSigmoid<alpha = 0.4>(x)",
    "HardSwish": "m = Sub(x, more)  y = HardSwish(m)",
    "LayerNormalization": "t = Transpose<perm = [0, 2, 3, 1]>(x)  y = LayerNormalization<epsilon = 0.01>(t, some, positive)",
    "LeakyRelu": "m = Sub(x, half)  y = LeakyRelu<alpha = 0.1>(m)",
    "Less": "c = Less(x, half)  y = Cast<to = 1>(c)",
    "LessOrEqual": "c = LessOrEqual(x, half)  y = Cast<to = 1>(c)",
    "Log": "p = Add(x, half)  y = Log(p)",
    "MatMul": "y = MatMul(v, square)",
    "Max": "y = Max(x, half)",
    "Max of a constant": "y = Max(half, x)",
    "MaxPool": "m = Sub(x, more)  y = MaxPool<kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 1, 1]>(m)",
    "Min": "y = Min(x, half)",
    "Mod": "r = Mod(n, divisors)  f = Cast<to = 1>(r)  g = ReduceSum<keepdims = 0>(f)  y = Mul(v, g)",
    "Mul": "u = Unsqueeze(v, sides)  y = Mul(x, u)",
    "Neg": "y = Neg(x)",
    "Pad": "y = Pad(x, edges, half)",
    "Pad edge": 'y = Pad<mode = "edge">(x, edges)',
    "Not": "c = Less(x, half)  d = Not(c)  y = Cast<to = 1>(d)",
    "Or": "a = Greater(x, half)  b = Less(x, half)  c = Or(a, b)  y = Cast<to = 1>(c)",
    "PRelu": "m = Sub(x, half)  y = PRelu(m, slopes)",
    "Pow": "y = Pow(x, half)",
    "Range": "m = Squeeze(n, zero)  r = Range(first, m, second)  f = Cast<to = 1>(r)  y = Mul(x, f)",
    "Reciprocal": "p = Add(x, half)  y = Reciprocal(p)",
    "ReduceL2": "y = ReduceL2(x, sides)",
    "ReduceMax": "y = ReduceMax<keepdims = 0>(x, sides)",
    "ReduceMean": "y = ReduceMean(x)",
    "ReduceMin": "y = ReduceMin(x, minus_one)",
    "ReduceProd": "s = Shape(x)  p = ReduceProd<keepdims = 0>(s)  f = Cast<to = 1>(p)  y = Div(x, f)",
    "ReduceSum": "y = ReduceSum(x, sides)",
    "Relu": "m = Sub(x, half)  y = Relu(m)",
    "Reshape": "y = Reshape(x, three)",
    "Reshape copied": "w = Concat<axis = 0>(zero, minus_one)  y = Reshape(x, w)",
    "Resize": 'y = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">(x, , scales)',
    "Resize cubic": 'y = Resize<mode = "cubic", cubic_coeff_a = -0.75>(x, , , fixed)',
    "Resize nearest": (
        'y = Resize<mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(x, , scales)'
    ),
    "Shape": "s = Shape<start = 1, end = 2>(x)  f = Cast<to = 1>(s)  y = Mul(v, f)",
    "Sigmoid": "y = Sigmoid(x)",
    "Sign": "m = Sub(x, half)  y = Sign(m)",
    "Slice": "a = Slice(x, swapped, ends, sides)  b = ReduceMean(a)  y = Add(b, v)",
    "Slice to the last": "y = Slice(x, minus_two, last, minus_one)",
    "Slice from the first": "y = Slice(x, lowest, minus_one, two, two)",
    "Softmax": "y = Softmax<axis = 1>(x)",
    "Softplus": "y = Softplus(x)",
    "Split": "a, b = Split<axis = 1>(x, parts)  y = Concat<axis = 1>(b, a)",
    "Split evenly": "a, b = Split<axis = 3, num_outputs = 2>(x)  y = Sub(a, b)",
    "Sqrt": "y = Sqrt(x)",
    "Squeeze": "u = Unsqueeze(v, sides)  y = Squeeze(u, sides)",
    "Sub": "y = Sub(half, x)",
    "Tanh": "y = Tanh(x)",
    "TopK": "a, b = TopK<axis = 3, largest = 0>(x, two)  y = Neg(a)",
    "Transpose": "y = Transpose<perm = [0, 2, 1, 3]>(x)",
    "Unsqueeze": "y = Unsqueeze(v, minus_one)",
    "Where": "c = Greater(x, half)  y = Where(c, x, half)",
}


def model_of(operators: str) -> bytes:
    """A model that applies operators to values of the photo."""
    return onnx.parser.parse_model(f"""
        <ir_version: 9, opset_import: ["" : 18]>
        tiny (uint8[1, H, W, 3] pixels) => (float[N] y) <{CONSTANTS}, float top = {{255}}> {{
            floats = Cast<to = 1>(pixels)  shares = Div(floats, top)  x = Transpose<perm = [0, 3, 1, 2]>(shares)
            v = ReduceMean<keepdims = 0>(x, sides)  n = Shape<start = 2, end = 3>(pixels)
            {operators}
        }}
    """).SerializeToString()


@pytest.mark.parametrize("name", CASES)
def test_operators_give_what_onnxruntime_gives(name):
    content = model_of(CASES[name])
    pixels = np.random.default_rng(0).integers(0, 256, (1, 8, 12, 3), np.uint8)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"pixels": pixels})
    network = ExportedNetwork(onnx_file.read(content), 8)
    found = network(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255, everything=True)["y"]
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_every_operator_has_a_case():
    used = {node.operator for operators in CASES.values() for node in onnx_file.read(model_of(operators)).nodes}
    assert set(OPERATORS) == used


@pytest.mark.parametrize(
    ("operators", "message"),
    [
        ("y = Acos(x)", "the operator Acos"),
        (
            'y = AveragePool<auto_pad = "SAME_UPPER", kernel_shape = [2, 2], strides = [1, 1], pads = [0, 0, 0, 0]>(x)',
            "auto_pad",
        ),
        ("y = Gather<axis = 1, places = 3>(x, zero)", "Gather with"),
        ("s = Shape(v)  y = Mod<fmod = 1>(x, half)", "Mod with fmod"),
        ('y = Resize<mode = "nearest">(x, , scales)', "Resize to the nearest by half_pixel"),
        (
            'y = Resize<mode = "linear", coordinate_transformation_mode = "align_corners">(x, , scales)',
            "Resize by align_corners",
        ),
        ('y = Resize<mode = "cubic", cubic_coeff_a = -0.6>(x, , scales)', "Resize with the coefficient -0.6"),
        ('p = Resize<mode = "linear", antialias = 0>(pixels, , , fixed)  y = Cast<to = 1>(p)', "Resize of the photo"),
    ],
)
def test_what_is_not_supported_is_refused(operators, message):
    with pytest.raises(ValueError, match=message):
        ExportedNetwork(onnx_file.read(model_of(operators)), 8)


@pytest.mark.parametrize("fixed", [True, False], ids=["cubic", "linear"])
@pytest.mark.parametrize("side", [(16, 23), (64, 200), (300, 170), (128, 128)])
def test_photos_are_resized_as_by_onnxruntime(side, fixed):
    pixels, size = make_scene(*side), WorkingSize(area=12_000, shortest=16, multiple=8 if fixed else 1, fixed=fixed)
    expected = size.apply(pixels)
    found = resize_photo(
        torch.from_numpy(pixels)[None].float(), None, None, [1, *expected.shape], mode="cubic" if fixed else "linear"
    )
    wrong = found[0].numpy() != expected
    assert wrong.mean() < 0.005  # onnxruntime's weights are integers, so values halfway between two may differ
    assert np.abs(found[0].numpy() - expected).max() <= 1


@pytest.mark.parametrize("mode", ["cubic", "linear"])
def test_the_gradient_of_resizing_is_that_without_rounding(mode):
    rng = np.random.default_rng(0)
    photos = torch.from_numpy(rng.uniform(100, 150, (1, 40, 60, 3))).requires_grad_()
    step = torch.from_numpy(rng.normal(0, 20, (1, 40, 60, 3)))  # so large that rounding does not matter

    def resized(pixels):
        return resize_photo(pixels, None, None, [1, 24, 90, 3], mode=mode)

    with torch.no_grad():
        change = (resized(photos + step) - resized(photos - step)) / 2
    (gradient,) = torch.autograd.grad((change * resized(photos)).sum(), photos)
    assert float((gradient * step).sum()) == pytest.approx(float(change.square().sum()), rel=0.01)
