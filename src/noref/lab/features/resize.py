"""Bicubic resizing with antialiasing, as by MATLAB's imresize: the cubic kernel of a = -1/2, edges mirrored."""

from typing import Any

import numpy as np
import numpy.typing as npt

from noref.lab.arrays import Values


def cubic(distance: Values) -> Values:
    """The cubic convolution kernel of R. Keys (IEEE TASSP 29(6), 1981) with a = -1/2.

    Examples:
        >>> print(cubic(np.array([0.0, 0.5, 1.5, 2.5])))
        [ 1.      0.5625 -0.0625  0.    ]
    """
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((2.5 - 0.5 * x) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def resize(values: npt.NDArray[Any], shape: tuple[int, int]) -> Values:
    """Resize the first two axes of an array to `shape`, float64; not clipped or rounded.

    Examples:
        >>> print(resize(np.array([[0, 0, 8, 8], [0, 0, 8, 8]]), (1, 2)).round(2))
        [[0.44 7.56]]
    """
    found = values
    height, width = (target / length for target, length in zip(shape, values.shape[:2], strict=True))
    for axis in (0, 1) if height <= width else (1, 0):  # MATLAB begins with the axis that shrinks more
        found = _along(found, shape[axis], axis)
    return found.astype(np.float64, copy=False)


def _along(values: npt.NDArray[Any], target: int, axis: int) -> Values:
    sources, weights = _taps(values.shape[axis], target)
    weights = weights.reshape(*weights.shape, *[1] * (values.ndim - 1 - axis))
    found: Values = weights[:, 0] * values.take(sources[:, 0], axis)
    for k in range(1, sources.shape[1]):
        found += weights[:, k] * values.take(sources[:, k], axis)
    return found


def _taps(length: int, target: int) -> tuple[npt.NDArray[np.intp], Values]:
    """Sources and weights of each target position, both target x taps."""
    scale = target / length
    shrink = min(scale, 1.0)
    centres = (np.arange(target) + 0.5) / scale - 0.5
    count = int(np.ceil(4 / shrink)) + 2
    sources = np.floor(centres - 2 / shrink)[:, None] + np.arange(count)
    weights = cubic(shrink * (centres[:, None] - sources))
    weights /= weights.sum(axis=1, keepdims=True)
    used = (weights != 0).any(axis=0)
    mirrored = np.mod(sources[:, used].astype(np.intp), 2 * length)
    return np.minimum(mirrored, 2 * length - 1 - mirrored), weights[:, used]
