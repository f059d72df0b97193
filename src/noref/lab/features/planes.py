"""Planes: one channel of a photo, whose rows are computed on demand, so that statistics of large photos need little memory.

Values range from 0 to 255. The conventions are those of MATLAB, in which the published methods were written.
"""

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from noref.lab.arrays import Pixels, Values
from noref.lab.features.resize import cubic

LUMA = (0.298936021293776, 0.587043074451121, 0.114020904255103)  # of R, G and B in MATLAB's rgb2gray
ROWS = 64  # of a photo that are converted at a time


def luma(pixels: Pixels) -> Pixels:
    """Luma of uint8 RGB pixels (H x W x 3), rounded to uint8 (H x W), as by MATLAB's rgb2gray.

    Examples:
        >>> print(luma(np.array([[[255, 0, 0], [0, 255, 0], [9, 9, 9]]], np.uint8)))
        [[ 76 150   9]]
    """
    found = np.empty(pixels.shape[:2], np.uint8)
    for top in range(0, len(found), ROWS):
        red, green, blue = np.moveaxis(pixels[top : top + ROWS], 2, 0)
        found[top : top + ROWS] = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue + 0.5
    return found


class Plane(Protocol):
    """Anything with a shape and rows."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""

    def rows(self, start: int, stop: int) -> Values:
        """The rows from `start` to before `stop`, float64."""


class ArrayPlane:
    """A plane whose values are in memory, of any numeric type."""

    def __init__(self, values: npt.NDArray[np.generic]) -> None:
        self._values = values

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self._values.shape[0], self._values.shape[1]

    def rows(self, start: int, stop: int) -> Values:
        """The rows from `start` to before `stop`, float64."""
        return self._values[start:stop].astype(np.float64)


class HalvedPlane:
    """A plane at half the size, as by MATLAB's imresize(plane, 0.5): bicubic with antialiasing, edges mirrored.

    Examples:
        >>> half = HalvedPlane(ArrayPlane(np.full((5, 8), 7)))
        >>> print(half.shape, half.rows(1, 2))
        (3, 4) [[7. 7. 7. 7.]]
    """

    _WEIGHTS = cubic(np.array([0.25, 0.75, 1.25, 1.75])) / 2  # of the source values at 1/2, 3/2, 5/2 and 7/2 pixels; exact
    _REACH = len(_WEIGHTS) - 1

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self._plane.shape
        return -(-height // 2), -(-width // 2)

    def rows(self, start: int, stop: int) -> Values:
        """The rows from `start` to before `stop`, float64."""
        height, width = self._plane.shape
        first, last = 2 * start - self._REACH, 2 * stop + self._REACH
        source = self._plane.rows(max(first, 0), min(last, height))
        beyond = ((max(-first, 0), max(last - height, 0)), (self._REACH, self._REACH + width % 2))
        source = np.pad(source, beyond, "symmetric")
        thin = self._weighted(source[k : k + 2 * (stop - start) : 2] for k in range(2 * len(self._WEIGHTS)))
        return self._weighted(thin[:, k : k + 2 * self.shape[1] : 2] for k in range(2 * len(self._WEIGHTS)))

    def _weighted(self, neighbours: Iterable[Values]) -> Values:
        """The weighted sum of values from the farthest on one side to the farthest on the other."""
        values = list(neighbours)
        found: Values = np.zeros(values[0].shape)
        for weight, left, right in zip(
            self._WEIGHTS, reversed(values[: len(values) // 2]), values[len(values) // 2 :], strict=True
        ):
            part = left + right
            part *= weight
            found += part
        return found
