"""The formulas of DIQA at their anchors (methods of Kim, Nguyen, Lee 2019)."""

import pytest
import torch

from noref.lab.methods.diqa import maps

FLAT = torch.full((2, 1, 40, 48), 0.3)
NOISE = torch.rand((1, 1, 64, 80), generator=torch.Generator().manual_seed(0))


def test_sizes():
    assert maps.shrink(NOISE).shape == (1, 1, 16, 20)
    assert maps.low_pass(NOISE).shape == NOISE.shape


def test_a_flat_photo_stays_flat_up_to_its_border():
    torch.testing.assert_close(maps.low_pass(FLAT), FLAT)


def test_the_low_pass_neither_shifts_nor_brightens():
    point = torch.zeros(1, 1, 64, 64)
    point[..., 32, 32] = 1
    mos_std = maps.low_pass(point)[0, 0]
    torch.testing.assert_close(mos_std[16:49, 32], mos_std[16:49, 32].flip(0))
    assert mos_std.sum() == pytest.approx(1, abs=1e-4)
    assert maps.low_pass(NOISE).std() < NOISE.std() / 5


def test_reliability_at_its_anchors():
    assert maps.reliability(torch.zeros(1)).item() == 0
    assert maps.reliability(torch.ones(1)).item() == pytest.approx(0.4621, abs=1e-4)
    assert maps.reliability(-torch.ones(1)) == maps.reliability(torch.ones(1))
    assert maps.reliability(torch.tensor([1e4])).item() <= 1


def test_relative_reliability_has_mean_one_and_is_safe_on_flat_photos():
    detail = NOISE - maps.low_pass(NOISE)
    assert maps.relative_reliability(detail).mean() == pytest.approx(1, abs=0.05)
    torch.testing.assert_close(maps.relative_reliability(torch.zeros_like(FLAT)), torch.zeros(2, 1, 10, 12))


def test_error_map_is_zero_without_error_and_grows_with_it():
    assert maps.error_map(NOISE, NOISE).max() == 0
    small, large = maps.error_map(NOISE, NOISE + 0.01), maps.error_map(NOISE, NOISE + 0.2)
    torch.testing.assert_close(large / small, torch.full_like(small, 20**0.2), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(small, torch.full_like(small, 0.01**0.2), rtol=1e-3, atol=1e-3)
