"""Significance tests for the difference of SRCC between two methods.

There are two tests, for two questions:

- `corrected_t`: methods that are fitted in each of several random splits. The unit is the split. Splits share photos, so
  the differences are correlated, and the usual paired t-test rejects too often, which the test by Nadeau and Bengio corrects.
- `by_content`: models that are fixed, or were fitted once. The unit is the content (reference or scene). The test covers the
  choice of contents, not the variation of training.

Neither is corrected for multiple comparisons: of many pairs of methods, some have a small p by chance. `resampling.holm`
corrects p.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from noref import resampling
from noref.lab.metrics import bootstrap
from noref.lab.metrics.agreement import pairs
from noref.resampling import Floats

ROUNDING = 1e-12


class Difference(NamedTuple):
    """The difference between two methods, first minus second.

    Attributes:
        difference: Mean difference of SRCC; positive where the first method is better.
        low: Lower end of its confidence interval.
        high: Upper end of its confidence interval.
        p: Two-sided, of the hypothesis that there is no difference, 0 to 1. NaN, as are both ends, where the test is undefined.
    """

    difference: float
    low: float
    high: float
    p: float


def corrected_t(first: npt.ArrayLike, second: npt.ArrayLike, test_to_train: float, *, confidence: float = 0.95) -> Difference:
    """Corrected resampled t-test: two methods fitted in the same J random splits.

    The variance of the mean difference is (1 / J + n_test / n_train) times the variance over the splits, with J - 1 degrees of
    freedom (C. Nadeau and Y. Bengio, Inference for the Generalization Error, Machine Learning 52, 2003). With
    `test_to_train` 0 it is the usual paired t-test, which assumes independent splits.

    Args:
        first: J values, such as the SRCC of each split.
        second: J values of the other method on the same splits.
        test_to_train: Size of the test part divided by that of the training and validation parts together, 0 or more. If splits
            are by content, sizes are numbers of contents.
        confidence: Nominal coverage of the interval, 0 to 1.

    Returns:
        p and the interval are NaN for one split, and where the differences are equal but for rounding.

    Raises:
        ValueError: The lengths differ, a value is not finite, or `test_to_train` is negative.

    Examples:
        >>> first, second = [0.81, 0.85, 0.79, 0.84], [0.80, 0.83, 0.80, 0.81]
        >>> print("p = {0.p:.2f}".format(corrected_t(first, second, test_to_train=0.2 / 0.8)))
        p = 0.38
    """
    a, b = _values(first, second)
    if test_to_train < 0:
        raise ValueError(f"a ratio of sizes cannot be negative: {test_to_train}")
    differences = a - b
    mean = float(differences.mean())
    if len(a) < 2 or np.ptp(differences) <= ROUNDING * max(np.abs(a).max(), np.abs(b).max()):
        return Difference(mean, np.nan, np.nan, np.nan)
    error = float(np.sqrt((1 / len(a) + test_to_train) * differences.var(ddof=1)))
    return _t(mean, error, len(a) - 1, confidence)


def by_content(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    mos: npt.ArrayLike,
    contents: npt.ArrayLike,
    splits: npt.ArrayLike | None = None,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Paired bootstrap t-test by content: two fixed models on the same photos.

    The statistic is the difference of SRCC, averaged over the splits where there are several. Its standard error comes from
    resampled contents, the same for both methods (`bootstrap`); t has one degree of freedom less than there are contents.
    Scores may be on different scales.

    Args:
        first: n scores of one method, higher is better.
        second: n scores of the other.
        mos: n mean opinion scores.
        contents: n labels of the reference or scene.
        splits: n labels; SRCC is taken within each split. None for one split.
        resamples: How many resamples are drawn. Those in which a SRCC is undefined are left out.
        confidence: Nominal coverage of the interval, 0 to 1.
        seed: Of the resamples.

    Returns:
        p and the interval are NaN below `bootstrap.MIN_CONTENTS` contents, where a SRCC is undefined, and where both methods
        rank alike in all resamples.

    Raises:
        ValueError: The lengths differ, or a score is not finite.

    Examples:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> mos, contents = rng.random(200), np.arange(200) // 5
        >>> good, poor = mos + rng.normal(scale=0.1, size=200), mos + rng.normal(scale=0.3, size=200)
        >>> found = by_content(good, 100 * poor, mos, contents)
        >>> print(f"{found.difference:.2f} ({found.low:.2f} to {found.high:.2f}), p < .001: {found.p < 0.001}")
        0.22 (0.14 to 0.30), p < .001: True
    """
    x, y = pairs(first, mos)
    z, _ = pairs(second, mos)
    number, code = resampling.coded(contents, len(y))
    labels = np.zeros(len(y)) if splits is None else np.asarray(splits)
    if labels.shape != y.shape:
        raise ValueError(f"each of the {len(y)} photos needs one split, not {labels.shape}")
    rows = [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def differences(counts: npt.NDArray[np.int64]) -> Floats:
        each = [bootstrap.srcc(x[i], y[i], counts[:, i]) - bootstrap.srcc(z[i], y[i], counts[:, i]) for i in rows]
        return np.mean(each, axis=0)

    value = float(differences(np.ones((1, len(y)), np.int64))[0]) if len(y) else np.nan
    if number < bootstrap.MIN_CONTENTS or np.isnan(value):
        return Difference(value, np.nan, np.nan, np.nan)
    resampled = np.concatenate([differences(counts) for counts in resampling.drawn(number, code, resamples, seed)])
    return _t(value, resampling.standard_error(resampled), number - 1, confidence)


class Significance(NamedTuple):
    """A statistic, positive where the first sample is larger, and its two-sided p; NaN where the test is undefined."""

    statistic: float
    p: float


def two_sample_t(first: npt.ArrayLike, second: npt.ArrayLike) -> Significance:
    """Student's t-test for two independent samples of equal variance.

    It ignores that both methods were measured on the same splits, and that splits share photos. Papers use it; prefer
    `corrected_t`.

    Args:
        first: J values.
        second: J values.

    Raises:
        ValueError: The lengths differ, or a value is not finite.

    Examples:
        >>> print("t = {0.statistic:.2f}, p = {0.p:.2f}".format(two_sample_t([3, 4, 5], [1, 2, 3])))
        t = 2.45, p = 0.07
    """
    a, b = _values(first, second)
    error = float(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))) if len(a) > 1 else 0.0
    if error <= ROUNDING * max(np.abs(a).max(), np.abs(b).max()):
        return Significance(np.nan, np.nan)
    found = stats.ttest_ind_from_stats(a.mean(), a.std(ddof=1), len(a), b.mean(), b.std(ddof=1), len(b))
    return Significance(float(found.statistic), float(found.pvalue))


def _t(value: float, error: float, freedom: int, confidence: float) -> Difference:
    if not error > 0:
        return Difference(value, np.nan, np.nan, np.nan)
    half = error * float(stats.t.ppf((1 + confidence) / 2, freedom))
    return Difference(value, value - half, value + half, float(2 * stats.t.sf(abs(value) / error, freedom)))


def _values(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise ValueError(f"both methods need a value for every split, not {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("the value of every split must be finite")
    return a, b
