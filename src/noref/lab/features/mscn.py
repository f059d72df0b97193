"""Mean-subtracted, contrast-normalised (MSCN) coefficients of D. L. Ruderman (Network 5(4), 1994), in strips.

MSCN = (x - mean) / (deviation + 1), with mean and deviation in a Gaussian window. The window is separable, and its weights are
rounded to multiples of 2^-36: then mean and variance of whole numbers up to 255 are exact where all values are the same, and
the coefficients there are exactly 0 instead of rounding errors of either sign.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from noref.lab.arrays import Values
from noref.lab.features.planes import Plane

Padding = Literal["edge", "zero"]

STRIP = 2**16  # values, about: what the caches of a processor core hold


def window(side: int, sigma: float) -> Values:
    """One axis of a normalised Gaussian window; `side` is odd.

    Examples:
        >>> print(window(7, 7 / 6).round(4))
        [0.0126 0.0788 0.2373 0.3426 0.2373 0.0788 0.0126]
    """
    weights = np.exp(-((np.arange(side) - side // 2) ** 2) / (2 * sigma**2))
    weights = np.round(weights / weights.sum() * 2**36) / 2**36
    weights[side // 2] += 1 - weights.sum()
    return weights


def strips(plane: Plane, rows: int | None = None, padding: Padding = "edge", side: int = 7) -> Iterator[tuple[Values, Values]]:
    """MSCN coefficients and local deviations of a plane, `rows` rows at a time from the top; the last strip may have fewer.

    Args:
        plane: Values from 0 to 255.
        rows: Height of a strip; None for one of about `STRIP` values.
        padding: Values beyond the edges: those at the edge, or 0.
        side: Side of the window in pixels; its sigma is a sixth of that.
    """
    (height, width), reach = plane.shape, side // 2
    rows = rows or max(STRIP // width, reach)
    weights = window(side, side / 6)
    for start in range(0, height, rows):
        first, last = start - reach, min(start + rows, height) + reach
        beyond = ((max(-first, 0), max(last - height, 0)), (reach, reach))
        known = plane.rows(max(first, 0), min(last, height))
        source = np.pad(known, beyond, "edge") if padding == "edge" else np.pad(known, beyond)
        mean = _smooth(source, weights)
        deviation = _smooth(source * source, weights)
        deviation -= mean * mean
        np.abs(deviation, out=deviation)
        np.sqrt(deviation, out=deviation)
        centre = source[reach:-reach, reach:-reach]
        yield (centre - mean) / (deviation + 1), deviation


def _smooth(source: Values, weights: Values) -> Values:
    """Filter both axes; `source` has a margin of half a window."""
    return _along(_along(source, weights, 0), weights, 1)


def _along(source: Values, weights: Values, axis: int) -> Values:
    reach, length = len(weights) // 2, source.shape[axis] - len(weights) + 1

    def shifted(places: int) -> Values:
        return source[places : places + length] if axis == 0 else source[:, places : places + length]

    found: Values = weights[reach] * shifted(reach)
    part = np.empty_like(found)
    for k in range(reach):
        np.add(shifted(k), shifted(len(weights) - 1 - k), out=part)
        part *= weights[k]
        found += part
    return found
