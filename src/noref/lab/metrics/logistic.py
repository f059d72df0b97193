"""Logistic curves that map predictions to the range of the MOS before PLCC and RMSE are computed.

A fit removes the unit and the nonlinearity of a method's own scale. Since it is fitted to the photos that it is measured on,
figures after a fit are reported beside the raw ones, never instead of them.

The 4-parameter curve is that of VQEG (Final Report on the Validation of Objective Models of Video Quality Assessment, 2000);
the 5-parameter curve is that of H. R. Sheikh, M. F. Sabir and A. C. Bovik (IEEE TIP 15(11), 2006).
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from noref.lab.arrays import Values
from noref.lab.metrics.agreement import pairs

NAMES = {4: "4-parameter logistic (VQEG)", 5: "5-parameter logistic (Sheikh)"}
EVALUATIONS = 10_000  # of the curve, after which a fit has failed
FLAT = 1e-9  # of the range of the MOS: a curve with less is rounding, and its correlation is meaningless


def logistic4(x: Values, top: float, bottom: float, middle: float, width: float) -> Values:
    """VQEG's curve, b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|)); monotone.

    Args:
        x: Predictions, any shape.
        top: b1, the limit for large x.
        bottom: b2, the limit for small x.
        middle: b3, where the curve is half way.
        width: b4, in the unit of x.

    Examples:
        >>> print(logistic4(np.array([0.0, 50, 100]), top=5, bottom=1, middle=50, width=10).round(2))
        [1.03 3.   4.97]
    """
    return bottom + (top - bottom) * special.expit((x - middle) / np.abs(width))


def logistic5(x: Values, height: float, steepness: float, middle: float, slope: float, offset: float) -> Values:
    """Sheikh's curve, b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5; not always monotone.

    Args:
        x: Predictions, any shape.
        height: b1.
        steepness: b2, in the inverse unit of x.
        middle: b3.
        slope: b4, of the linear part.
        offset: b5.

    Examples:
        >>> print(logistic5(np.array([0.0, 50, 100]), height=4, steepness=0.1, middle=50, slope=0, offset=3).round(2))
        [1.03 3.   4.97]
    """
    return height * (special.expit(steepness * (x - middle)) - 0.5) + slope * x + offset


@dataclass(frozen=True)
class Fit:
    """A fitted curve, or the reason why there is none.

    Attributes:
        parameters: 4 or 5.
        values: b1 to b4 or b5 as in `logistic4` and `logistic5`, for x and y in the units given; empty where the fit failed.
        failure: Why there is no curve, in a few words; empty where there is one.
    """

    parameters: Literal[4, 5]
    values: tuple[float, ...] = ()
    failure: str = ""

    @property
    def name(self) -> str:
        """Name of the curve for tables, or "raw: " and the failure."""
        return f"raw: {self.failure}" if self.failure else NAMES[self.parameters]

    def __call__(self, x: npt.ArrayLike) -> Values:
        """Predictions on the range of the MOS; unchanged where the fit failed."""
        raw = np.asarray(x, np.float64)
        if self.failure:
            return raw
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return logistic4(raw, *self.values) if self.parameters == 4 else logistic5(raw, *self.values)


def fit(x: npt.ArrayLike, y: npt.ArrayLike, parameters: Literal[4, 5] = 4) -> Fit:
    """Least-squares fit of the MOS over predictions.

    x is standardised first, so that the initial values do not depend on its unit. These follow the direction of the raw PLCC:
    for 4 parameters the ends of y, middle 0 and width 1/4; for 5 the range of y, steepness 1, middle 0, slope 0 and the mean of
    y. The curve may fall, so correlations after it need the sign of the predictions (`plcc_after`).

    Args:
        x: n predictions.
        y: n mean opinion scores.
        parameters: 4 or 5.

    Returns:
        The curve, or the reason why there is none: too few photos (no more than parameters), constant values, no convergence,
        or a flat curve.

    Raises:
        ValueError: The lengths differ, a value is not finite, or there is no curve of so many parameters.

    Examples:
        >>> x = np.linspace(0, 100, 50)
        >>> curve = fit(x, logistic4(x, 5, 1, 40, 12))
        >>> print(curve.name, np.round(curve.values, 1))
        4-parameter logistic (VQEG) [ 5.  1. 40. 12.]
        >>> print(fit([1, 2], [1, 2]).name)
        raw: 2 photos are too few
    """
    x, y = pairs(x, y)
    if parameters not in NAMES:
        raise ValueError(f"there are logistic curves of {' and '.join(map(str, NAMES))} parameters, not {parameters}")
    if len(x) <= parameters:
        return Fit(parameters, failure=f"{len(x)} photos are too few")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Fit(parameters, failure="predictions or MOS are constant")
    mean, deviation = float(x.mean()), float(x.std())
    rising = stats.pearsonr(x, y).statistic >= 0
    low, high = (y.min(), y.max()) if rising else (y.max(), y.min())
    curve = logistic4 if parameters == 4 else logistic5
    start = (high, low, 0, 0.25) if parameters == 4 else (high - low, 1, 0, 0, y.mean())
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", optimize.OptimizeWarning)  # of the covariance, which is not used
            found, _ = optimize.curve_fit(curve, (x - mean) / deviation, y, start, maxfev=EVALUATIONS)
    except RuntimeError:
        return Fit(parameters, failure="the fit did not converge")
    result = Fit(parameters, _in_units(found, mean, deviation))
    if not np.isfinite([*result.values, *result(x)]).all():
        return Fit(parameters, failure="the fit is not finite")
    if np.ptp(result(x)) < FLAT * np.ptp(y):
        return Fit(parameters, failure="the fitted curve is flat")
    return result


def _in_units(found: Values, mean: float, deviation: float) -> tuple[float, ...]:
    """Parameters for x from those for standardised x; of two sets with one curve, that of positive width or steepness."""
    if len(found) == 4:
        top, bottom, middle, width = map(float, found)
        return top, bottom, mean + deviation * middle, deviation * abs(width)
    height, steepness, middle, slope, offset = map(float, found)
    height, steepness = (height, steepness) if steepness >= 0 else (-height, -steepness)
    slope /= deviation
    return height, steepness / deviation, mean + deviation * middle, slope, offset - slope * mean


def plcc_after(curve: Fit, x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """PLCC of fitted predictions and MOS, with the sign of the predictions kept.

    A falling curve would turn a method that ranks backwards into a good one, so PLCC is multiplied by the sign of the
    correlation between the predictions and their fitted values.

    Args:
        curve: Fitted to x and y.
        x: n predictions.
        y: n mean opinion scores.

    Returns:
        -1 to 1; NaN where either side is all the same.

    Raises:
        ValueError: The lengths differ, or a value is not finite.

    Examples:
        >>> x = np.linspace(0, 100, 50)
        >>> mos = logistic4(x, 5, 1, 40, 12)
        >>> print(round(plcc_after(fit(x, mos), x, mos), 3), round(plcc_after(fit(-x, mos), -x, mos), 3))
        1.0 -1.0
    """
    x, y = pairs(x, y)
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    fitted = curve(x)
    return float(np.sign(stats.pearsonr(x, fitted).statistic) * stats.pearsonr(fitted, y).statistic)
