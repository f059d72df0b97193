"""Products of neighbouring MSCN coefficients along four directions, with the edges wrapped around."""

from collections.abc import Iterable

import numpy as np

from noref.lab.arrays import Values
from noref.lab.features.gaussians import Moments

DIRECTIONS = ("horizontal", "vertical", "diagonal", "antidiagonal")


def products(values: Values) -> tuple[Values, Values, Values, Values]:
    """Products along `DIRECTIONS` in planes or blocks (... x H x W), of the same shape.

    The product of a value and its left, upper, upper left and upper right neighbour; the multiset is that of shifts by (0, 1),
    (1, 0), (1, 1) and (1, -1) in MATLAB's circshift.

    Examples:
        >>> print(products(np.array([[1.0, 2], [3, 4]]))[0])
        [[ 2.  2.]
         [12. 12.]]
    """
    return values * np.roll(values, 1, axis=-1), *_with_upper(values, np.roll(values, 1, axis=-2))


def streamed_moments(strips: Iterable[Values]) -> tuple[Moments, tuple[Moments, ...]]:
    """Moments of a plane, and of its products along `DIRECTIONS`, from strips of whole rows, top to bottom.

    Raises:
        ValueError: There are no strips.
    """
    total: list[Moments] = []
    first = above = None
    for strip in strips:
        if above is None:
            first, upper, lower = strip[:1], strip[:-1], strip[1:]
        else:
            upper, lower = np.concatenate([above, strip[:-1]]), strip
        above = strip[-1:]
        beside = strip * np.roll(strip, 1, axis=-1)
        found = [Moments.of(values) for values in (strip, beside, *_with_upper(lower, upper))]
        total = [one + other for one, other in zip(total, found, strict=True)] if total else found
    if first is None or above is None:
        raise ValueError("no strips")
    around = [Moments.of(values) for values in _with_upper(first, above)]
    own, beside_each, *rest = total
    return own, (beside_each, *(one + other for one, other in zip(rest, around, strict=True)))


def _with_upper(values: Values, upper: Values) -> tuple[Values, Values, Values]:
    """Products of rows with the rows above them: upper, upper left and upper right neighbour."""
    return values * upper, values * np.roll(upper, 1, axis=-1), values * np.roll(upper, -1, axis=-1)
