"""Pairs the pictures of systems by their names."""

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from noref.comparison.systems import System
from noref.errors import ComparisonError
from noref.resampling import Floats
from noref.store import Failure

NAMED = 5
"""Pictures that an error names for each system, at most."""


class Failed(NamedTuple):
    """A picture that could not be scored in one system, and so is left out of all.

    Attributes:
        picture: Its name, common to all systems.
        system: The system.
        failure: Why.
    """

    picture: str
    system: str
    failure: Failure


@dataclass(frozen=True, eq=False)
class Paired:
    """Pictures that all of k systems have.

    Attributes:
        by_stem: Whether they are paired without their extensions.
        names: n names, sorted: paths relative to the roots of the systems.
        paths: n x k absolute paths.
        scores: n x k.
        families: The f defects that the model predicts.
        likely: n x k x f: whether a picture likely has a defect.
        failed: Pictures that are left out, by name and system.
    """

    by_stem: bool
    names: list[str]
    paths: list[tuple[str, ...]]
    scores: Floats
    families: tuple[str, ...]
    likely: npt.NDArray[np.bool_]
    failed: list[Failed]


class _Result(NamedTuple):
    path: str
    score: float
    likely: frozenset[str]
    failure: Failure | None


def paired(systems: Sequence[System]) -> Paired:
    """Pair pictures by their paths relative to the roots; without the extensions if all pictures pair only then.

    Raises:
        ComparisonError: Pictures do not pair, no picture was scored in all systems, or the model predicts no score.
    """
    families: dict[str, None] = {}
    results = [_results(system, families) for system in systems]
    by_stem = any(set(found) != set(results[0]) for found in results)
    if by_stem:
        results = _without_extensions(systems, results)
    failed = [
        Failed(name, system.name, failure)
        for name in sorted(results[0])
        for system, found in zip(systems, results, strict=True)
        if (failure := found[name].failure) is not None
    ]
    left_out = {each.picture for each in failed}
    names = [name for name in sorted(results[0]) if name not in left_out]
    if not names:
        raise ComparisonError(_no_picture(systems, failed))
    rows = [[found[name] for found in results] for name in names]
    scores = np.array([[each.score for each in row] for row in rows])
    if np.isnan(scores).any():
        raise ComparisonError(f"{systems[0].model} predicts no score; choose another model")
    likely = np.array([[[family in each.likely for family in families] for each in row] for row in rows], bool)
    paths = [tuple(each.path for each in row) for row in rows]
    return Paired(by_stem, names, paths, scores, tuple(families), likely.reshape(*scores.shape, len(families)), failed)


def common_folder(paths: Sequence[str]) -> str:
    """The folder or archive that holds all paths, with the separator at its end; empty if there is none."""
    prefix = os.path.commonprefix(paths)  # noqa: RUF071  (cut at a separator below; paths on two drives have no root)
    return prefix[: max(prefix.rfind(mark) + len(mark) if mark in prefix else 0 for mark in (os.sep, "::"))]


def _results(system: System, families: dict[str, None]) -> dict[str, _Result]:
    """Results by name; adds the names of the defects that the model predicts."""
    found = []
    for record in system.records(False):
        assessment = record.assessment
        score, likely = math.nan, frozenset[str]()
        if assessment is not None:
            families.update(dict.fromkeys(assessment.defects))
            score, likely = assessment.score, frozenset(assessment.likely_defects)
        found.append(_Result(record.path, score, likely, record.failure))
    root = common_folder([each.path for each in found]) if system.root is None else system.root
    return {each.path.removeprefix(root): each for each in found}


def _without_extensions(systems: Sequence[System], results: Sequence[Mapping[str, _Result]]) -> list[dict[str, _Result]]:
    """The results by name without extension.

    Raises:
        ComparisonError: Names that are not common to all systems do not pair, or not unambiguously.
    """
    stems = [[_stem(name) for name in found] for found in results]
    doubles = sorted({stem for each in stems for stem, count in Counter(each).items() if count > 1})
    if not doubles and all(set(each) == set(stems[0]) for each in stems):
        return [dict(zip(names, found.values(), strict=True)) for names, found in zip(stems, results, strict=True)]
    key = str if doubles else _stem
    every = {key(name): name for found in results for name in found}
    texts = [
        f"{len(missing)} missing in {system.name} ({_listed(missing)})"
        for system, found in zip(systems, results, strict=True)
        if (missing := [every[each] for each in sorted(every.keys() - map(key, found))])
    ]
    ambiguous = f"; without their extensions, {_listed(doubles)} would be ambiguous" if doubles else ""
    raise ComparisonError(
        f"the pictures do not pair: {', '.join(texts)}{ambiguous};"
        " give systems that hold the same pictures under the same names, without others"
    )


def _no_picture(systems: Sequence[System], failed: Sequence[Failed]) -> str:
    first = f" (the first: {failed[0].picture} in {failed[0].system}: {failed[0].failure.cause})" if failed else ""
    names = ", ".join(system.name for system in systems)
    return f"no picture was scored in all of {names}; {len(failed)} failed{first}; repair them, or score others"


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
