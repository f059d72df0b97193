"""One tester for all distortions, and the registry."""

import re
from pathlib import Path

import numpy as np
import piq
import pytest
import torch
from PIL import features
from skimage import data

from noref.lab import distortions
from noref.lab.distortions import levels
from noref.lab.errors import LabError
from noref.lab.plots import distortions as sheet
from pictures import make_scene

NAMES = distortions.names()
LEVELS = range(1, 6)
DRAWS = {"fast_fading": 4}  # its bit errors hit at random: quality falls on average only

every_distortion = pytest.mark.parametrize("name", NAMES)


def distorted(name: str, pixels: np.ndarray, level: int, seed: int = 0) -> np.ndarray:
    return distortions.get(name)(pixels, level, np.random.default_rng(seed))


def as_tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None] / 255


def test_every_row_of_the_table_has_a_function():
    assert list(levels.TABLE) == NAMES


@every_distortion
def test_row_is_complete(name):
    distort, row = distortions.get(name), levels.TABLE[name]
    assert (distort.name, distort.family, distort.levels) == (name, row.family, row.levels)
    assert row.family in (*distortions.DEFECTS, *distortions.OTHER_FAMILIES)
    assert len(set(row.levels)) == 5
    assert not row.chain or row.family in distortions.DEFECTS


@every_distortion
def test_summary_is_the_first_line_of_the_docstring(name):
    distort = distortions.get(name)
    assert re.fullmatch(r"[A-Z].*[^.]", distort.summary)
    assert distort.function.__doc__.startswith(distort.summary)


@every_distortion
def test_result_depends_on_pixels_level_and_seed_only(name, scene):
    read_only = scene.copy()
    read_only.setflags(write=False)  # writing to it raises
    first, second = (distorted(name, read_only, 3, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(read_only, scene)
    assert (first != scene).any()
    assert not np.shares_memory(first, read_only)
    strided = np.asfortranarray(scene)
    np.testing.assert_array_equal(distorted(name, strided, 3, seed=7), first)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (64, 65)])
@every_distortion
def test_any_size_keeps_its_shape_and_type(name, shape):
    textured = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for pixels in (textured, np.full_like(textured, 90), np.full_like(textured, 255)):
        for level in LEVELS:
            result = distorted(name, pixels, level)
            assert result.shape == pixels.shape
            assert result.dtype == np.uint8
            assert result.flags.writeable


@pytest.mark.filterwarnings("ignore")  # raised inside piq and torch
@every_distortion
def test_full_reference_quality_falls_with_the_level(name):
    photos = [data.astronaut()[:320, 60:380], data.coffee()[40:360, 140:460], data.rocket()[60:380, 200:520]]
    psnr, vsi = [], []
    for level in LEVELS:
        pairs = [(photo, distorted(name, photo, level, seed)) for photo in photos for seed in range(DRAWS.get(name, 1))]
        references, results = (torch.cat([as_tensor(pair[side]) for pair in pairs]) for side in (0, 1))
        psnr.append(float(piq.psnr(references, results)))
        if level % 2:  # it takes most of the time
            vsi.append(float(piq.vsi(references, results)))
    assert (np.diff(psnr) < -0.3).all(), psnr
    assert (np.diff(vsi) < 0.002).all(), vsi
    assert vsi[0] - vsi[-1] > 0.01


@every_distortion
def test_other_levels_are_refused(name, scene):
    for level in (0, 6, -1, 2.5, "3", None):
        with pytest.raises(ValueError, match=f"{name}: level must be 1, 2, 3, 4 or 5, not {level!r}"):
            distorted(name, scene, level)


@every_distortion
def test_other_pixels_are_refused(name):
    floats, shorts = np.zeros((8, 8, 3), np.float32), np.zeros((8, 8, 3), np.uint16)
    grey, one_channel, alpha, empty = (np.zeros(shape, np.uint8) for shape in ((8, 8), (8, 8, 1), (8, 8, 4), (0, 8, 3)))
    for pixels in (floats, shorts, grey, one_channel, alpha, empty):
        with pytest.raises(ValueError, match=f"{name}: pixels must be uint8 of shape"):
            distorted(name, pixels, 1)
        if distortions.get(name).extreme_parameter is not None:
            with pytest.raises(ValueError, match=f"{name}: pixels must be uint8 of shape"):
                distortions.get(name).extreme(pixels, np.random.default_rng(0))


@pytest.mark.parametrize("name", distortions.extreme_names(NAMES))
def test_extreme_levels_begin_at_level_5_and_leave_almost_nothing(name, scene):
    def information(pixels: np.ndarray) -> float:
        return float(piq.vif_p(as_tensor(pixels), as_tensor(scene)))

    distort = distortions.get(name)
    drawn = [distort.extreme(scene, np.random.default_rng(seed)) for seed in range(30)]
    np.testing.assert_array_equal(distort.extreme(scene, np.random.default_rng(3)), drawn[3])
    assert len({pixels.tobytes() for pixels in drawn}) > 15  # all-black and all-white results coincide
    level_5 = information(distort(scene, 5, np.random.default_rng(0)))
    left = [information(pixels) for pixels in drawn]
    assert max(left) <= 1.1 * level_5
    assert min(left) < 0.5 * level_5


def test_a_distortion_without_extreme_levels_refuses_them(scene):
    with pytest.raises(ValueError, match="white_noise ends at level 5; extreme levels exist for gaussian_blur"):
        distortions.get("white_noise").extreme(scene, np.random.default_rng(0))


def test_avif_without_an_encoder_is_refused(monkeypatch, scene):
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(LabError, match="avif: this Pillow has no AVIF encoder; install"):
        distorted("avif", scene, 1)


def test_missing_data_loses_the_share_of_its_level():
    photo = np.zeros((256, 256, 3), np.uint8)
    for level, share in enumerate(levels.TABLE["missing_data"].levels, start=1):
        results = [distorted("missing_data", photo, level, seed) for seed in range(12)]
        assert {tuple(color) for result in results for color in np.unique(result[result.any(axis=-1)], axis=0)} == {
            (128, 128, 128),
            (0, 135, 0),
        }
        lost = [float(result.any(axis=-1).mean()) for result in results]
        assert np.abs(np.array(lost) - share).max() < 0.03


def test_an_unknown_name_is_refused_with_similar_names():
    with pytest.raises(LabError, match="no distortion is called 'jpg'; did you mean jpeg"):
        distortions.get("jpg")


def test_contact_sheet_shows_every_distortion():
    photo = make_scene(96, 128)
    drawn = sheet.draw(photo, cell=32)
    assert drawn.height >= len(NAMES) * 32
    cells = np.asarray(drawn)[24:, 150:].reshape(len(NAMES), 36, -1, 3)[:, :32]
    assert len({row.tobytes() for row in cells}) == len(NAMES)


def test_documentation_lists_every_type_in_its_family():
    docs = Path(__file__).parents[3] / "docs"
    if not docs.is_dir():
        pytest.skip("the documentation is not part of the source distribution")
    page = docs / "reference" / "distortions.md"
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in page.read_text().splitlines() if line.startswith("| ")
    ]
    documented = {
        (name, family, column == 0)
        for family, *types in cells[2:]
        for column, listed in enumerate(types)
        for name in listed.split(", ")
        if name
    }
    assert documented == {(name, row.family, row.chain) for name, row in levels.TABLE.items()}
