"""Is one method better than another, or was it lucky? Tests over the values that two methods reach on the same splits.

The unit is the split: one figure (SRCC, say) a split and method. Read p with care:

- Random splits of one database share most of their photos, so the values are not independent and p comes out too small.
- Published p values as small as 1e-9 over ten splits cannot come from such values, whose deviation is 0.01 to 0.02 on LIVE-C
  (paper 003); their unit is not stated, so they do not compare with these.
- Many pairs of methods make some p small by chance; nothing here corrects for that.
"""

import warnings
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

Floats = npt.NDArray[np.float64]

ROUNDING = 1e-12


class Significance(NamedTuple):
    """A statistic, positive where the first method is better, and its two-sided p; NaN where the test is undefined."""

    statistic: float
    p: float


_UNDEFINED = Significance(float("nan"), float("nan"))


def two_sample_t(first: npt.ArrayLike, second: npt.ArrayLike) -> Significance:
    """Student's t for two independent samples of equal variance: ignores that both methods met the same splits."""
    a, b = _samples(first, second)
    if len(a) < 2 or (_constant(a, a, b) and _constant(b, a, b)):
        return _UNDEFINED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scipy's, where one sample is constant; the statistic is still right
        return _found(stats.ttest_ind(a, b))


def paired_t(first: npt.ArrayLike, second: npt.ArrayLike) -> Significance:
    """Student's t of the differences, split by split."""
    a, b = _samples(first, second)
    if len(a) < 2 or _constant(a - b, a, b):
        return _UNDEFINED
    return _found(stats.ttest_rel(a, b))


def wilcoxon(first: npt.ArrayLike, second: npt.ArrayLike) -> Significance:
    """Wilcoxon's signed-rank test of the differences, split by split; differences of 0 are left out.

    The statistic is the sum of ranks in favour of the first method less the sum in favour of the second.
    """
    a, b = _samples(first, second)
    differences = (a - b)[a != b]
    if not len(differences):
        return _UNDEFINED
    ranks = stats.rankdata(np.abs(differences))
    return Significance(float(np.sum(np.sign(differences) * ranks)), float(stats.wilcoxon(differences).pvalue))


def compare(values: pd.DataFrame) -> pd.DataFrame:
    """All three tests between every two methods.

    Args:
        values: One row a split, one column a method, such as each split's SRCC.

    Returns:
        One row a pair: `first`, `second`, `splits`, `difference` (mean, first less second), then a statistic and a p for each
        test: `two_sample_t`, `two_sample_t_p`, `paired_t`, `paired_t_p`, `wilcoxon`, `wilcoxon_p`.

    Raises:
        ValueError: A value is not finite.
    """
    rows = []
    for first, second in combinations(values.columns, 2):
        a, b = _samples(values[first], values[second])
        row = {"first": first, "second": second, "splits": len(a), "difference": float(np.mean(a - b))}
        for test in (two_sample_t, paired_t, wilcoxon):
            row[test.__name__], row[f"{test.__name__}_p"] = test(a, b)
        rows.append(row)
    return pd.DataFrame(rows)


def _constant(values: Floats, a: Floats, b: Floats) -> bool:
    """Whether values made from a and b differ by no more than rounding: a t of them would mean nothing."""
    return bool(np.ptp(values) <= ROUNDING * max(np.abs(a).max(), np.abs(b).max()))


def _found(result: Any) -> Significance:
    return Significance(float(result.statistic), float(result.pvalue))


def _samples(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"both methods need a value for every split, not {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a split without a finite value cannot be tested; find out why it has none")
    return a, b
