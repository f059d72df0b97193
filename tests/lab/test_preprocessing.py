"""The size policy: never enlarge, bound the area, keep the shape."""

import numpy as np
import pytest
from PIL import Image

from noref.lab.preprocessing import WorkingSize
from pictures import make_scene


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
    "policy", [WorkingSize(), WorkingSize(20_000, 64, 32), WorkingSize(160_000, 64, 1), WorkingSize(50_176, 224)]
)
def test_the_shape_is_known_beforehand(policy):
    rng = np.random.default_rng(0)
    for height, width in [(1, 1), (512, 768), (513, 768), (3000, 60), *rng.integers(1, 1500, (60, 2)).tolist()]:
        assert policy.shape(width, height) == policy.apply(np.zeros((height, width, 3), np.uint8)).shape[:2]
