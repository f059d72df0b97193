"""The 88 features of DIIVINE: statistics of the subbands of a steerable pyramid after divisive normalisation.

Source: Moorthy, Bovik 2011, "Blind Image Quality Assessment: From Natural Scene Statistics to Perceptual Quality", with the
constants of the authors' released code.
"""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from noref.lab.arrays import Pixels, Values
from noref.lab.features.gaussians import Moments, fit_symmetric
from noref.lab.features.resize import resize
from noref.lab.features.steerable import SCALES, normalised, pyramid

LEAST_SIDE = 64  # pixels: normalised subbands of smaller photos are narrower than the largest distance
_DISTANCES = range(1, 26, 4)
_BINS = 100
_RADIUS = 5  # of the Gaussian window of SSIM, 11 x 11
_SSIM_CONSTANT = (0.03 * 255) ** 2


def diivine(gray: Pixels | Values) -> Values:
    """The 88 features of DIIVINE, in the order of the paper.

    These are the variances (12) and the shapes (12) of the normalised subbands of 2 scales x 6 orientations; the shapes of
    both subbands of an orientation together (6), and of all (1); the similarity in structure of the high-pass residual and
    each subband (12); the coefficients and the squared error of a cubic fitted to the correlation against distance, for each
    subband of the fine scale (30); the similarity in structure of pairs of these subbands (15).

    Shapes are those of generalised Gaussians. A flat subband has the variance 0, the shape .2 and correlations of 0.

    Args:
        gray: H x W, 0 to 255, at least 64 x 64.

    Raises:
        LabError: pyrtools is not installed.

    Examples:
        >>> noise = np.random.default_rng(0).normal(128, 20, (96, 96))
        >>> print(diivine(noise)[12:18].round(1))
        [2.5 2.2 2.1 2.6 2.3 2.4]
    """
    highpass, bands = pyramid(gray)
    fine, coarse = (normalised(bands, scale) for scale in range(SCALES))
    each = [band.ravel() for band in (*fine, *coarse)]
    orientations = [np.concatenate([each[i], each[i + len(fine)]]) for i in range(len(fine))]
    residual, planes = _local(highpass), [_local(band) for band in fine]
    return np.array(
        [
            *(values.var() for values in each),
            *(_shape(values) for values in (*each, *orientations, np.concatenate(each))),
            *(_similarity(residual, _local(_resized(band, highpass.shape))) for band in itertools.chain(*bands)),
            *itertools.chain.from_iterable(_cubic(band) for band in fine),
            *(_similarity(one, other) for one, other in itertools.combinations(planes, 2)),
        ]
    )


def _shape(values: Values) -> float:
    """The shape of a generalised Gaussian, .2 to 10."""
    return float(fit_symmetric(Moments.of(values[None]))[0])


class _Local(NamedTuple):
    """A plane with its local means and variances."""

    plane: Values
    means: Values
    variances: Values


def _local(plane: Values) -> _Local:
    means = _averages(plane)
    return _Local(plane, means, _averages(plane**2) - means**2)


def _averages(plane: Values) -> Values:
    """Gaussian-weighted means of all 11 x 11 windows inside the plane."""
    return gaussian_filter(plane, 1.5, radius=_RADIUS)[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]


def _similarity(one: _Local, other: _Local) -> float:
    """Mean of the product of contrast and structure of SSIM."""
    covariances = _averages(one.plane * other.plane) - one.means * other.means
    products = (2 * covariances + _SSIM_CONSTANT) / (one.variances + other.variances + _SSIM_CONSTANT)
    return float(products.mean())


def _resized(band: Values, shape: tuple[int, int]) -> Values:
    return band if band.shape == shape else resize(band, shape)


def _cubic(band: Values) -> Iterable[float]:
    """Coefficients, highest power first, of the cubic fitted to the correlation against distance, and its squared error."""
    correlations = _correlations(band)
    fitted = np.polyfit(_DISTANCES, correlations, 3)
    return [*fitted, float(((np.polyval(fitted, _DISTANCES) - correlations) ** 2).sum())]


def _correlations(band: Values) -> Values:
    """Correlation of the values in 100 bins with their eight neighbours at each distance."""
    low, high = band.min(), band.max()
    if high == low:
        return np.zeros(len(_DISTANCES))
    bins = np.minimum((band - low) * (_BINS / (high - low)), _BINS - 1) // 1
    values = bins - bins.mean()
    squares = values**2
    return np.array([_correlation(values, squares, distance) for distance in _DISTANCES])


def _correlation(values: Values, squares: Values, distance: int) -> float:
    """Correlation of pairs of values a distance apart along rows, columns and both diagonals, each pair in both orders."""
    whole, near, far = np.s_[:], np.s_[:-distance], np.s_[distance:]
    steps = [
        ((whole, near), (whole, far)),
        ((near, whole), (far, whole)),
        ((near, near), (far, far)),
        ((near, far), (far, near)),
    ]
    pairs = [(values[one], values[other]) for one, other in steps]
    count = 2 * sum(one.size for one, _ in pairs)
    mean = sum(one.sum() + other.sum() for one, other in pairs) / count
    variance = sum(squares[one].sum() + squares[other].sum() for one, other in steps) / count - mean**2
    covariance = 2 * sum(np.einsum("ij,ij->", one, other) for one, other in pairs) / count - mean**2
    return float(covariance / variance) if variance > 0 else 0.0
