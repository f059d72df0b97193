"""The logistic curves that bring predictions to the opinions' scale before PLCC and RMSE are taken.

Fitting one forgives a method any unit and bend of its own scale. It is fitted to the very photos it is judged on, so figures
after a fit stand beside the raw ones, never in their place.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from noref.lab.metrics.agreement import pairs

Floats = npt.NDArray[np.float64]

NAMES = {4: "4-parameter logistic (VQEG)", 5: "5-parameter logistic (Sheikh)"}
EVALUATIONS = 10_000  # of the curve, before a fit is given up
FLAT = 1e-9  # of the range of opinions: less than that is rounding, and its correlation means nothing


def logistic4(x: Floats, top: float, bottom: float, middle: float, width: float) -> Floats:
    """b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|)): VQEG's curve, monotone."""
    return bottom + (top - bottom) * special.expit((x - middle) / np.abs(width))


def logistic5(x: Floats, height: float, steepness: float, middle: float, slope: float, offset: float) -> Floats:
    """b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5: Sheikh's curve, not always monotone."""
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
        """What stands between the predictions and the figures, for tables."""
        return f"raw: {self.failure}" if self.failure else NAMES[self.parameters]

    def __call__(self, x: npt.ArrayLike) -> Floats:
        """Predictions on the opinions' scale; as they are where the fit failed."""
        raw = np.asarray(x, np.float64)
        if self.failure:
            return raw
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return logistic4(raw, *self.values) if self.parameters == 4 else logistic5(raw, *self.values)


def fit(x: npt.ArrayLike, y: npt.ArrayLike, parameters: Literal[4, 5] = 4) -> Fit:
    """Least-squares fit of opinions y over predictions x.

    x is standardised first, so that the start does not depend on its unit. The curve starts with the direction of the raw PLCC;
    of 4 parameters at the ends of y, middle 0 and width 1/4; of 5 at the range of y, steepness 1, middle 0, slope 0 and the
    mean of y. It may fall; who takes a correlation after it must give back the sign (`plcc_after`).

    Raises:
        ValueError: The lengths differ, a value is not finite, or there is no curve of so many parameters.
    """
    x, y = pairs(x, y)
    if parameters not in NAMES:
        raise ValueError(f"there are logistic curves of {' and '.join(map(str, NAMES))} parameters, not {parameters}")
    if len(x) <= parameters:
        return Fit(parameters, failure=f"{len(x)} photos are too few")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Fit(parameters, failure="predictions or opinions are all the same")
    mean, deviation = float(x.mean()), float(x.std())
    rising = stats.pearsonr(x, y).statistic >= 0
    low, high = (y.min(), y.max()) if rising else (y.max(), y.min())
    curve = logistic4 if parameters == 4 else logistic5
    start = (high, low, 0, 0.25) if parameters == 4 else (high - low, 1, 0, 0, y.mean())
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", optimize.OptimizeWarning)  # of the covariance, which nobody asked for
            found, _ = optimize.curve_fit(curve, (x - mean) / deviation, y, start, maxfev=EVALUATIONS)
    except RuntimeError:
        return Fit(parameters, failure="the fit did not converge")
    result = Fit(parameters, _in_units(found, mean, deviation))
    if not np.isfinite([*result.values, *result(x)]).all():
        return Fit(parameters, failure="the fit is not finite")
    if np.ptp(result(x)) < FLAT * np.ptp(y):
        return Fit(parameters, failure="the fitted curve is flat")
    return result


def _in_units(found: Floats, mean: float, deviation: float) -> tuple[float, ...]:
    """Parameters for x as given from those for standardised x; of two that make the same curve, the one of positive width."""
    if len(found) == 4:
        top, bottom, middle, width = map(float, found)
        return top, bottom, mean + deviation * middle, deviation * abs(width)
    height, steepness, middle, slope, offset = map(float, found)
    height, steepness = (height, steepness) if steepness >= 0 else (-height, -steepness)
    slope /= deviation
    return height, steepness / deviation, mean + deviation * middle, slope, offset - slope * mean


def plcc_after(curve: Fit, x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """PLCC of fitted predictions and opinions, with the sign of the predictions kept.

    A curve that falls would turn a method that ranks backwards into a good one, so PLCC takes the sign of the correlation
    between the predictions and their fitted values. NaN where either side is all the same.

    Raises:
        ValueError: The lengths differ, or a value is not finite.
    """
    x, y = pairs(x, y)
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    fitted = curve(x)
    return float(np.sign(stats.pearsonr(x, fitted).statistic) * stats.pearsonr(fitted, y).statistic)
