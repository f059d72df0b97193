"""Random patches of rated photos, and the errors of patches and photos."""

import numpy as np
import pytest
import torch

from noref.lab.networks.patches import PatchPrediction
from noref.lab.preprocessing import SizeConfig
from noref.lab.training.patches import RatedPatches, patch_error, photo_error, random_patches

PHOTO = np.random.default_rng(0).integers(0, 256, (48, 80, 3), np.uint8)


def test_patches_lie_inside_the_photo():
    windows = np.lib.stride_tricks.sliding_window_view(PHOTO, (32, 32, 3)).reshape(-1, 32, 32, 3)
    inside = {window.tobytes() for window in windows}
    patches = random_patches(PHOTO, 40, 0, np.random.default_rng(1)).numpy()
    assert patches.shape == (40, 32, 32, 3)
    assert {patch.tobytes() for patch in patches} <= inside
    assert len({patch.tobytes() for patch in patches}) > 30


def test_margins_surround_the_same_patches():
    bare, wide = (random_patches(PHOTO, 10, margin, np.random.default_rng(1)) for margin in (0, 3))
    torch.testing.assert_close(wide[:, 3:-3, 3:-3], bare)
    whole = random_patches(PHOTO[:32, :32], 1, 2, np.random.default_rng(0))[0].numpy()
    np.testing.assert_array_equal(whole, np.pad(PHOTO[:32, :32], ((2, 2), (2, 2), (0, 0)), mode="edge"))


def test_the_patches_of_an_epoch_are_drawn_by_seed(rated):
    first, second, other = (RatedPatches(rated, SizeConfig().working_size(32), 3, 1, seed) for seed in (0, 0, 1))
    patches, mos = first[0, 4]
    assert patches.shape == (3, 34, 34, 3)
    assert mos.item() == pytest.approx(rated.unit_mos[4])
    torch.testing.assert_close(patches, second[0, 4][0])
    assert not torch.equal(patches, first[1, 4][0])
    assert not torch.equal(patches, other[0, 4][0])
    assert set(first.shapes()) == {(32, 32)}  # photos of several sizes can be in one batch
    assert len(first.shapes()) == len(first) == len(rated)


def test_errors_by_hand():
    quality = torch.tensor([[0.2, 0.6], [0.5, 0.5]])
    found = PatchPrediction(torch.tensor([0.4, 0.5]), quality)
    mos = torch.tensor([0.4, 0.9])
    assert patch_error(found, mos).item() == pytest.approx((0.2 + 0.2 + 0.4 + 0.4) / 4)
    assert photo_error(found, mos).item() == pytest.approx((0 + 0.4) / 2)
