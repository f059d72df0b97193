"""The features of BLIINDS-II, against a slow transcription of their definition, and where their values are known."""

import numpy as np
import pytest
from scipy.fft import dctn
from scipy.ndimage import correlate
from scipy.special import gamma

from noref.lab.features import dct
from noref.lab.features.dct import bliinds2
from pictures import make_scene

LOW = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 1)]
HIGH = [(2, 4), (3, 3), (4, 2), (3, 4), (4, 3), (4, 4)]
HORIZONTAL = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4), (2, 4)]
DIAGONAL = [(1, 1), (2, 2), (2, 3), (3, 2), (3, 3), (3, 4), (4, 3), (4, 4)]
VERTICAL = [(column, row) for row, column in HORIZONTAL]
MIDDLE = sorted({(i, j) for i in range(5) for j in range(5)} - {(0, 0), *LOW, *HIGH})


def variation(values):
    return np.std(np.abs(values), ddof=1) / (np.mean(np.abs(values)) + 1e-7)


def shape(values):
    ratio = values.var(ddof=1) / (np.abs(values - values.mean()).mean() ** 2 + 1e-7)
    grid = np.arange(0.03, 10.0005, 0.001)
    ratios = gamma(1 / grid) * gamma(3 / grid) / gamma(2 / grid) ** 2
    found = np.flatnonzero((ratio <= ratios[:-1]) & (ratio > ratios[1:]))
    return grid[found[0]] if len(found) else 11


def energy(block):
    low, middle, high = (np.var([block[place] for place in band], ddof=1) for band in (LOW, MIDDLE, HIGH))
    mean = (low + middle) / 2
    return (abs(high - mean) / (high + mean + 1e-8) + abs(middle - low) / (high + low + 1e-8)) / 2


def slow(gray):
    found = []
    gray = gray.astype(float)
    window = np.exp(-2.0 * np.add.outer(np.arange(-1, 2) ** 2, np.arange(-1, 2) ** 2))
    for _ in range(3):
        height, width = gray.shape
        padded = np.pad(gray, ((1, 4), (1, 4)))
        blocks = [dctn(padded[i : i + 5, j : j + 5], norm="ortho") for i in range(0, height, 3) for j in range(0, width, 3)]
        sectors = [
            [variation(np.array([block[place] for place in sector])) for sector in (HORIZONTAL, DIAGONAL, VERTICAL)]
            for block in blocks
        ]
        statistics = [
            ([variation(block.ravel()[1:]) for block in blocks], -1),
            ([shape(block.ravel()[1:]) for block in blocks], 1),
            ([energy(block) for block in blocks], -1),
            ([np.var(values, ddof=1) for values in sectors], -1),
        ]
        for values, direction in statistics:
            worst = sorted(values, key=lambda value: direction * value)[: int(np.ceil(len(values) / 10))]
            found += [np.mean(values), np.mean(worst)]
        gray = correlate(gray, window / window.sum(), mode="constant")[1::2, 1::2]
    return np.array(found)


@pytest.mark.parametrize("shape", [(40, 51), (41, 49)])
def test_the_features_follow_their_definition(shape):
    gray = make_scene(*shape)[..., 1]
    np.testing.assert_allclose(bliinds2(gray), slow(gray), rtol=1e-6)


def test_pinned_values():
    expected = [1.445, 3.1688, 3.0356, 0.3543, 0.5652, 1.0071, 0.2835, 0.9821]
    np.testing.assert_allclose(bliinds2(make_scene()[..., 1])[:8], expected, atol=1e-4)


def test_white_noise_has_gaussian_coefficients_of_equal_energy():
    noise = np.random.default_rng(0).normal(0, 20, (300, 300))
    variation, _, _, _, energy, _, orientation, _ = bliinds2(noise)[:8]
    assert variation == pytest.approx(np.sqrt(np.pi / 2 - 1), abs=0.03)
    assert energy < 0.4
    assert bliinds2(np.cumsum(noise, axis=1))[4] > 0.8
    assert orientation < 0.05


def test_features_do_not_depend_on_contrast():
    gray = make_scene()[..., 1].astype(float)
    np.testing.assert_allclose(bliinds2(gray / 2), bliinds2(gray), rtol=1e-4)


def test_a_black_photo_has_no_texture():
    np.testing.assert_array_equal(bliinds2(np.zeros((64, 80), np.uint8)), 3 * [0, 0, 11, 11, 0, 0, 0, 0])


@pytest.mark.parametrize("shape", [(4, 4), (5, 200), (64, 64)])
def test_flat_and_tiny_photos_have_finite_features(shape):
    found = bliinds2(np.full(shape, 200, np.uint8))
    assert found.shape == (24,)
    assert np.isfinite(found).all()


def test_strips_change_nothing(monkeypatch):
    gray = make_scene(500, 90)[..., 1]
    expected = bliinds2(gray)
    monkeypatch.setattr(dct, "ROWS", 7)
    np.testing.assert_allclose(bliinds2(gray), expected, rtol=1e-9)  # sums are rounded in another order
