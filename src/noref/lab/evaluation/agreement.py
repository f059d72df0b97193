"""How well predictions agree with people: correlations with their signs kept."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats


def agreement(predicted: npt.ArrayLike, opinions: npt.ArrayLike) -> dict[str, float]:
    """SRCC, PLCC, KRCC (tau-b) and RMSE of raw predictions, no curve fitted, and n.

    Correlations lie in [-1, 1]; they are NaN where predictions or opinions are all the same. RMSE has the opinions' unit.

    Raises:
        ValueError: The lengths differ, or a value is not finite (a failed photo must be counted, not dropped here).
    """
    x, y = np.asarray(predicted, np.float64), np.asarray(opinions, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"predictions and opinions must be alike and flat, not {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("predictions and opinions must be finite")
    rmse = float(np.sqrt(np.mean((x - y) ** 2))) if len(x) else float("nan")
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return {"n": len(x), "srcc": float("nan"), "plcc": float("nan"), "krcc": float("nan"), "rmse": rmse}
    return {
        "n": len(x),
        "srcc": float(stats.spearmanr(x, y).statistic),
        "plcc": float(stats.pearsonr(x, y).statistic),
        "krcc": float(stats.kendalltau(x, y).statistic),
        "rmse": rmse,
    }


def agreement_by_group(predicted: npt.ArrayLike, opinions: npt.ArrayLike, groups: Sequence[str] | None) -> pd.DataFrame:
    """`agreement` over all photos and, if groups are given, within each; columns part, n, srcc, plcc, krcc, rmse."""
    x, y = np.asarray(predicted), np.asarray(opinions)
    rows = [{"part": "all", **agreement(x, y)}]
    if groups is not None:
        labels = np.asarray(groups)
        rows += [{"part": group, **agreement(x[labels == group], y[labels == group])} for group in sorted(set(labels))]
    return pd.DataFrame(rows)
