"""The three tests of the Waterloo Exploration database, which need no opinions (Ma et al., TIP 26(2), 2017).

They run on any pool of good photos and their distorted copies. The published figures are for 4,744 photos under four types of
distortion at five levels; figures on another pool do not compare with them, so name the pool. The formulas are as the field
passes them on; the paper's own wording was not at hand.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from noref.lab.errors import LabError

Floats = npt.NDArray[np.float64]

THRESHOLD = 40.0  # on a 0 to 100 scale; the paper's. dipIQ trains with 20.


@dataclass(frozen=True)
class Discriminability:
    """D test.

    Attributes:
        value: Balanced accuracy at the best threshold, 0.5 (nothing, or the wrong way round) to 1.
        threshold: Photos above it are taken for undistorted; the lowest one where several are best.
        pristine, distorted: Numbers of photos.
    """

    value: float
    threshold: float
    pristine: int
    distorted: int


@dataclass(frozen=True)
class ListwiseConsistency:
    """L test.

    Attributes:
        value: Mean SRCC of quality and falling level, -1 to 1.
        lists: Pairs of content and type that it is the mean of.
        too_short: Pairs left out, for fewer than two levels of them were there.
    """

    value: float
    lists: int
    too_short: int


@dataclass(frozen=True)
class PairwisePreference:
    """P test.

    Attributes:
        value: Share of discriminable pairs put in the right order, 0 to 1; NaN where there are no pairs.
        pairs: Discriminable pairs.
        correct: Of them, those whose better photo scores strictly higher.
    """

    value: float
    pairs: int
    correct: int


def d_test(scores: npt.ArrayLike, pristine: npt.ArrayLike) -> Discriminability:
    """Can one threshold tell undistorted from distorted photos?

    D = max over T of ((share of undistorted with score > T) + (share of distorted with score <= T)) / 2. The maximum is exact:
    every distinct score is tried. Photos of equal scores always fall on the same side.

    Args:
        scores: n scores, higher is better.
        pristine: n truth values.

    Raises:
        LabError: One of the two sets is empty.
        ValueError: Scores are not finite.
    """
    q, good = _finite(scores), np.asarray(pristine, bool)
    if good.all() or not good.any():
        raise LabError("the D test needs scores of undistorted and of distorted photos; use a folder of `noref lab synthesize`")
    cuts, which = np.unique(q, return_inverse=True)
    cuts = np.concatenate([[-np.inf], cuts])
    n_good, n_bad = int(good.sum()), int((~good).sum())
    good_below, bad_below = (np.cumsum(np.bincount(which[rows] + 1, minlength=len(cuts))) for rows in (good, ~good))
    balanced = ((n_good - good_below) / n_good + bad_below / n_bad) / 2
    best = int(balanced.argmax())
    return Discriminability(float(balanced[best]), float(cuts[best]), n_good, n_bad)


def l_test(scores: npt.ArrayLike, contents: npt.ArrayLike, types: npt.ArrayLike, levels: npt.ArrayLike) -> ListwiseConsistency:
    """Does quality fall as distortion grows?

    L = mean over contents and types of the SRCC between minus level and score. Ties take their average rank; where all scores
    of a list are the same its SRCC is 0.

    Args:
        scores: n scores of distorted photos, higher is better.
        contents: n labels; with the type they name a list.
        types: n labels.
        levels: n numbers, higher is worse.

    Raises:
        LabError: No list has two levels.
        ValueError: Scores or levels are not finite.
    """
    table = pd.DataFrame({"score": _finite(scores), "content": contents, "type": types, "level": _finite(levels, "levels")})
    grouped = table.groupby(["content", "type"])
    long_enough = grouped["level"].transform("nunique") >= 2
    lists = grouped.ngroups
    table = table[long_enough]
    if table.empty:
        raise LabError("the L test needs contents with at least two levels of a distortion type; synthesize more levels")
    keys = [table["content"], table["type"]]
    ranks = table.groupby(keys)[["score", "level"]].rank()
    ranks -= ranks.groupby(keys).transform("mean")
    products = {"both": ranks["score"] * ranks["level"], "score": ranks["score"] ** 2, "level": ranks["level"] ** 2}
    sums = pd.DataFrame(products).groupby(keys).sum()
    size = np.sqrt(sums["score"] * sums["level"])
    srcc = (-sums["both"] / size.where(size > 0)).fillna(0.0)
    return ListwiseConsistency(float(srcc.mean()), len(srcc), lists - len(srcc))


def p_test(scores: npt.ArrayLike, full_reference: npt.ArrayLike, threshold: float = THRESHOLD) -> PairwisePreference:
    """Are pairs that every full-reference method tells apart put in the right order?

    A pair of any two photos of the pool is discriminable where all full-reference scores differ by more than `threshold` in the
    same direction: worse < better - threshold. Equal scores of the method under test count as wrong. Pairs are counted, never
    held: memory grows with n alone.

    Args:
        scores: n scores, higher is better.
        full_reference: n x k scores on a common scale of 0 to 100, higher is better (`to_common_scale`); the paper has k = 3,
            MS-SSIM, VIF and GMSD.
        threshold: On that scale.

    Raises:
        ValueError: Scores are not finite, the shapes do not fit, or the threshold is negative.
    """
    q, reference = _finite(scores), np.asarray(full_reference, np.float64)
    if reference.ndim != 2 or not reference.shape[1] or len(reference) != len(q) or not np.isfinite(reference).all():
        raise ValueError(f"full-reference scores must be finite and {len(q)} x k, not {reference.shape}")
    if threshold < 0:
        raise ValueError(f"a pair cannot differ by more than {threshold:g} in one direction only")
    order = np.argsort(reference[:, 0], kind="stable")
    q, first, *others = q[order], *np.ascontiguousarray(reference[order].T)
    limits = [other - threshold for other in others]
    # Sorted by the first full-reference score, all photos that are worse enough by it stand in front.
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
    return PairwisePreference(correct / pairs if pairs else float("nan"), int(pairs), int(correct))


def to_common_scale(scores: npt.ArrayLike, *, higher_is_better: bool) -> Floats:
    """Full-reference scores of a pool as percentile ranks, 0 (worst) to 100 (best), ties at their average.

    The paper maps each full-reference method with a logistic fitted on LIVE's opinions. Those are not ours to ship, so the pool
    itself is the yardstick: a difference of 40 means that 40 % of the pool lie between. Which pairs are discriminable thus
    depends on the pool, and their number differs from the paper's.

    Raises:
        LabError: There are fewer than two scores.
        ValueError: One is not finite.
    """
    q = _finite(scores)
    if len(q) < 2:
        raise LabError("a scale of percentiles needs at least two photos; synthesize more")
    return (stats.rankdata(q if higher_is_better else -q) - 1) / (len(q) - 1) * 100


def all_tests(pool: pd.DataFrame, full_reference: npt.ArrayLike, threshold: float = THRESHOLD) -> pd.DataFrame:
    """D, L and P of one method over a pool, failures counted.

    Args:
        pool: n rows with `predicted` (higher is better, NaN where the method failed), `content`, `type` (missing for an
            undistorted photo) and `level`.
        full_reference: n x k scores as in `p_test`, also for rows without a prediction.
        threshold: As in `p_test`.

    Returns:
        Rows D, L and P with columns `test`, `value`, `n` (photos for D, lists for L, pairs for P), `failed` (photos without a
        score, left out of all three) and `note`.

    Raises:
        LabError, ValueError: As the tests.
    """
    scored = np.isfinite(pool["predicted"].to_numpy(np.float64))
    kept, reference = pool[scored], np.asarray(full_reference, np.float64)[scored]
    failed, pristine = int((~scored).sum()), kept["type"].isna()
    worse = kept[~pristine]
    d = d_test(kept["predicted"], pristine)
    l_ = l_test(worse["predicted"], worse["content"], worse["type"], worse["level"])
    p = p_test(kept["predicted"], reference, threshold)
    rows = [
        ("D", d.value, len(kept), failed, f"{d.pristine} undistorted, {d.distorted} distorted; threshold {d.threshold:g}"),
        ("L", l_.value, l_.lists, failed, f"{l_.too_short} lists of fewer than two levels left out"),
        ("P", p.value, p.pairs, failed, f"{p.correct} pairs in order; full-reference scores differ by more than {threshold:g}"),
    ]
    return pd.DataFrame(rows, columns=["test", "value", "n", "failed", "note"])


def _finite(values: npt.ArrayLike, what: str = "scores") -> Floats:
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError(f"{what} must be flat and finite; a photo without must be counted, not passed on")
    return found
