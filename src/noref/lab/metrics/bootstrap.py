"""Percentile bootstrap intervals: how far a correlation would move, had other photos been drawn.

Photos are drawn as if each were independent. Where many photos share a reference, the true uncertainty is larger; splits by
content show it.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from noref.lab.metrics.agreement import pairs

Floats = npt.NDArray[np.float64]

_CELLS = 2_000_000  # of a block of resamples: 16 MB an array


class Interval(NamedTuple):
    """Percentile interval of one figure.

    Attributes:
        low, high: Its ends; NaN where no resample has the figure.
        undefined: Resamples without the figure, for predictions or opinions were all the same in them; left out of the ends.
    """

    low: float
    high: float
    undefined: int


def intervals(
    predicted: npt.ArrayLike, mos: npt.ArrayLike, *, resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Intervals of SRCC and PLCC (raw), keys `srcc` and `plcc`; the same seed gives the same intervals.

    Raises:
        ValueError: As `agreement`.
    """
    x, y = pairs(predicted, mos)
    if len(x) < 2:
        return {name: Interval(float("nan"), float("nan"), resamples) for name in ("srcc", "plcc")}
    rng = np.random.default_rng(seed)
    block = max(1, _CELLS // len(x))
    found = [correlations(x, y, _counts(len(x), min(block, resamples - start), rng)) for start in range(0, resamples, block)]
    srcc, plcc = np.concatenate(found, axis=1)
    return {"srcc": _interval(srcc, confidence), "plcc": _interval(plcc, confidence)}


def correlations(x: Floats, y: Floats, counts: npt.NDArray[np.int64]) -> Floats:
    """SRCC and PLCC of resamples given as counts: in row r, pair i stands counts[r, i] times.

    A resample needs no sorting of its own: the rank of a value is how many were drawn below it, which a cumulative sum over the
    sorted originals tells. Ties share their average rank.

    Returns:
        2 x resamples: SRCC, then PLCC; NaN where a side is all the same.
    """
    srcc = _weighted_pearson(_ranks(x, counts), _ranks(y, counts), counts)
    # Where all drawn values are the same, sums of ranks are exact and give NaN; those of values may differ by a rounding.
    return np.stack([srcc, np.where(np.isnan(srcc), np.nan, _weighted_pearson(x, y, counts))])


def _counts(n: int, resamples: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    drawn = rng.integers(n, size=(resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n)


def _ranks(values: Floats, counts: npt.NDArray[np.int64]) -> Floats:
    distinct, which, sizes = np.unique(values, return_inverse=True, return_counts=True)
    order, starts = np.argsort(which, kind="stable"), np.cumsum(sizes) - sizes
    drawn = counts[:, order] if len(distinct) == len(values) else np.add.reduceat(counts[:, order], starts, axis=1)
    return (np.cumsum(drawn, axis=1) - (drawn - 1) / 2)[:, which]


def _weighted_pearson(x: Floats, y: Floats, counts: npt.NDArray[np.int64]) -> Floats:
    """Row by row; x and y are resamples x n, or n where all rows share them."""
    n = counts.shape[1]
    dx = x - (counts * x).sum(axis=1, keepdims=True) / n
    dy = y - (counts * y).sum(axis=1, keepdims=True) / n
    product, square_x, square_y = (np.einsum("ri,ri,ri->r", counts, a, b) for a, b in ((dx, dy), (dx, dx), (dy, dy)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(product / np.sqrt(square_x * square_y), -1, 1)


def _interval(figures: Floats, confidence: float) -> Interval:
    defined = figures[np.isfinite(figures)]
    undefined = len(figures) - len(defined)
    if not len(defined):
        return Interval(float("nan"), float("nan"), undefined)
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), undefined)
