"""Tables of every measure of one set of predictions, by part and by split.

Predictions are tables as `protocols` writes them: `mos`, `predicted` (NaN where the method failed), `content`, and `mos_std`
where known. Correlations and errors are computed over the photos with a prediction; `n` is their number, `failed` that of the
others.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from noref.lab.metrics import bootstrap, logistic
from noref.lab.metrics.agreement import agreement, errors

SHOWN = (
    "n",
    "failed",
    "contents",
    "srcc",
    "srcc_low",
    "srcc_high",
    "srcc_std",
    "plcc",
    "krcc",
    "plcc_fitted",
    "rmse_fitted",
    "fit",
)
"""The most important columns, for printed tables."""

MIN_FITTED = 20
"""Photos from which on measures after a fit are stated: the curve follows the very photos that it is measured on.

In simulations with normal values, the fit of 4 parameters raises the median of |PLCC| of predictions of true PLCC .5 by .18 for
10 photos, by .13 for 15 and by .08 for 20; and that of independent noise from .38 to .73 for 5 photos, from .25 to .51 for 10,
from .14 to .35 for 20, from .10 to .25 for 50, and from .07 to .18 for 100.
"""


def measures(predictions: pd.DataFrame, parameters: Literal[4, 5] = 4) -> dict[str, float | str]:
    """All measures of one set of predictions.

    Args:
        predictions: One row per photo, with `mos` and `predicted`; `mos_std` where known.
        parameters: Number of parameters of the logistic curve, which is fitted to these predictions.

    Returns:
        `n`, `failed`; `srcc`, `krcc`, `plcc`; `rmse`, `mae`, `outliers`, `within_1` to `within_3` (see `agreement.errors`);
        `plcc` and the errors again after the fit, ending in `_fitted`; `fit`, the name of the curve, or "raw: " and the reason
        why the fit failed (then the measures after the fit are the raw ones), or "none: " below `MIN_FITTED` photos (then they
        are NaN); `unfitted`, 1 in both cases, else 0.
    """
    scored = predictions[np.isfinite(predictions["predicted"])]
    x, y = scored["predicted"].to_numpy(np.float64), scored["mos"].to_numpy(np.float64)
    mos_std = scored["mos_std"].to_numpy(np.float64) if "mos_std" in scored else None
    raw, curve = agreement(x, y), logistic.fit(x, y, parameters)
    fitted = {"plcc": logistic.plcc_after(curve, x, y), **errors(curve(x), y, mos_std)}
    few = len(scored) < MIN_FITTED
    if few:
        fitted = dict.fromkeys(fitted, np.nan)
    return {
        "n": len(scored),
        "failed": len(predictions) - len(scored),
        **{name: raw[name] for name in ("srcc", "krcc", "plcc")},
        **errors(x, y, mos_std),
        **{f"{name}_fitted": value for name, value in fitted.items()},
        "fit": f"none: {len(scored)} photos are too few" if few else curve.name,
        "unfitted": int(few or bool(curve.failure)),
    }


def by_part(
    predictions: pd.DataFrame, by: str | None = None, parameters: Literal[4, 5] = 4, *, resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """`measures` over all photos and within each distortion type or group, with 95 % bootstrap intervals by content.

    Args:
        predictions: One row per photo, with `mos`, `predicted` and `content`; `mos_std` where known.
        by: Column to group by, such as "type" or "group". Rows without a value are in "all" only.
        parameters: As in `measures`; the curve is fitted anew in each part.
        resamples: For the intervals.
        seed: For the intervals.

    Returns:
        Column `part` ("all" first, then sorted), those of `measures`, `contents` (the number of independent units among the
        photos that have a prediction), and `srcc_low`, `srcc_high`, `plcc_low`, `plcc_high` (NaN where `metrics.bootstrap`
        gives no interval, such as for few contents).
    """
    parts = [("all", predictions)]
    if by is not None:  # a group may be called "all", too
        parts += [(f"{by} all" if name == "all" else str(name), rows) for name, rows in predictions.groupby(by)]
    table = []
    for name, rows in parts:
        scored = rows[np.isfinite(rows["predicted"])]
        found = bootstrap.intervals(scored["predicted"], scored["mos"], scored["content"], resamples=resamples, seed=seed)
        ends = {f"{figure}_{end}": getattr(found[figure], end) for figure in ("srcc", "plcc") for end in ("low", "high")}
        table.append({"part": name, **measures(rows, parameters), "contents": scored["content"].nunique(), **ends})
    return pd.DataFrame(table)


def by_split(predictions: Mapping[str, pd.DataFrame], parameters: Literal[4, 5] = 4) -> pd.DataFrame:
    """`measures` of each split; the column `split` (its name) comes first."""
    return pd.DataFrame([{"split": name, **measures(rows, parameters)} for name, rows in predictions.items()])


def over_splits(table: pd.DataFrame) -> pd.DataFrame:
    """Statistics of the measures of `by_split` over the splits.

    Returns:
        One row a measure: `measure`, `splits` (how many), `median`, `mean`, `std` (of the sample), `lowest`, `highest`. They
        are NaN where a split has no value, so that no split is left out silently.
    """
    figures = table.select_dtypes("number")
    rows = {
        "splits": len(figures),
        "median": figures.median(skipna=False),
        "mean": figures.mean(skipna=False),
        "std": figures.std(skipna=False),
        "lowest": figures.min(skipna=False),
        "highest": figures.max(skipna=False),
    }
    return pd.DataFrame(rows, index=figures.columns).rename_axis("measure").reset_index()
