"""Figures of a comparison: means, paired differences, defects gained and lost, and where the systems differ most."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from noref import resampling
from noref.comparison.pairing import Failed, Paired, paired
from noref.comparison.systems import System
from noref.store import Settings


class Summary(NamedTuple):
    """One system.

    Attributes:
        name: Its name.
        mean: Mean score, 0 to 100, of the pictures that were scored in all systems.
        low: Low end of the 95 % interval of the mean.
        high: High end; NaN, as `low`, where there is no interval.
        failed: How many of its pictures could not be scored.
    """

    name: str
    mean: float
    low: float
    high: float
    failed: int


class Pair(NamedTuple):
    """The difference between two systems on the same pictures, second minus first.

    Attributes:
        first: Name of one system.
        second: Name of the other.
        difference: Mean difference of the score; positive where the second system is better.
        low: Low end of its 95 % interval (`resampling.mean_intervals`).
        high: High end; NaN, as `low`, where there is no interval.
        p: Two-sided, of the sign-flip test (`resampling.sign_flips`), 0 to 1.
        p_holm: p corrected for all pairs of the comparison (`resampling.holm`).
        wins: Share of pictures whose score is higher in the second system, 0 to 1.
        losses: Share of pictures whose score is lower.
        ties: Share of pictures with the same score.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    wins: float
    losses: float
    ties: float


class DefectChange(NamedTuple):
    """How many pictures likely have a defect in two systems.

    Attributes:
        first: Name of one system.
        second: Name of the other.
        defect: Name of the defect.
        before: Pictures that likely have it in the first system.
        after: Pictures that likely have it in the second.
        gained: Pictures that have it only in the second.
        lost: Pictures that have it only in the first.
    """

    first: str
    second: str
    defect: str
    before: int
    after: int
    gained: int
    lost: int


class Picture(NamedTuple):
    """One picture in all systems.

    Attributes:
        name: Common to the systems.
        paths: Of its file in each system.
        scores: In each system.
        defects: Names of its likely defects in each system.
        range: Highest score minus lowest.
    """

    name: str
    paths: tuple[str, ...]
    scores: tuple[float, ...]
    defects: tuple[tuple[str, ...], ...]
    range: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """A comparison of systems.

    Attributes:
        model: Name and version of the model.
        settings: How the pictures were scored.
        systems: One summary each, as given.
        pairs: Every pair, each system before those that follow it.
        defects: Every defect of every pair.
        paired: The pictures behind them.
    """

    model: str
    settings: Settings
    systems: list[Summary]
    pairs: list[Pair]
    defects: list[DefectChange]
    paired: Paired

    @property
    def setting(self) -> str:
        """Model, view and exactness in words."""
        return f"{self.model}, {self.settings.words}"

    @property
    def failed(self) -> list[Failed]:
        """Pictures that could not be scored in a system, and are left out of all."""
        return self.paired.failed

    @property
    def left_out(self) -> int:
        """How many pictures these are."""
        return len({each.picture for each in self.failed})

    @property
    def changed_defects(self) -> list[DefectChange]:
        """The defects that any picture gained or lost."""
        return [each for each in self.defects if each.gained or each.lost]

    def __len__(self) -> int:
        """Number of pictures that are compared."""
        return len(self.paired.names)

    def pictures(self, most: int | None = None) -> Iterator[Picture]:
        """The pictures, those first on which the systems differ most; at most so many."""
        found = self.paired
        ranges = np.ptp(found.scores, axis=1)
        for row in np.argsort(-ranges, kind="stable")[:most]:
            defects = (tuple(name for name, has in zip(found.families, each, strict=True) if has) for each in found.likely[row])
            yield Picture(
                found.names[row], found.paths[row], tuple(found.scores[row].tolist()), tuple(defects), float(ranges[row])
            )


def compare(systems: Sequence[System]) -> Comparison:
    """Compare two or more systems on the pictures that were scored in all of them.

    Args:
        systems: With distinct names and the same settings.

    Raises:
        ComparisonError: The pictures do not pair, no picture was scored in all systems, or the model predicts no score.
        ValueError: There are fewer than two systems, names are not distinct, or settings differ.

    Examples:
        >>> from datetime import datetime, timezone
        >>> import numpy as np
        >>> from noref import Assessment
        >>> from noref.comparison import System, compare
        >>> from noref.store import Record, Settings
        >>> settings, now = Settings("0" * 64, "common", False), datetime.now(timezone.utc)
        >>> def system(name, scores):
        ...     found = [Assessment(f"/{name}/{score}", score, np.empty((0, 0)), "m 1", "", (64, 48)) for score in scores]
        ...     records = [Record(f"/{name}/{n}", each, None, 0, 0, "", None, now, *settings) for n, each in enumerate(found)]
        ...     return System(name, settings, {"name": "m", "version": "1"}, lambda pictures: records)
        >>> [pair] = compare([system("before", [40, 50]), system("after", [44, 56])]).pairs
        >>> pair.difference, pair.wins
        (5.0, 1.0)
    """
    names = [system.name for system in systems]
    if len(systems) < 2 or len(set(names)) < len(names) or len({system.settings for system in systems}) > 1:
        raise ValueError("two or more systems are needed, with distinct names and the same settings")
    found = paired(systems)
    both = list(combinations(range(len(systems)), 2))
    differences = np.stack([found.scores[:, second] - found.scores[:, first] for first, second in both], axis=1)
    intervals = resampling.mean_intervals(np.hstack([found.scores, differences])).tolist()
    p = resampling.sign_flips(differences)
    summaries = [
        Summary(name, mean, low, high, sum(each.system == name for each in found.failed))
        for name, mean, (low, high) in zip(names, found.scores.mean(axis=0).tolist(), intervals, strict=False)
    ]
    tests = zip(intervals[len(systems) :], p.tolist(), resampling.holm(p).tolist(), strict=True)
    pairs = [
        Pair(names[first], names[second], float(values.mean()), low, high, plain, corrected, *_shares(values))
        for (first, second), values, ((low, high), plain, corrected) in zip(both, differences.T, tests, strict=True)
    ]
    defects = [
        DefectChange(names[first], names[second], family, *counts)
        for first, second in both
        for family, *counts in zip(found.families, *_counts(found, first, second), strict=True)
    ]
    return Comparison(systems[0].model, systems[0].settings, summaries, pairs, defects, found)


def _shares(differences: resampling.Floats) -> tuple[float, float, float]:
    """Wins, losses and ties."""
    return float((differences > 0).mean()), float((differences < 0).mean()), float((differences == 0).mean())


def _counts(found: Paired, first: int, second: int) -> list[list[int]]:
    """Before, after, gained and lost, each for all defects."""
    before, after = found.likely[:, first], found.likely[:, second]
    return [each.sum(axis=0).tolist() for each in (before, after, after & ~before, before & ~after)]
