"""How well predictions agree with people: correlations with their signs kept, and errors."""

import numpy as np
import numpy.typing as npt
from scipy import stats


def agreement(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> dict[str, float]:
    """SRCC, PLCC, KRCC (tau-b) and RMSE of raw predictions, no curve fitted, and n.

    Correlations lie in [-1, 1]; they are NaN where predictions or opinions are all the same. RMSE has the opinions' unit.

    Raises:
        ValueError: The lengths differ, or a value is not finite (a failed photo must be counted, not dropped here).
    """
    x, y = pairs(predicted, mos)
    rmse = errors(x, y)["rmse"]
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return {"n": len(x), "srcc": float("nan"), "plcc": float("nan"), "krcc": float("nan"), "rmse": rmse}
    return {
        "n": len(x),
        "srcc": float(stats.spearmanr(x, y).statistic),
        "plcc": float(stats.pearsonr(x, y).statistic),
        "krcc": float(stats.kendalltau(x, y).statistic),
        "rmse": rmse,
    }


def errors(predicted: npt.ArrayLike, mos: npt.ArrayLike, mos_std: npt.ArrayLike | None = None) -> dict[str, float]:
    """RMSE, MAE and, where the opinions' spread is known, how the errors compare with it.

    All have a meaning only for predictions on the opinions' own scale.

    Args:
        predicted: n scores.
        mos: n mean opinions.
        mos_std: n standard deviations of the opinions, NaN where unknown; None where all are.

    Returns:
        `rmse` and `mae` in the opinions' unit; `within_1`, `within_2` and `within_3`, the shares of photos with an error of at
        most 1, 2 and 3 spreads (paper 003); `outliers`, the share with one of more than 2. NaN where nothing is known.

    Raises:
        ValueError: As `agreement`.
    """
    x, y = pairs(predicted, mos)
    error = np.abs(x - y)
    within = shares_within(x, y, np.full(len(x), np.nan) if mos_std is None else mos_std, (1, 2, 3))
    return {
        "rmse": float(np.sqrt(np.mean(error**2))) if len(x) else float("nan"),
        "mae": float(np.mean(error)) if len(x) else float("nan"),
        "outliers": 1 - float(within[1]),
        **{f"within_{multiple}": float(share) for multiple, share in zip((1, 2, 3), within, strict=True)},
    }


def shares_within(
    predicted: npt.ArrayLike, mos: npt.ArrayLike, mos_std: npt.ArrayLike, multiples: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Cumulative histogram of |error| / spread (paper 003): for each multiple, the share of photos at or below it.

    Taken over the photos whose spread is known (not NaN); NaN where there are none.

    Raises:
        ValueError: As `agreement`, or a spread is negative.
    """
    x, y = pairs(predicted, mos)
    known, limits = np.asarray(mos_std, np.float64), np.asarray(multiples, np.float64)
    if (known < 0).any():
        raise ValueError("a spread is a standard deviation and cannot be negative")
    rows = ~np.isnan(known)
    if not rows.any():
        return np.full(limits.shape, np.nan)
    # Multiplied, not divided: a spread of 0 (one opinion, or all alike) needs no exception.
    return np.mean(np.abs(x - y)[rows, None] <= known[rows, None] * limits, axis=0)


def pairs(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Both as flat arrays of n finite numbers.

    Raises:
        ValueError: The lengths differ, or a value is not finite.
    """
    x, y = np.asarray(predicted, np.float64), np.asarray(mos, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"predictions and opinions must be alike and flat, not {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("predictions and opinions must be finite")
    return x, y
