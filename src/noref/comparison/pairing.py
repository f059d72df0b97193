"""Pairs the pictures of systems by their names."""

import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from noref.comparison.systems import System
from noref.errors import ComparisonError
from noref.paths import common_folder
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
    listed = relative([list(found) for found in results], [system.root for system in systems])
    by_stem, keys = matched([system.name for system in systems], listed)
    results = [dict(zip(names, found.values(), strict=True)) for names, found in zip(keys, results, strict=True)]
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


def relative(listed: Sequence[Sequence[str]], roots: Sequence[str | None]) -> list[list[str]]:
    """The names of the pictures of k systems.

    Args:
        listed: Absolute paths of the pictures of each system.
        roots: The folder of each system, with a separator at its end. None for the folder that holds all of its pictures, or
            one above it if only then its names are those of a system whose folder is given.
    """
    names = [
        [path.removeprefix(common_folder(paths) if root is None else root) for path in paths]
        for paths, root in zip(listed, roots, strict=True)
    ]
    given = next((_stems(each) for each, root in zip(names, roots, strict=True) if root is not None), None)
    for number, paths in enumerate(listed):
        if roots[number] is None and given is not None:
            folder = common_folder(paths)
            while _stems(path.removeprefix(folder) for path in paths) != given and folder:
                folder = common_folder([folder.removesuffix("::").removesuffix(os.sep)])
            if folder:
                names[number] = [path.removeprefix(folder) for path in paths]
    return names


def matched(systems: Sequence[str], listed: Sequence[Sequence[str]]) -> tuple[bool, list[list[str]]]:
    """Whether the pictures of k systems pair only without their extensions, and the names by which they pair.

    Args:
        systems: Names of the systems.
        listed: Names of the pictures of each.

    Raises:
        ComparisonError: Names that are not common to all systems do not pair, or not unambiguously.
    """
    if all(set(names) == set(listed[0]) for names in listed):
        return False, [list(names) for names in listed]
    stems = [[_stem(name) for name in names] for names in listed]
    doubles = sorted({stem for each in stems for stem, count in Counter(each).items() if count > 1})
    if not doubles and all(set(each) == set(stems[0]) for each in stems):
        return True, stems
    key = str if doubles else _stem
    every = {key(name): name for names in listed for name in names}
    texts = [
        f"{len(missing)} missing in {system} ({_listed(missing)})"
        for system, names in zip(systems, listed, strict=True)
        if (missing := [every[each] for each in sorted(every.keys() - map(key, names))])
    ]
    ambiguous = f"; without their extensions, {_listed(doubles)} would be ambiguous" if doubles else ""
    raise ComparisonError(
        f"the pictures do not pair: {', '.join(texts)}{ambiguous};"
        " give systems with the same pictures under the same names, and no others"
    )


def _results(system: System, families: dict[str, None]) -> dict[str, _Result]:
    """Results by path; adds the names of the defects that the model predicts."""
    found = {}
    for record in system.records(False):
        assessment = record.assessment
        score, likely = math.nan, frozenset[str]()
        if assessment is not None:
            families.update(dict.fromkeys(assessment.defects))
            score, likely = assessment.score, frozenset(assessment.likely_defects)
        found[record.path] = _Result(record.path, score, likely, record.failure)
    return found


def _no_picture(systems: Sequence[System], failed: Sequence[Failed]) -> str:
    first = f" (the first: {failed[0].picture} in {failed[0].system}: {failed[0].failure.cause})" if failed else ""
    names = ", ".join(system.name for system in systems)
    return f"no picture was scored in all of {names}; {len(failed)} failed{first}; repair them, or score others"


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]


def _stems(names: Iterable[str]) -> set[str]:
    return {_stem(name) for name in names}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
