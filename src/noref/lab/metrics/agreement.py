"""Agreement of predicted scores with mean opinion scores (MOS): correlations, with their signs, and errors."""

import numpy as np
import numpy.typing as npt
from scipy import stats

from noref.lab.arrays import Values


def agreement(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> dict[str, float]:
    """Correlations and RMSE of raw predictions, without a fitted curve.

    Args:
        predicted: n scores, higher is better.
        mos: n mean opinion scores.

    Returns:
        `n`; `srcc` (Spearman), `plcc` (Pearson) and `krcc` (Kendall's tau-b), -1 to 1, NaN where predictions or MOS are all the
        same; `rmse` in the unit of the MOS.

    Raises:
        ValueError: The lengths differ, or a value is not finite. The caller must leave out, and count, failed photos.

    Examples:
        >>> found = agreement([1, 2, 4, 3], [1, 2, 3, 4])
        >>> print("SRCC {srcc:.2f}, KRCC {krcc:.2f}, RMSE {rmse:.2f}, n = {n}".format(**found))
        SRCC 0.80, KRCC 0.67, RMSE 0.71, n = 4
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
    """Errors, and their size relative to the standard deviation of the ratings.

    They are meaningful only for predictions on the range of the MOS.

    Args:
        predicted: n scores.
        mos: n mean opinion scores.
        mos_std: n standard deviations of the ratings, NaN if unknown; None if all are unknown.

    Returns:
        `rmse` and `mae` in the unit of the MOS; `within_1`, `within_2` and `within_3`, the shares of photos with an error of at
        most 1, 2 and 3 standard deviations; `outliers`, the share with an error above 2. NaN where
        no standard deviation is known.

    Raises:
        ValueError: As `agreement`, or a standard deviation is negative.

    Examples:
        >>> found = errors([50, 60, 80], [52, 60, 70], mos_std=[4, 4, 4])
        >>> print("MAE {mae:.1f}, outliers {outliers:.2f}, within 1 std {within_1:.2f}".format(**found))
        MAE 4.0, outliers 0.33, within 1 std 0.67
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


def shares_within(predicted: npt.ArrayLike, mos: npt.ArrayLike, mos_std: npt.ArrayLike, multiples: npt.ArrayLike) -> Values:
    """Cumulative histogram of |error| / standard deviation of the ratings (S. Bianco et al., SIViP 12, 2018, DeepBIQ).

    Args:
        predicted: n scores.
        mos: n mean opinion scores.
        mos_std: n standard deviations of the ratings; photos with NaN are excluded.
        multiples: k multiples of the standard deviation.

    Returns:
        k shares of photos, 0 to 1, with an error of at most so many standard deviations; NaN where none is known.

    Raises:
        ValueError: As `agreement`, or a standard deviation is negative.

    Examples:
        >>> print(shares_within([1, 2, 3, 4], [1, 2, 2, 1], [1, 1, 1, 1], multiples=[0, 1, 2]))
        [0.5  0.75 0.75]
    """
    x, y = pairs(predicted, mos)
    known, limits = np.asarray(mos_std, np.float64), np.asarray(multiples, np.float64)
    if (known < 0).any():
        raise ValueError("a standard deviation cannot be negative")
    rows = ~np.isnan(known)
    if not rows.any():
        return np.full(limits.shape, np.nan)
    # Multiplied, not divided: a standard deviation of 0 (one rating, or all equal) needs no special case.
    return np.mean(np.abs(x - y)[rows, None] <= known[rows, None] * limits, axis=0)


def pairs(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> tuple[Values, Values]:
    """Both as float64 arrays of n finite numbers.

    Raises:
        ValueError: They are not one-dimensional and of the same length, or a value is not finite.

    Examples:
        >>> pairs([1, 2], [3, 4])
        (array([1., 2.]), array([3., 4.]))
    """
    x, y = np.asarray(predicted, np.float64), np.asarray(mos, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"predictions and MOS must be one-dimensional and of the same length, not {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("predictions and MOS must be finite")
    return x, y
