"""The size policies: never enlarge and bound the area, or bring every photo to one area; keep the shape."""

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from noref.lab.preprocessing import WorkingSize
from pictures import make_scene

COMMON = WorkingSize(262_144, 16, 32, fixed=True)


@pytest.mark.parametrize("side", [(64, 64), (100, 236), (512, 768)])
def test_photos_within_the_area_are_left_as_they_are(side):
    pixels = make_scene(*side)
    np.testing.assert_array_equal(WorkingSize().apply(pixels), pixels)


def test_edges_are_repeated_up_to_a_multiple():
    pixels = make_scene(65, 90)
    padded = WorkingSize().apply(pixels)
    assert padded.shape == (68, 92, 3)
    np.testing.assert_array_equal(padded[:65, :90], pixels)
    np.testing.assert_array_equal(padded[65:, :90], np.repeat(pixels[-1:], 3, axis=0))
    np.testing.assert_array_equal(padded[:65, 90:], np.repeat(pixels[:, -1:], 2, axis=1))


@pytest.mark.parametrize("side", [(1200, 1600), (3000, 500), (100, 9000)])
def test_larger_photos_are_shrunk(side):
    policy = WorkingSize(area=160_000, shortest=64)
    height, width = policy.apply(make_scene(*side)).shape[:2]
    assert min(height, width) >= 64
    assert height * width <= 1.05 * 160_000 or min(height, width) <= 68
    assert abs(np.log((height / width) / (side[0] / side[1]))) < 0.1


def test_shrinking_is_antialiased():
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    small = WorkingSize(area=256 * 256).apply(stripes)
    assert small.shape == (256, 256, 3)
    np.testing.assert_allclose(small[8:-8, 8:-8].astype(int), 127, atol=4)
    scene = make_scene(1024, 1024)
    pillow = np.asarray(Image.fromarray(scene).resize((256, 256), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(WorkingSize(area=256 * 256).apply(scene) - pillow)[8:-8, 8:-8].mean() < 1


def test_the_words_tell_what_happens():
    assert "short side" not in WorkingSize(512 * 768, 64).describe()
    assert "0.39 MP" in WorkingSize(512 * 768, 64).describe()
    crops = WorkingSize(256 * 256, 256)
    assert "short side to no less than 256 pixels" in crops.describe()
    assert crops.apply(make_scene(384, 512)).shape == (256, 344, 3)  # 341 and a margin


@pytest.mark.parametrize(
    "policy",
    [
        WorkingSize(),
        WorkingSize(20_000, 64, 32),
        WorkingSize(160_000, 64, 1),
        WorkingSize(50_176, 224),
        COMMON,
        WorkingSize(20_000, 16, 4, fixed=True),
    ],
)
def test_the_shape_is_known_beforehand(policy):
    rng = np.random.default_rng(0)
    for height, width in [(1, 1), (512, 768), (513, 768), (3000, 60), *rng.integers(1, 1500, (60, 2)).tolist()]:
        assert policy.shape(width, height) == policy.apply(np.zeros((height, width, 3), np.uint8)).shape[:2]


@pytest.mark.parametrize("side", [(16, 16), (30, 400), (300, 300), (480, 640), (2000, 1500), (5000, 100)])
def test_a_fixed_area_holds_for_small_and_large_photos(side):
    height, width = COMMON.apply(make_scene(*side)).shape[:2]
    assert height % 32 == width % 32 == 0
    for found, given in ((height, side[0]), (width, side[1])):  # the nearest multiple
        assert abs(found - given * np.sqrt(262_144 / (side[0] * side[1]))) <= 16.01


@pytest.mark.parametrize("side", [(512, 512), (448, 608), (96, 2720)])
def test_a_photo_of_the_target_size_is_left_as_it_is(side):
    pixels = np.random.default_rng(0).integers(0, 256, (*side, 3), dtype=np.uint8)
    np.testing.assert_array_equal(COMMON.apply(pixels), pixels)


@pytest.mark.parametrize("area", [262_144, 6_000])
def test_bicubic_resizing_saturates_at_hard_edges(area):
    """The overshoot of bicubic interpolation is clipped; it would wrap around to the other end of the scale otherwise."""
    squares = np.zeros((128, 96, 3), np.uint8)
    squares[32:64, 24:60] = squares[80:, 60:] = 255
    resized = WorkingSize(area, 16, 4, fixed=True).apply(squares)
    height, width = resized.shape[:2]
    pillow = np.asarray(Image.fromarray(squares).resize((width, height), Image.Resampling.BICUBIC))
    assert np.abs(resized.astype(int) - pillow).max() <= 8
    assert (resized.min(), resized.max()) == (0, 255)


def test_a_flat_photo_stays_flat():
    assert np.unique(COMMON.apply(np.full((100, 130, 3), 200, np.uint8))).tolist() == [200]


def test_the_fixed_area_is_an_input_with_a_default():
    session = onnxruntime.InferenceSession(COMMON.graph().SerializeToString())
    assert [each.name for each in session.get_inputs()] == ["pixels"]
    assert [each.name for each in session.get_overridable_initializers()] == ["area"]
    scene = make_scene(96, 160)
    (native,) = session.run(None, {"pixels": scene[None], "area": np.array(96 * 160, np.float32)})
    np.testing.assert_array_equal(native[0], scene)


def test_a_fixed_area_is_described():
    assert COMMON.describe() == (
        "every photo is scored at 0.26 MP: larger ones are shrunk, smaller ones enlarged "
        "(bicubic, antialiased, sides rounded to multiples of 32 pixels)"
    )


@pytest.mark.parametrize("policy", [WorkingSize(20_000, 70, 32), COMMON, WorkingSize(20_000, 64, 4, fixed=True)])
def test_the_least_side_is_that_of_the_smallest_and_narrowest_photos(policy):
    least = [policy.shape(width, policy.shortest) for width in (policy.shortest, 50 * policy.shortest)]
    native = WorkingSize(min(policy.area, policy.shortest**2), policy.shortest, policy.multiple, policy.fixed)
    least.append((native if policy.fixed else policy).shape(policy.shortest, policy.shortest))
    assert min(min(shape) for shape in least) == policy.least
