"""Content-disjoint splits of a database, and the check for leaks between their parts."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from noref.lab.datasets.rated import PARTS, RatedImages
from noref.lab.errors import LabError

EXTERNAL = "external images"
HELD_OUT = ("validation", "test")  # parts that must not contain training images


class LeakError(LabError):
    """An image, a content or near-identical images are in two parts of a split, or in a held-out part and external images."""


def by_content(rated: RatedImages, shares: Mapping[str, float], seed: int) -> dict[str, RatedImages]:
    """Split a database so that all photos of one content are in one part.

    The split depends on the names of the contents, the shares and the seed only, not on the order of rows or shares.

    Args:
        rated: The database.
        shares: Share of the contents for some of `PARTS`; the shares must add up to 1.
        seed: Random seed.

    Raises:
        LabError: A share is not above 0, the shares do not add up to 1, or a part would be empty.

    Examples:
        >>> table = pd.DataFrame({"image": ["a.png", "b.png", "c.png"], "mos": [1, 2, 3], "content": ["sea", "sea", "wood"]})
        >>> rated = RatedImages("mine", Path("photos"), table, mos_range=(1, 5))
        >>> parts = by_content(rated, {"train": 0.5, "test": 0.5}, seed=0)
        >>> {name: part.table["image"].tolist() for name, part in parts.items()}
        {'train': ['a.png', 'b.png'], 'test': ['c.png']}
    """
    for name, share in shares.items():
        if not share > 0:  # nor NaN
            raise LabError(f"the share of the part {name!r} is {share:g}; give a number above 0, or leave the part out")
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise LabError(f"the shares of a split must add up to 1, not {sum(shares.values()):g}; change them")
    shares = {name: shares[name] for name in sorted(shares, key=PARTS.index)}
    contents = np.array(sorted(rated.table["content"].unique()))
    order = np.random.default_rng(seed).permutation(len(contents))
    ends = np.rint(np.cumsum(list(shares.values())) * len(contents)).astype(int)
    parts = {}
    for name, chosen in zip(shares, np.split(contents[order], ends[:-1]), strict=True):
        rows = rated.table[rated.table["content"].isin(chosen)]
        if rows.empty:
            raise LabError(
                f"{rated.name}: {len(contents)} contents are too few for a part {name!r} of {shares[name]:g}; raise its share"
            )
        parts[name] = rated.select(rows["image"].tolist())
    return parts


def repeats(rated: RatedImages, shares: Mapping[str, float], k: int, seed: int) -> list[dict[str, RatedImages]]:
    """Several splits by content with the seeds `seed` to `seed + k - 1`, so that each can be reproduced separately."""
    return [by_content(rated, shares, seed + i) for i in range(k)]


def official(rated: RatedImages) -> dict[str, RatedImages]:
    """The split published by the authors of the database, from the column `part`.

    A content that is in several parts (for example since near-identical photos share it) is kept in the test part, or else in
    the validation part, and removed from the others; a warning states the number of photos that are removed.

    Raises:
        LabError: The database has no official split.
    """
    if "part" not in rated.table:
        raise LabError(
            f"{rated.name} has no official split; use koniq10k (with koniq10k_distributions_sets.csv), or a table of "
            "your own with a column `part`"
        )
    taken = set[str]()
    chosen: dict[str, list[str]] = {}
    for name in reversed(PARTS):
        rows = rated.table[rated.table["part"] == name]
        apart = rows[~rows["content"].isin(taken)]
        if lost := len(rows) - len(apart):
            what = f"{rated.name}: {lost} photos of {name}"
            warnings.warn(f"{what} share a content with a later part and are left out", stacklevel=2)
        taken |= set(rows["content"])
        chosen[name] = apart["image"].tolist()
    return {name: rated.select(chosen[name]) for name in PARTS if chosen[name]}


def leave_one_type_out(rated: RatedImages, shares: Mapping[str, float], seed: int) -> dict[str, dict[str, RatedImages]]:
    """One split for each distortion type: test on that type, and train on all others.

    The contents are split as well, equally for all types: photos of the tested type with a training content, and photos of
    other types with a test content, are in no part. Published results often have the same contents in both parts, which is
    easier.

    Returns:
        Type -> part name -> photos. Photos without a type (undistorted ones) are not tested on.

    Raises:
        LabError: As `by_content`; or the database has no types, or a part would be empty.
    """
    if "type" not in rated.table or rated.table["type"].isna().all():
        raise LabError(f"{rated.name} has no distortion types; choose another protocol")
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


def guard(parts: Mapping[str, RatedImages], *, external: Sequence[Path] = (), look_at_pictures: bool = True) -> None:
    """Refuse a split that leaks.

    Contents are compared within a database only.

    Args:
        parts: Part name -> photos.
        external: Training images from outside the database. Neither validation, on which checkpoints are chosen, nor test may
            contain one of them, or a photo whose reference is one of them.
        look_at_pictures: Also open every photo and compare perceptual hashes (`datasets.check`), which finds copies under other
            names. Photos that cannot be read are skipped.

    Raises:
        LeakError: An image, a content or near-identical images are in two parts, or in a held-out part and in `external`. The
            message names the first pair.
    """
    for (first, one), (second, other) in combinations(parts.items(), 2):
        _refuse(_resolved(one.paths) & _resolved(other.paths), "image", first, second)
        if (one.name, one.folder) == (other.name, other.folder):
            _refuse(set(map(str, one.table["content"])) & set(map(str, other.table["content"])), "content", first, second)
    if look_at_pictures:
        databases = {name: (part.name, part.folder) for name, part in parts.items()}
        _refuse_near_pictures({name: part.paths for name, part in parts.items()}, databases)
    if not external:
        return
    for name in HELD_OUT:
        if name in parts:
            held_out = [*parts[name].paths, *parts[name].references]
            _refuse(_resolved(held_out) & _resolved(external), "image", name, EXTERNAL)
            if look_at_pictures:
                _refuse_near_pictures({name: held_out, EXTERNAL: external}, {})


def _refuse(common: set[str], what: str, first: str, second: str) -> None:
    if common:
        place = f"in {first} and in {second}"
        raise LeakError(f"{what} {min(common)} is {place} ({len(common)} in total); remove it from one of them")


def _resolved(paths: Sequence[Path]) -> set[str]:
    return {str(path.resolve()) for path in paths}


def _refuse_near_pictures(sides: Mapping[str, Sequence[Path]], databases: Mapping[str, tuple[str, Path]]) -> None:
    from noref.lab.datasets.check import near_pairs_across

    # Unreadable photos become failed rows later.
    distinct = {name: [Path(path) for path in sorted(_resolved(paths))] for name, paths in sides.items()}
    near = near_pairs_across(distinct, skip_unreadable=True)
    if near:
        first, second = near[0].sides
        # A content is that of one database: only there does it bring both photos to one part.
        together = first in databases and databases[first] == databases.get(second)
        raise LeakError(
            f"{near[0].first} in {first} and {near[0].second} in {second} are near-identical ({len(near)} pairs in total); "
            f"remove one of them{', or give both the same content' if together else ''}"
        )


def as_table(parts: Mapping[str, RatedImages]) -> pd.DataFrame:
    """A split as a table: columns `image` and `part`, sorted by image.

    Examples:
        >>> table = pd.DataFrame({"image": ["a.png", "b.png"], "mos": [1, 2], "content": ["sea", "wood"]})
        >>> rated = RatedImages("mine", Path("photos"), table, mos_range=(1, 5))
        >>> print(as_table({"train": rated.select(["b.png"]), "test": rated.select(["a.png"])}))
           image   part
        0  a.png   test
        1  b.png  train
    """
    rows = [(image, name) for name, part in parts.items() for image in part.table["image"]]
    return pd.DataFrame(rows, columns=["image", "part"]).sort_values("image", ignore_index=True)
