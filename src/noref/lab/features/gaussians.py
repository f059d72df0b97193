"""Generalised Gaussian distributions, symmetric (GGD) and asymmetric (AGGD), fitted by matching moments.

K. Sharifi and A. Leon-Garcia (IEEE TCSVT 5(1), 1995) and N.-E. Lasmar, Y. Stitou and Y. Berthoumieu (ICIP 2009). As in the
published code, the shape alpha is the best of .2, .201, ... 10.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln
from typing_extensions import Self

from noref.lab.arrays import Values

SHAPES = np.arange(200, 10_001) / 1000
_RATIOS = np.exp(2 * gammaln(2 / SHAPES) - gammaln(1 / SHAPES) - gammaln(3 / SHAPES))  # rises with the shape


@dataclass(frozen=True)
class Moments:
    """Sums over one or several samples, from which both distributions are fitted; samples can be added.

    Attributes:
        count: Number of values.
        left, right: Number of values below and above 0.
        left_squares, right_squares: Sums of their squares.
        absolute: Sum of the absolute values.
    """

    count: Values
    left: Values
    right: Values
    left_squares: Values
    right_squares: Values
    absolute: Values

    @classmethod
    def of(cls, values: Values) -> Self:
        """The moments over the last two axes.

        Examples:
            >>> found = Moments.of(np.array([[-2.0, 0], [1, 1]]))
            >>> print(found.left, found.right, found.left_squares, found.right_squares, found.absolute)
            1 2 4.0 2.0 4.0
        """
        below, above = np.minimum(values, 0), np.maximum(values, 0)
        return cls(
            count=np.full(values.shape[:-2], values.shape[-2] * values.shape[-1], np.float64),
            left=_count(values < 0),
            right=_count(values > 0),
            left_squares=np.einsum("...ij,...ij->...", below, below),
            right_squares=np.einsum("...ij,...ij->...", above, above),
            absolute=above.sum(axis=(-2, -1)) - below.sum(axis=(-2, -1)),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True)
class Asymmetric:
    """AGGDs: shape, and root mean square of the values below and above 0."""

    alpha: Values
    left: Values
    right: Values

    @property
    def scales(self) -> tuple[Values, Values]:
        """The scale parameters beta of both sides."""
        factor = np.exp((gammaln(1 / self.alpha) - gammaln(3 / self.alpha)) / 2)
        return self.left * factor, self.right * factor

    @property
    def mean(self) -> Values:
        """The mean: (right scale - left scale) gamma(2 / alpha) / gamma(1 / alpha)."""
        left, right = self.scales
        return (right - left) * np.exp(gammaln(2 / self.alpha) - gammaln(1 / self.alpha))


def fit_symmetric(sums: Moments) -> tuple[Values, Values]:
    """Shapes and variances of GGDs; the shape is the smallest where all values are 0.

    Examples:
        >>> values = np.random.default_rng(0).normal(scale=2, size=(500, 500))
        >>> alpha, variance = fit_symmetric(Moments.of(values))
        >>> print(alpha.round(1), variance.round(1))
        2.0 4.0
    """
    variance = (sums.left_squares + sums.right_squares) / sums.count
    with np.errstate(invalid="ignore"):
        inverse = variance / (sums.absolute / sums.count) ** 2
    return _nearest(1 / _RATIOS[::-1], SHAPES[::-1], inverse), variance


def fit_asymmetric(sums: Moments, empty: float = np.nan) -> Asymmetric:
    """AGGDs.

    Args:
        sums: Of the samples.
        empty: Root mean square of a side without values. If it is NaN, so is the shape; if it is 0, the shape is that of the
            other side, or the smallest where all values are 0.

    Examples:
        >>> values = np.random.default_rng(0).normal(size=(500, 500))
        >>> found = fit_asymmetric(Moments.of(values))
        >>> print(found.alpha.round(1), found.left.round(1), found.right.round(1))
        2.0 1.0 1.0
    """
    with np.errstate(invalid="ignore"):
        left = np.where(sums.left, np.sqrt(sums.left_squares / np.maximum(sums.left, 1)), empty)
        right = np.where(sums.right, np.sqrt(sums.right_squares / np.maximum(sums.right, 1)), empty)
        skew = np.minimum(left, right) / np.maximum(left, right)  # or its inverse: the ratio is the same
        ratio = (sums.absolute / sums.count) ** 2 / ((sums.left_squares + sums.right_squares) / sums.count)
        ratio = ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = _nearest(_RATIOS, SHAPES, ratio)
    return Asymmetric(np.where(np.isnan(left + right), np.nan, shape), left, right)


def _count(mask: npt.NDArray[np.bool_]) -> Values:
    return np.array([np.count_nonzero(one) for one in mask]) if mask.ndim == 3 else np.asarray(np.count_nonzero(mask))


def _nearest(ratios: Values, shapes: Values, wanted: Values) -> Values:
    """The shapes whose ratios, which rise, are nearest to the wanted ones; the smallest shape for NaN, as in MATLAB's min."""
    above = np.clip(np.searchsorted(ratios, wanted), 1, len(ratios) - 1)
    nearer = above - (wanted - ratios[above - 1] < ratios[above] - wanted)
    return np.where(np.isnan(wanted), SHAPES[0], shapes[nearer])
