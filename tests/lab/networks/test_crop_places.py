"""Positions of crops, their pixels, and the combination of their maps."""

import numpy as np
import pytest
import torch

from noref.lab.errors import LabError
from noref.lab.networks.crops import CELL, Crops, centre, scattered

PHOTO = torch.arange(96 * 160 * 3).reshape(96, 160, 3)


def corners(cut: torch.Tensor) -> list[tuple[int, int]]:
    """Rows and columns of the photo where crops begin."""
    return [divmod(int(first) // 3, 160) for first in cut[:, 0, 0, 0]]


def test_fewer_crops_are_the_first_of_more():
    torch.testing.assert_close(scattered(50, 3)[:7], scattered(7, 3), rtol=0, atol=0)
    assert (scattered(50, 3) != scattered(50, 4)).any()


def test_crops_are_windows_on_the_grid_and_reach_every_place():
    cut = Crops(64, scattered(50, 0)).cut(PHOTO)
    assert cut.shape == (50, 64, 64, 3)
    found = corners(cut)
    for crop, (top, left) in zip(cut, found, strict=True):
        assert top % CELL == 0
        assert left % CELL == 0
        torch.testing.assert_close(crop, PHOTO[top : top + 64, left : left + 64], rtol=0, atol=0)
    assert set(found) == {(top, left) for top in (0, 16, 32) for left in range(0, 112, 16)}


def test_a_photo_of_one_crop_is_that_crop():
    cut = Crops(64, scattered(3, 0)).cut(PHOTO[:64, :64])
    torch.testing.assert_close(cut, PHOTO[None, :64, :64].expand(3, -1, -1, -1), rtol=0, atol=0)


@pytest.mark.parametrize(("width", "left"), [(64, 0), (80, 16), (96, 16), (112, 32), (160, 48)])
def test_the_middle(width, left):
    assert corners(Crops(64, centre()).cut(PHOTO[:64, :width].contiguous()))[0] == (0, left)


def test_maps_are_laid_where_crops_were_cut():
    crops = Crops(32, scattered(6, 1))
    rng = np.random.default_rng(0)
    cells = torch.from_numpy(rng.random((6, 2, 2)))
    total, covered = np.zeros((6, 10)), np.zeros((6, 10))
    for crop, (top, left) in zip(cells.numpy(), corners(crops.cut(PHOTO)), strict=True):
        place = np.s_[top // CELL : top // CELL + 2, left // CELL : left // CELL + 2]
        total[place] += crop
        covered[place] += 1
    assert (covered == 0).any()
    assert (covered > 1).any()
    expected = np.where(covered > 0, total / np.maximum(covered, 1), 7.0)
    found = crops.lay(cells, 6, 10, torch.tensor(7.0, dtype=torch.float64))
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("side", [0, -16, 227])
def test_crops_keep_to_the_grid(side):
    with pytest.raises(LabError, match="multiple of 16"):
        Crops(side, centre())
