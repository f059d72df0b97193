"""The features of DIIVINE: their number and order, and where their values are known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.signal import convolve2d

from noref.lab.features.diivine import diivine
from noref.lab.features.steerable import normalised, pyramid
from pictures import make_scene

GRAY = make_scene()[..., 1]
VARIANCES, SHAPES, TOGETHER, HIGHPASS, CUBICS, PAIRS = (
    np.s_[:12],
    np.s_[12:24],
    np.s_[24:31],
    np.s_[31:43],
    np.s_[43:73],
    np.s_[73:],
)


@pytest.fixture(scope="module")
def features():
    return diivine(GRAY)


def test_there_are_88_features(features):
    assert features.shape == (88,)
    assert [len(features[part]) for part in (VARIANCES, SHAPES, TOGETHER, HIGHPASS, CUBICS, PAIRS)] == [12, 12, 7, 12, 30, 15]


def test_pinned_values(features):
    expected = [5.9035, 58.265, 1.915, 1.292, 0.8, 0.699, 0.7037, 0.6349, -0.0916, 0.1773, 0.0701, 0.9699, 0.9633]
    np.testing.assert_allclose(features[[0, 6, 12, 18, 24, 30, 31, 37, 45, 46, 47, 73, 87]], expected, rtol=1e-3, atol=1e-4)


def test_variances_are_those_of_the_normalised_subbands(features):
    bands = pyramid(GRAY).bands
    np.testing.assert_allclose(features[VARIANCES], [band.var() for scale in (0, 1) for band in normalised(bands, scale)])


def test_shapes_are_2_for_gaussian_and_smaller_for_sparse_coefficients():
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(diivine(rng.normal(128, 20, (256, 256)))[SHAPES], 2, atol=0.5)
    assert (diivine(np.where(rng.random((256, 256)) < 0.01, 250.0, 10.0))[SHAPES] < 1.5).all()


def similarity(one, other):
    window = np.zeros((11, 11))
    window[5, 5] = 1
    window = gaussian_filter(window, 1.5, radius=5, mode="constant")

    def mean(values):
        return convolve2d(values, window / window.sum(), mode="valid")

    means = mean(one), mean(other)
    variances = mean(one**2) - means[0] ** 2, mean(other**2) - means[1] ** 2
    covariance = mean(one * other) - means[0] * means[1]
    return np.mean((2 * covariance + 58.5225) / (sum(variances) + 58.5225))


def test_similarities_are_those_of_ssim(features):
    highpass, bands = pyramid(GRAY)
    assert features[HIGHPASS][4] == pytest.approx(similarity(highpass, bands[0][4]))
    fine = normalised(bands, 0)
    assert features[PAIRS][0] == pytest.approx(similarity(fine[0], fine[1]))
    assert features[PAIRS][-1] == pytest.approx(similarity(fine[4], fine[5]))


def test_correlations_are_those_of_binned_values_with_eight_neighbours(features):
    band = normalised(pyramid(GRAY).bands, 0)[1]
    edges = np.linspace(band.min(), band.max(), 101)
    bins = np.clip(np.searchsorted(edges, band, side="right") - 1, 0, 99)
    height, width = bins.shape
    distances, correlations = range(1, 26, 4), []
    for distance in distances:
        pairs = []
        for down, right in [(0, 1), (1, 0), (1, 1), (1, -1)]:
            rows, columns = np.mgrid[: height - down * distance, max(0, -right * distance) : width - max(0, right * distance)]
            pairs.append((bins[rows, columns].ravel(), bins[rows + down * distance, columns + right * distance].ravel()))
        near = np.concatenate([pair[side] for side in (0, 1) for pair in pairs])
        far = np.concatenate([pair[side] for side in (1, 0) for pair in pairs])
        correlations.append(np.corrcoef(near, far)[0, 1])
    *cubic, error = features[CUBICS][5:10]
    np.testing.assert_allclose(cubic, np.polyfit(distances, correlations, 3), rtol=1e-6)
    assert error == pytest.approx(np.sum((np.polyval(cubic, distances) - correlations) ** 2))


@pytest.mark.parametrize("level", [0, 200])
def test_a_flat_photo_has_defined_features(level):
    found = diivine(np.full((64, 71), level, np.uint8))
    assert not found[VARIANCES].any()
    np.testing.assert_array_equal([*found[SHAPES], *found[TOGETHER]], 0.2)
    np.testing.assert_allclose([*found[HIGHPASS], *found[PAIRS]], 1)
    assert not found[CUBICS].any()


@pytest.mark.parametrize("shape", [(64, 64), (64, 300), (65, 131)])
def test_the_smallest_photos_have_finite_features(shape):
    assert np.isfinite(diivine(make_scene(*shape)[..., 1])).all()
