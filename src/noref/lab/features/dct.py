"""Statistics of local discrete cosine transforms: the 24 features of BLIINDS-II.

Source: Saad, Bovik, Charrier 2012, "Blind Image Quality Assessment: A Natural Scene Statistics Approach in the DCT Domain".
Windows, bands, sectors and constants are those of the authors' released code, and so are two details: windows may
reach over the border, where pixels count as zero, and the second energy ratio is divided by the energies of bands 1 and 3.
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import dct
from scipy.special import gamma

from noref.lab.arrays import Pixels, Values

SCALES = 3
WINDOW = 5  # pixels per side of a window; neighbours overlap by 2
STEP = 3
WORST = 0.1  # share of the windows in the second mean of each statistic
ROWS = 64  # of windows at a time, to save memory

_BASIS = dct(np.eye(WINDOW), norm="ortho", axis=0)
_TRANSFORM = np.kron(_BASIS, _BASIS)[1:]  # a window, row by row -> its 24 coefficients without the mean

_row, _column = np.divmod(np.arange(1, WINDOW**2), WINDOW)
_BANDS = [_row + _column <= 2, (_row + _column > 2) & (_row + _column < 6), _row + _column >= 6]
_angle = np.degrees(np.arctan2(_row, _column))
_SECTORS = [_angle < 30, (_angle > 30) & (_angle < 60), _angle > 60]

_SHAPES = np.arange(0.03, 10.0005, 0.001)
_RATIOS = gamma(1 / _SHAPES) * gamma(3 / _SHAPES) / gamma(2 / _SHAPES) ** 2  # falls with the shape
_NO_SHAPE = 11.0  # where none of them fits, such as in windows without texture; as in the released code

_SIDE = 1 / (2 + np.exp(2))  # of a Gaussian of deviation 0.5 on three pixels
_CENTRE = 1 - 2 * _SIDE


def bliinds2(gray: Pixels | Values) -> Values:
    """The 24 features of BLIINDS-II: for each of three scales, eight values.

    The eight are the means, over all windows and over the worst tenth of them, of: the coefficient of variation of the
    magnitudes of coefficients, the shape of their generalised Gaussian, the ratio of energies between frequency bands, and
    the variance of the coefficient of variation over three sectors of orientation. Worst means largest; for the shape,
    smallest. The shape of a window without texture is 11, so that flat photos have values too.

    Args:
        gray: H x W, 0 to 255, at least 4 x 4.

    Examples:
        >>> noise = np.random.default_rng(0).normal(128, 20, (96, 96))
        >>> print(bliinds2(noise)[:8].round(2))
        [0.83 1.47 2.35 0.64 0.39 1.   0.04 0.13]
    """
    found = []
    for scale in range(SCALES):
        if scale:
            gray = _halved(gray)
        variation, shape, energy, orientation = np.concatenate([_statistics(part) for part in _windows(gray)], axis=1)
        found += [*_means(variation), *(-_means(-shape)), *_means(energy), *_means(orientation)]
    return np.array(found)


def _halved(gray: Pixels | Values) -> Values:
    """Smoothed (Gaussian, deviation 0.5, 3 x 3, zeros outside), then every second row and column from the second on."""
    height, width = (side // 2 for side in gray.shape)
    padded, found = np.pad(gray, (0, 1)), np.empty((height, width))
    for top in range(0, height, ROWS):
        bottom = min(top + ROWS, height)
        rows = _smoothed(padded[2 * top : 2 * bottom + 1].astype(np.float64))
        found[top:bottom] = _smoothed(rows[:, : 2 * width + 1].T).T
    return found


def _smoothed(rows: Values) -> Values:
    return _CENTRE * rows[1:-1:2] + _SIDE * (rows[:-2:2] + rows[2::2])


def _windows(gray: Pixels | Values) -> Iterator[Values]:
    """All windows, n x 25, in parts; the picture is surrounded by zeros."""
    padded = np.pad(gray, [(1, 1 + -side % STEP) for side in gray.shape])
    windows = sliding_window_view(padded, (WINDOW, WINDOW))[::STEP, ::STEP]
    for start in range(0, len(windows), ROWS):
        yield windows[start : start + ROWS].reshape(-1, WINDOW**2).astype(np.float64)


def _statistics(windows: Values) -> Values:
    """Variation, shape, energy ratio and variance over orientations of n windows, 4 x n."""
    coefficients = windows @ _TRANSFORM.T
    magnitudes = np.abs(coefficients)
    variances = [coefficients[:, band].var(axis=1, ddof=1) for band in _BANDS]
    low, middle, high = variances
    lower = (low + middle) / 2
    energy = (np.abs(high - lower) / (high + lower + 1e-8) + np.abs(middle - low) / (high + low + 1e-8)) / 2
    orientation = np.var([_variation(magnitudes[:, sector]) for sector in _SECTORS], axis=0, ddof=1)
    return np.stack([_variation(magnitudes), _shapes(coefficients), energy, orientation])


def _variation(magnitudes: Values) -> Values:
    return magnitudes.std(axis=1, ddof=1) / (magnitudes.mean(axis=1) + 1e-7)


def _shapes(coefficients: Values) -> Values:
    """Shapes of generalised Gaussians, from the ratio of the variance to the squared mean magnitude."""
    centred = coefficients - coefficients.mean(axis=1, keepdims=True)
    ratios = coefficients.var(axis=1, ddof=1) / (np.abs(centred).mean(axis=1) ** 2 + 1e-7)
    places = np.searchsorted(-_RATIOS, -ratios, side="right") - 1  # the last grid point whose ratio is no smaller
    inside = (places >= 0) & (places < len(_SHAPES) - 1)
    return np.where(inside, _SHAPES[places], _NO_SHAPE)


def _means(values: Values) -> Values:
    """Mean of all values, and of the largest tenth of them."""
    count = -(-len(values) // round(1 / WORST))
    return np.array([values.mean(), np.partition(values, len(values) - count)[-count:].mean()])
