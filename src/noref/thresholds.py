"""Precision and recall of rejecting every photo below a threshold, measured on labelled photos.

A photo is rejected if its score is lower than the threshold. Precision is the share of rejected photos that are labelled
"reject"; recall is the share of photos labelled "reject" that are rejected. Intervals are percentile intervals of a bootstrap
over photos.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

STEP = 0.1
"""Between thresholds, so that a threshold with one decimal is exactly one that was measured."""

_RESAMPLES = 1000
_CONFIDENCE = 0.95


class Range(NamedTuple):
    """A share, 0 to 1, with its interval; NaN where it is undefined.

    Attributes:
        value: The measured share.
        low: Low end of the 95 % interval.
        high: High end of the 95 % interval.
    """

    value: float
    low: float
    high: float


class Point(NamedTuple):
    """What rejecting below one threshold does.

    Attributes:
        threshold: On the scale of the score; photos with a lower score are rejected.
        rejected: Share of all photos that are rejected, 0 to 1.
        precision: Share of rejected photos that are labelled "reject"; NaN if none is rejected.
        recall: Share of photos labelled "reject" that are rejected.
    """

    threshold: float
    rejected: float
    precision: Range
    recall: Range


@dataclass(frozen=True)
class Curve:
    """Precision and recall at the thresholds 0, 0.1, ..., 100.

    Attributes:
        thresholds: n thresholds, rising.
        rejected: n shares of rejected photos.
        precision: n x 3: value, low and high end of the interval.
        recall: n x 3, likewise; rising.
    """

    thresholds: npt.NDArray[np.float64]
    rejected: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]

    def at(self, threshold: float) -> Point:
        """The point of the nearest threshold."""
        index = int(np.argmin(np.abs(self.thresholds - threshold)))
        return Point(
            float(self.thresholds[index]),
            float(self.rejected[index]),
            Range(*self.precision[index].tolist()),
            Range(*self.recall[index].tolist()),
        )

    def with_precision(self, wanted: float) -> Point | None:
        """The threshold of highest recall whose precision is at least `wanted`, 0 to 1; None if there is none."""
        reached = np.flatnonzero(self.precision[:, 0] >= wanted)
        return self._middle(reached[np.argmax(self.recall[reached, 0])]) if len(reached) else None

    def with_recall(self, wanted: float) -> Point | None:
        """The lowest threshold whose recall is at least `wanted`, 0 to 1; None if there is none."""
        reached = np.flatnonzero(self.recall[:, 0] >= wanted)
        return self._middle(reached[0]) if len(reached) else None

    def _middle(self, index: np.intp) -> Point:
        """Of the thresholds that reject the same photos, the one in the middle: it is far from the scores on both sides."""
        same = np.flatnonzero(self.rejected == self.rejected[index])
        return self.at(self.thresholds[same[len(same) // 2]])


def curve(scores: npt.ArrayLike, reject: npt.ArrayLike, *, seed: int = 0) -> Curve:
    """Measure precision and recall at all thresholds.

    Args:
        scores: n scores, 0 to 100.
        reject: n truth values: whether a photo is labelled "reject".
        seed: Of the bootstrap. The same seed gives the same intervals.

    Raises:
        ValueError: The lengths differ, a score is not finite, or the photos do not have both labels.

    Examples:
        >>> found = curve([20, 30, 40, 60, 70, 80], [True, True, False, True, False, False])
        >>> point = found.with_precision(0.9)
        >>> print(f"{point.threshold:.1f}: precision {point.precision.value:.2f}, recall {point.recall.value:.2f}")
        35.1: precision 1.00, recall 0.67
    """
    values, labels = np.asarray(scores, np.float64), np.asarray(reject, bool)
    if values.shape != labels.shape or values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("scores and labels must be of the same length, and scores finite")
    if labels.all() or not labels.any():
        raise ValueError("photos of both labels are needed")
    thresholds = (np.arange(round(100 / STEP) + 1) * STEP).round(1)  # 30.1 exactly as it is printed and typed
    # The first threshold that rejects a photo; one count of photos for each and each label holds all that is needed.
    first = np.searchsorted(thresholds, values, side="right")
    bins = len(thresholds) + 1
    counts = np.bincount(first + bins * labels, minlength=2 * bins)
    resampled = np.random.default_rng(seed).multinomial(len(values), counts / len(values), _RESAMPLES)
    rejected, precision, recall = _shares(counts[None], bins)
    intervals = [_interval(each) for each in _shares(resampled, bins)[1:]]
    measured = (np.column_stack([value[0], ends.T]) for value, ends in zip((precision, recall), intervals, strict=True))
    return Curve(thresholds, rejected[0], *measured)


def _shares(counts: npt.NDArray[np.int64], bins: int) -> tuple[npt.NDArray[np.float64], ...]:
    """Rejected share, precision and recall, each r x thresholds, of r rows of counts: those of "keep", then of "reject"."""
    keep, reject = (np.cumsum(half, axis=1)[:, :-1] for half in (counts[:, :bins], counts[:, bins:]))
    with np.errstate(invalid="ignore"):  # 0 / 0 is undefined: NaN
        precision = reject / (keep + reject)
        recall = reject / counts[:, bins:].sum(axis=1, keepdims=True)
    return (keep + reject) / counts.sum(axis=1, keepdims=True), precision, recall


def _interval(resampled: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """2 x thresholds: the ends of the percentile interval, over the resamples where the share is defined."""
    ordered = np.sort(resampled, axis=0)  # NaN is last
    last = (~np.isnan(resampled)).sum(axis=0) - 1
    ends = (np.rint(last * share).astype(np.int64) for share in ((1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2))
    return np.stack([np.where(last < 0, math.nan, np.take_along_axis(ordered, end[None], axis=0)[0]) for end in ends])
