"""Who may learn from what: splits keyed by content, never by row."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from noref.lab.datasets.rated import PARTS, RatedImages
from noref.lab.errors import LabError

EXTERNAL = "what is learned from besides"


class LeakError(LabError):
    """Something stands in two parts of a split, so that a method would be judged on what it learned from."""


def by_content(rated: RatedImages, shares: Mapping[str, float], seed: int) -> dict[str, RatedImages]:
    """Split so that all photos of one content stand on one side.

    Depends on the names of the contents and the seed only, not on the order of the rows.

    Args:
        rated: What to split.
        shares: Part name -> share of the contents; the shares must add up to 1.
        seed: Another seed, another split.

    Raises:
        LabError: The shares do not add up to 1, or a part would be empty.
    """
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise LabError(f"the shares of a split must add up to 1, not {sum(shares.values()):g}; change them")
    contents = np.array(sorted(rated.table["content"].unique()))
    order = np.random.default_rng(seed).permutation(len(contents))
    ends = np.rint(np.cumsum(list(shares.values())) * len(contents)).astype(int)
    parts = {}
    for name, chosen in zip(shares, np.split(contents[order], ends[:-1]), strict=True):
        rows = rated.table[rated.table["content"].isin(chosen)]
        if rows.empty:
            raise LabError(
                f"{rated.name}: {len(contents)} contents are too few for a part {name!r} of {shares[name]:g}; enlarge it"
            )
        parts[name] = rated.select(rows["image"].tolist())
    return parts


def repeats(rated: RatedImages, shares: Mapping[str, float], k: int, seed: int) -> list[dict[str, RatedImages]]:
    """As many splits by content as k says, of the seeds `seed` to `seed + k - 1`, so that each can be made again alone."""
    return [by_content(rated, shares, seed + i) for i in range(k)]


def official(rated: RatedImages) -> dict[str, RatedImages]:
    """The split that the database's authors published, from the column `part`.

    Where one content stands in several parts (near-identical photos have been given one, say), test keeps it, else validation;
    what the others lose is counted in a warning.

    Raises:
        LabError: The database has none.
    """
    if "part" not in rated.table:
        raise LabError(
            f"{rated.name} has no official split; koniq10k has one (in koniq10k_distributions_sets.csv), and so has a table of "
            "your own with a column `part`"
        )
    taken = set[str]()
    chosen: dict[str, list[str]] = {}
    for name in reversed(PARTS):
        rows = rated.table[rated.table["part"] == name]
        apart = rows[~rows["content"].isin(taken)]
        if lost := len(rows) - len(apart):
            warnings.warn(f"{rated.name}: {lost} photos of {name} show what a later part shows, and are left out", stacklevel=2)
        taken |= set(rows["content"])
        chosen[name] = apart["image"].tolist()
    return {name: rated.select(chosen[name]) for name in PARTS if chosen[name]}


def leave_one_type_out(rated: RatedImages, shares: Mapping[str, float], seed: int) -> dict[str, dict[str, RatedImages]]:
    """For each distortion type a split that tests on it alone and learns from all others.

    The contents are split as well, alike for all types: photos of the type that show a training content are in no part, and so
    are photos of other types that show a test content. Published tables often keep the contents on both sides, which is easier.

    Returns:
        Type -> part name -> photos. Photos without a type (undistorted ones) may be learned from, never tested on.

    Raises:
        LabError: As `by_content`; or the database has no types, or a part would be empty.
    """
    if "type" not in rated.table or rated.table["type"].isna().all():
        raise LabError(f"{rated.name} has no distortion types to leave out; choose another protocol")
    whole = by_content(rated, shares, seed)
    found = {}
    for kind in sorted(rated.table["type"].dropna().unique()):
        found[str(kind)] = {name: _only(part, kind, tested=name == "test") for name, part in whole.items()}
    return found


def _only(part: RatedImages, kind: str, *, tested: bool) -> RatedImages:
    rows = part.table[(part.table["type"] == kind) == tested]
    if rows.empty:
        raise LabError(
            f"{part.name}: leaving {kind} out leaves nothing to {'test on' if tested else 'learn from'}; change the shares"
        )
    return part.select(rows["image"].tolist())


def guard(parts: Mapping[str, RatedImages], *, besides: Sequence[Path] = (), look_at_pictures: bool = True) -> None:
    """Refuse a split that leaks.

    Contents are compared within a database only: another one's content of the same name is another content.

    Args:
        parts: Part name -> photos.
        besides: Photos that are learned from besides the training part: the test part may hold none of them, nor a photo whose
            reference is one of them.
        look_at_pictures: Also open every photo and compare perceptual hashes (`datasets.check`), which finds copies under other
            names. Photos that cannot be read are passed over.

    Raises:
        LeakError: An image, a content or near-identical pictures stand in two parts, or in the test part and `besides`; the
            message names the first pair.
    """
    for (first, one), (second, other) in combinations(parts.items(), 2):
        _refuse(set(map(str, one.paths)) & set(map(str, other.paths)), "image", first, second)
        if (one.name, one.folder) == (other.name, other.folder):
            _refuse(set(map(str, one.table["content"])) & set(map(str, other.table["content"])), "content", first, second)
    if look_at_pictures:
        _refuse_near_pictures({name: part.paths for name, part in parts.items()})
    if besides:
        judged = [*parts["test"].paths, *_references(parts["test"])]
        _refuse(set(map(str, judged)) & set(map(str, besides)), "image", "test", EXTERNAL)
        if look_at_pictures:
            _refuse_near_pictures({"test": judged, EXTERNAL: besides})


def _references(rated: RatedImages) -> list[Path]:
    names = rated.table["reference"].dropna().unique() if "reference" in rated.table else ()
    return [rated.folder / name for name in names]


def _refuse(common: set[str], what: str, first: str, second: str) -> None:
    if common:
        raise LeakError(f"{what} {min(common)} stands in {first} and in {second} (of {len(common)} such); remove it from one")


def _refuse_near_pictures(sides: Mapping[str, Sequence[Path]]) -> None:
    from noref.lab.datasets.check import check

    # As a database whose contents are the sides: its check goes on where a photo cannot be read, which is a failed row later.
    rows = [(path, 0.0, name) for name, paths in sides.items() for path in sorted({str(path.absolute()) for path in paths})]
    together = RatedImages("split", Path(), pd.DataFrame(rows, columns=["image", "mos", "content"]), (0, 1))
    near = check(together).near_pairs
    if near:
        first, second = near[0].sides
        raise LeakError(
            f"{near[0].first} in {first} and {near[0].second} in {second} are near-identical (of {len(near)} such pairs); "
            "leave one of them out, or give both one content and split by it"
        )


def as_table(parts: Mapping[str, RatedImages]) -> pd.DataFrame:
    """A split as text can hold it: columns `image` and `part`, sorted by image."""
    rows = [(image, name) for name, part in parts.items() for image in part.table["image"]]
    return pd.DataFrame(rows, columns=["image", "part"]).sort_values("image", ignore_index=True)
