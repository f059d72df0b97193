"""The D, L and P tests of the Waterloo Exploration database, which need no MOS.

Source: K. Ma et al., Waterloo Exploration Database, IEEE TIP 26(2), 2017. They run on any pool of pristine photos and
their distorted copies. The published figures are for 4,744 photos under four types of distortion at five levels; figures of
another pool are not comparable with them, so name the pool.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from sklearn import metrics

from noref.lab.arrays import Values
from noref.lab.errors import LabError

THRESHOLD = 40.0  # on a 0 to 100 scale; the paper's. dipIQ trains with 20.


@dataclass(frozen=True)
class Discriminability:
    """Result of the D test.

    Attributes:
        value: Balanced accuracy at the best threshold, 0.5 (no discrimination, or the wrong direction) to 1.
        threshold: Photos at or above it are taken for pristine; the lowest one where several are best.
        pristine: Number of pristine photos.
        distorted: Number of distorted photos.
    """

    value: float
    threshold: float
    pristine: int
    distorted: int


@dataclass(frozen=True)
class ListwiseConsistency:
    """Result of the L test.

    Attributes:
        value: Mean SRCC of score and falling level, -1 to 1.
        lists: Pairs of content and type that it is the mean of.
        too_short: Pairs of content and type left out, with fewer than two levels.
    """

    value: float
    lists: int
    too_short: int


@dataclass(frozen=True)
class PairwisePreference:
    """Result of the P test.

    Attributes:
        value: Share of discriminable pairs put in the right order, 0 to 1; NaN where there are no pairs.
        pairs: Discriminable pairs.
        correct: Of them, those whose better photo scores strictly higher.
    """

    value: float
    pairs: int
    correct: int


def d_test(scores: npt.ArrayLike, pristine: npt.ArrayLike) -> Discriminability:
    """Pristine image discriminability: can one threshold separate pristine from distorted photos?

    D = max over T of ((share of pristine with score >= T) + (share of distorted with score < T)) / 2. The maximum is exact:
    every distinct score is tried. Photos of equal scores are always on the same side.

    Args:
        scores: n scores, higher is better.
        pristine: n truth values.

    Raises:
        LabError: There are no pristine, or no distorted photos.
        ValueError: Scores are not finite.

    Examples:
        >>> found = d_test([90, 80, 70, 60], pristine=[True, True, False, True])
        >>> print(round(found.value, 3), found.threshold)
        0.833 80.0
    """
    q, good = _finite(scores), np.asarray(pristine, bool)
    if good.all() or not good.any():
        raise LabError("the D test needs scores of pristine and of distorted photos; use a folder of `noref lab synthesize`")
    false_positives, true_positives, thresholds = metrics.roc_curve(good, q, drop_intermediate=False)
    balanced = (true_positives + 1 - false_positives) / 2
    best = len(balanced) - 1 - int(balanced[::-1].argmax())  # thresholds fall
    return Discriminability(float(balanced[best]), float(thresholds[best]), int(good.sum()), int((~good).sum()))


def l_test(scores: npt.ArrayLike, contents: npt.ArrayLike, types: npt.ArrayLike, levels: npt.ArrayLike) -> ListwiseConsistency:
    """Listwise ranking consistency: does the score fall as distortion grows?

    L = mean over contents and types of the SRCC between minus level and score. Ties take their average rank; where all scores
    of a list are the same, its SRCC is 0.

    Args:
        scores: n scores of distorted photos, higher is better.
        contents: n labels; with the type they name a list.
        types: n labels.
        levels: n numbers, higher is worse.

    Raises:
        LabError: No list has two levels.
        ValueError: Scores or levels are not finite.

    Examples:
        >>> l_test([80, 60, 70, 40], contents=["a", "a", "b", "b"], types=["jpeg"] * 4, levels=[1, 2, 1, 2]).value
        1.0
    """
    table = pd.DataFrame({"score": _finite(scores), "content": contents, "type": types, "level": _finite(levels, "levels")})
    grouped = table.groupby(["content", "type"])
    long_enough = grouped["level"].transform("nunique") >= 2
    lists = grouped.ngroups
    table = table[long_enough]
    if table.empty:
        raise LabError("the L test needs contents with at least two levels of a distortion type; synthesize more levels")
    keys = [table["content"], table["type"]]
    # All lists at once, instead of one call of scipy's spearmanr for each of thousands of lists.
    ranks = table.groupby(keys)[["score", "level"]].rank()
    ranks -= ranks.groupby(keys).transform("mean")
    products = {"both": ranks["score"] * ranks["level"], "score": ranks["score"] ** 2, "level": ranks["level"] ** 2}
    sums = pd.DataFrame(products).groupby(keys).sum()
    size = np.sqrt(sums["score"] * sums["level"])
    srcc = (-sums["both"] / size.where(size > 0)).fillna(0.0)
    return ListwiseConsistency(float(srcc.mean()), len(srcc), lists - len(srcc))


def p_test(scores: npt.ArrayLike, full_reference: npt.ArrayLike, threshold: float = THRESHOLD) -> PairwisePreference:
    """Pairwise preference consistency: are pairs on which all full-reference methods agree put in the right order?

    A pair of any two photos of the pool is discriminable where all full-reference scores differ by more than `threshold` in the
    same direction: worse < better - threshold. Equal scores of the method under test count as wrong. Pairs are counted, not
    stored: memory is linear in n.

    Args:
        scores: n scores, higher is better.
        full_reference: n x k scores on a common scale of 0 to 100, higher is better (`to_common_scale`); the paper has k = 3,
            MS-SSIM, VIF and GMSD.
        threshold: On that scale.

    Raises:
        ValueError: Scores are not finite, the shapes do not fit, or the threshold is negative.

    Examples:
        >>> p_test([3, 2, 1], full_reference=[[100], [50], [45]])
        PairwisePreference(value=1.0, pairs=2, correct=2)
    """
    q, reference = _finite(scores), np.asarray(full_reference, np.float64)
    if reference.ndim != 2 or not reference.shape[1] or len(reference) != len(q) or not np.isfinite(reference).all():
        raise ValueError(f"full-reference scores must be finite and {len(q)} x k, not {reference.shape}")
    if threshold < 0:
        raise ValueError(f"the threshold must be at least 0, not {threshold:g}")
    order = np.argsort(reference[:, 0], kind="stable")
    q, first, *others = q[order], *np.ascontiguousarray(reference[order].T)
    limits = [other - threshold for other in others]
    # Sorted by the first full-reference score, all photos that are sufficiently worse by it come first.
    ends = np.searchsorted(first, first - threshold, side="left")
    pairs = correct = 0
    for i in np.flatnonzero(ends):
        worse = slice(ends[i])
        discriminable = np.ones(ends[i], bool)
        for other, limit in zip(others, limits, strict=True):
            discriminable &= other[worse] < limit[i]
        pairs += np.count_nonzero(discriminable)
        discriminable &= q[worse] < q[i]
        correct += np.count_nonzero(discriminable)
    return PairwisePreference(float(correct / pairs) if pairs else float("nan"), int(pairs), int(correct))


def to_common_scale(scores: npt.ArrayLike, *, higher_is_better: bool) -> Values:
    """Full-reference scores of a pool as percentile ranks, 0 (worst) to 100 (best), ties at their average.

    The paper maps each full-reference method by a logistic curve fitted to the DMOS of LIVE, which may not be redistributed. So
    the pool itself is the scale: a difference of 40 means that 40 % of the pool lie between. Which pairs are discriminable thus
    depends on the pool, and their number differs from the paper's.

    Args:
        scores: n scores of one full-reference method.
        higher_is_better: Its direction.

    Raises:
        LabError: There are fewer than two scores.
        ValueError: One is not finite.

    Examples:
        >>> print(to_common_scale([0.1, 0.3, 0.2], higher_is_better=False))
        [100.   0.  50.]
    """
    q = _finite(scores)
    if len(q) < 2:
        raise LabError("a scale of percentiles needs at least two photos; synthesize more")
    return (stats.rankdata(q if higher_is_better else -q) - 1) / (len(q) - 1) * 100


def all_tests(pool: pd.DataFrame, full_reference: npt.ArrayLike, threshold: float = THRESHOLD) -> pd.DataFrame:
    """D, L and P of one method over a pool, failures counted.

    Args:
        pool: n rows with `predicted` (higher is better, NaN where the method failed), `content`, `type` (missing for a
            pristine photo) and `level`.
        full_reference: n x k scores as in `p_test`, also for rows without a prediction.
        threshold: As in `p_test`.

    Returns:
        Rows D, L and P with columns `test`, `value`, `n` (photos for D, lists for L, pairs for P), `failed` (photos without a
        score, left out of all three) and `note`.

    Raises:
        LabError: As the tests.
        ValueError: As the tests.

    Examples:
        >>> pool = pd.DataFrame({"predicted": [90, 50, 20], "content": "a", "type": [None, "jpeg", "jpeg"], "level": [0, 1, 2]})
        >>> all_tests(pool, full_reference=[[100], [50], [0]])[["test", "value", "n"]].to_numpy().tolist()
        [['D', 1.0, 3], ['L', 1.0, 1], ['P', 1.0, 3]]
    """
    scored = np.isfinite(pool["predicted"].to_numpy(np.float64))
    kept, reference = pool[scored], np.asarray(full_reference, np.float64)[scored]
    failed, pristine = int((~scored).sum()), kept["type"].isna()
    worse = kept[~pristine]
    d = d_test(kept["predicted"], pristine)
    l_ = l_test(worse["predicted"], worse["content"], worse["type"], worse["level"])
    p = p_test(kept["predicted"], reference, threshold)
    rows = [
        ("D", d.value, len(kept), failed, f"{d.pristine} pristine, {d.distorted} distorted; threshold {d.threshold:g}"),
        ("L", l_.value, l_.lists, failed, f"{l_.too_short} lists of fewer than two levels left out"),
        ("P", p.value, p.pairs, failed, f"{p.correct} pairs in order; full-reference scores differ by more than {threshold:g}"),
    ]
    return pd.DataFrame(rows, columns=["test", "value", "n", "failed", "note"])


def _finite(values: npt.ArrayLike, what: str = "scores") -> Values:
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError(f"{what} must be one-dimensional and finite; leave out photos without a score, and count them")
    return found
