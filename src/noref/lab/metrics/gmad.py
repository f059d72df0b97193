"""Pairs for a gMAD competition (K. Ma et al., Group MAD Competition, CVPR 2016): photos scored alike by one method only.

This finds the pairs; the competition itself needs people who state which photo of each pair is better.
"""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pandas as pd


def find_pairs(images: Sequence[str], defender: npt.ArrayLike, attacker: npt.ArrayLike, levels: int = 6) -> pd.DataFrame:
    """The pair that differs most for the attacker, within each quality level of the defender.

    Args:
        images: n names.
        defender: n scores, higher is better; their range is divided into `levels` of equal width.
        attacker: n scores, higher is better.
        levels: How many, 1 or more.

    Returns:
        One row per level with two or more photos, lowest first: `level` (from 1), `low` and `high` (its ends, in the defender's
        unit), `n` (photos in it), `better` and `worse` (names, by the attacker's scores), `gap` (of the attacker's scores), and
        `defender_gap` (of the defender's, better minus worse; negative where it ranks them the other way).

    Raises:
        ValueError: The lengths differ, a score is not finite, or there are fewer than two photos or no level.

    Examples:
        >>> found = find_pairs(["a", "b", "c"], defender=[50, 51, 90], attacker=[30, 70, 80], levels=2)
        >>> found[["level", "better", "worse", "gap", "defender_gap"]].to_dict("records")
        [{'level': 1, 'better': 'b', 'worse': 'a', 'gap': 40.0, 'defender_gap': 1.0}]
    """
    defending, attacking, names = np.asarray(defender, np.float64), np.asarray(attacker, np.float64), np.asarray(images, object)
    if not defending.shape == attacking.shape == names.shape or defending.ndim != 1:
        raise ValueError("images and the scores of both methods must be one-dimensional and of the same length")
    if not (np.isfinite(defending).all() and np.isfinite(attacking).all()):
        raise ValueError("scores must be finite; leave out, and count, photos that either method failed on")
    if levels < 1 or len(defending) < 2:
        raise ValueError("pairs need at least two photos and one quality level")
    ends = np.linspace(defending.min(), defending.max(), levels + 1)
    level_of = np.searchsorted(ends[1:-1], defending, side="right")
    rows = []
    for level in range(levels):
        inside = np.flatnonzero(level_of == level)
        if len(inside) < 2:
            continue
        by_attacker = inside[np.argsort(attacking[inside], kind="stable")]
        worse, better = by_attacker[0], by_attacker[-1]
        gaps = attacking[better] - attacking[worse], defending[better] - defending[worse]
        rows.append((level + 1, ends[level], ends[level + 1], len(inside), names[better], names[worse], *gaps))
    return pd.DataFrame(rows, columns=["level", "low", "high", "n", "better", "worse", "gap", "defender_gap"])


def duel(scores: pd.DataFrame, levels: int = 6) -> pd.DataFrame:
    """Pairs between all methods, each as defender and as attacker.

    Args:
        scores: One column per method, indexed by image.
        levels: As in `find_pairs`.

    Returns:
        The columns `defender` and `attacker`, then those of `find_pairs`.

    Raises:
        ValueError: As `find_pairs`.

    Examples:
        >>> scores = pd.DataFrame({"one": [1.0, 2, 3], "two": [3.0, 1, 2]}, index=["a", "b", "c"])
        >>> duel(scores, levels=1)[["defender", "attacker", "better", "worse"]].to_numpy().tolist()
        [['one', 'two', 'a', 'b'], ['two', 'one', 'c', 'a']]
    """
    found = []
    for defender, attacker in permutations(map(str, scores), 2):
        pairs = find_pairs(scores.index.tolist(), scores[defender], scores[attacker], levels)
        pairs.insert(0, "defender", defender)
        pairs.insert(1, "attacker", attacker)
        found.append(pairs)
    return pd.concat(found, ignore_index=True)
