"""Distortions: complete, pure, steady."""

import re

import numpy as np
import piq
import pytest
import torch
from skimage import data

from noref.lab import distortions
from noref.lab.errors import LabError
from noref.lab.plots import distortions as sheet
from pictures import make_scene

NAMES = distortions.names()


def test_table_and_registry_agree():
    assert set(NAMES) == set(distortions.LEVELS)
    assert len(NAMES) >= 20
    live = {"jpeg", "jpeg2000", "white_noise", "gaussian_blur", "fast_fading"}
    assert live | {"motion_blur", "lens_blur", "under_exposure", "over_exposure"} <= set(NAMES)
    assert all(re.fullmatch(r"[A-Z].*[^.]", distortions.get(name).summary) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_pure_and_of_the_same_shape(name, scene):
    before = scene.copy()
    first, second = (distortions.get(name)(scene, 3, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(scene, before)
    assert first.shape == scene.shape
    assert first.dtype == np.uint8
    assert (first != scene).any()


@pytest.mark.parametrize("name", NAMES)
def test_odd_sizes_and_flat_pictures(name):
    for pixels in (make_scene(67, 93), np.full((64, 64, 3), 90, np.uint8)):
        for level in (1, 5):
            assert distortions.get(name)(pixels, level, np.random.default_rng(0)).shape == pixels.shape


def _tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None] / 255


@pytest.mark.filterwarnings("ignore")  # piq's and torch's own
@pytest.mark.parametrize("name", NAMES)
def test_levels_fall_steadily_in_quality(name):
    photos = [data.astronaut()[:320, 60:380], data.coffee()[40:360, 140:460], data.rocket()[60:380, 200:520]]
    draws = 12 if name == "fast_fading" else 1  # where bit errors hit is luck: steady on average only
    distort = distortions.get(name)
    psnr, vsi = [], []
    for level in range(1, 6):
        drawn = [(photo, distort(photo, level, np.random.default_rng(seed))) for photo in photos for seed in range(draws)]
        good, bad = (torch.cat([_tensor(pair[side]) for pair in drawn]) for side in (0, 1))
        psnr.append(float(piq.psnr(good, bad)))
        vsi.append(float(piq.vsi(good, bad)))
    assert (np.diff(psnr) < -0.3).all(), psnr
    assert (np.diff(vsi) < 0.002).all(), vsi
    assert vsi[0] - vsi[4] > 0.01


def test_wrong_level_pixels_or_name_are_refused(scene):
    jpeg = distortions.get("jpeg")
    with pytest.raises(ValueError, match="level must be 1, 2, 3, 4 or 5, not 6"):
        jpeg(scene, 6, np.random.default_rng(0))
    with pytest.raises(ValueError, match="uint8"):
        jpeg(scene / 255, 1, np.random.default_rng(0))
    with pytest.raises(LabError, match="did you mean jpeg"):
        distortions.get("jpg")


def _left(scene: np.ndarray, pixels: np.ndarray) -> float:
    """Share of the scene's information that pixels still hold."""
    return float(piq.vif_p(_tensor(pixels), _tensor(scene)))


@pytest.mark.parametrize("name", distortions.EXTREME_LEVELS)
def test_ruin_begins_at_level_5_and_goes_to_where_next_to_nothing_is_left(name, scene):
    distort = distortions.get(name)
    drawn = [distort.extreme(scene, np.random.default_rng(seed)) for seed in range(30)]
    np.testing.assert_array_equal(distort.extreme(scene, np.random.default_rng(3)), drawn[3])
    assert len({pixels.tobytes() for pixels in drawn}) > 15  # frames that are black or white all over are alike
    level_5 = _left(scene, distort(scene, 5, np.random.default_rng(0)))
    left = [_left(scene, pixels) for pixels in drawn]
    assert max(left) <= 1.1 * level_5
    assert min(left) < 0.5 * level_5


def test_what_cannot_be_ruined_is_refused(scene):
    with pytest.raises(ValueError, match="white_noise ends at level 5; past it go gaussian_blur"):
        distortions.get("white_noise").extreme(scene, np.random.default_rng(0))


def test_the_sheet_shows_all(scene):
    drawn = sheet.draw(scene, cell=32)
    assert drawn.height >= len(NAMES) * 32
    assert len(drawn.getcolors(maxcolors=10**6)) > 100
