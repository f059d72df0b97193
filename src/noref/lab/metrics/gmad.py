"""Pairs for a gMAD competition (Ma et al., CVPR 2016): photos that one method finds alike and another tells far apart.

This is a pair finder, not the competition: which of the two methods is right, only people who look at the pairs can say.
"""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pandas as pd


def find_pairs(images: Sequence[str], defender: npt.ArrayLike, attacker: npt.ArrayLike, levels: int = 6) -> pd.DataFrame:
    """The attacker's most different pair within each quality level of the defender.

    Args:
        images: n names.
        defender: n scores, higher is better; their range is cut into `levels` of equal width.
        attacker: n scores, higher is better.
        levels: How many.

    Returns:
        One row a level with two or more photos, lowest first: `level` (from 1), `low` and `high` (its ends, in the defender's
        unit), `n` (photos in it), `better` and `worse` (names, as the attacker sees them), `gap` (the attacker's), and
        `defender_gap` (its better minus its worse, so negative where the defender disagrees).

    Raises:
        ValueError: The lengths differ, a score is not finite, or there are fewer than two photos or no level.
    """
    held, attacking, names = np.asarray(defender, np.float64), np.asarray(attacker, np.float64), np.asarray(images, object)
    if not held.shape == attacking.shape == names.shape or held.ndim != 1:
        raise ValueError("images and both methods' scores must be alike and flat")
    if not (np.isfinite(held).all() and np.isfinite(attacking).all()):
        raise ValueError("scores must be finite; leave out, and count, photos that either method failed on")
    if levels < 1 or len(held) < 2:
        raise ValueError("pairs need at least two photos and one quality level")
    ends = np.linspace(held.min(), held.max(), levels + 1)
    level_of = np.searchsorted(ends[1:-1], held, side="right")
    rows = []
    for level in range(levels):
        inside = np.flatnonzero(level_of == level)
        if len(inside) < 2:
            continue
        by_attacker = inside[np.argsort(attacking[inside], kind="stable")]
        worse, better = by_attacker[0], by_attacker[-1]
        gaps = attacking[better] - attacking[worse], held[better] - held[worse]
        rows.append((level + 1, ends[level], ends[level + 1], len(inside), names[better], names[worse], *gaps))
    return pd.DataFrame(rows, columns=["level", "low", "high", "n", "better", "worse", "gap", "defender_gap"])


def duel(scores: pd.DataFrame, levels: int = 6) -> pd.DataFrame:
    """Pairs in both directions between all methods.

    Args:
        scores: One column a method, indexed by image.
        levels: As `find_pairs`.

    Returns:
        `find_pairs`' columns after `defender` and `attacker`.

    Raises:
        ValueError: As `find_pairs`.
    """
    found = []
    for defender, attacker in permutations(map(str, scores), 2):
        pairs = find_pairs(scores.index.tolist(), scores[defender], scores[attacker], levels)
        pairs.insert(0, "defender", defender)
        pairs.insert(1, "attacker", attacker)
        found.append(pairs)
    return pd.concat(found, ignore_index=True)
