"""Checks of a database: missing and unreadable photos, and near-identical photos that a split by content would separate.

Two photos are near-identical if their perceptual hashes (pHash of imagehash, 64 bits) differ in at most `MAX_BITS` and small
grey copies of them agree: a root mean square difference of at most `MAX_DIFFERENCE` grey levels and at most
`MAX_RELATIVE_DIFFERENCE` of their contrast. Hashes alone would match all uniform photos, since they ignore the mean.
On 4,337 photos of BIQ2021, each taken as its own content, these limits give 52 pairs: 43 belong to one scene by their labels,
and visual inspection found the same of the other 9.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from noref import images
from noref.capacity import available_processors
from noref.errors import ImageError
from noref.lab.arrays import Vectors
from noref.lab.datasets import scenes
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError

MAX_BITS = 10
MAX_DIFFERENCE = 12.0
MAX_RELATIVE_DIFFERENCE = 0.25

_SIDE = 32  # of the grey copies, the size that pHash needs
_CELLS = 20_000_000  # of the hash comparison held at a time: 80 MB
_KEPT = 50_000  # copies that are remembered: at most about 70 MB


class NearPair(NamedTuple):
    """Two near-identical photos under different contents, or on different sides of a split.

    Attributes:
        first: Path of one.
        second: Path of the other.
        sides: Their contents, or the names of their sides.
        bits: Number of the 64 bits in which their hashes differ.
        difference: Root mean square difference of their small copies, in grey levels from 0 to 255.
    """

    first: Path
    second: Path
    sides: tuple[str, str]
    bits: int
    difference: float


@dataclass(frozen=True)
class Report:
    """Result of `check`.

    Attributes:
        name: Name of the database.
        images: Number of photos listed.
        contents: Number of references or scenes.
        references: Number of pristine originals listed.
        types: Number of photos of each type of distortion; empty where types are not known.
        parts: Number of photos in each part of the official split; empty where there is none.
        mos_range: Lowest and highest MOS of the scale.
        observed: Lowest and highest MOS of the photos.
        missing: Photos and references that are listed but do not exist.
        unreadable: Photos that exist but cannot be read.
        near_pairs: Near-identical photos with different contents, which a split by content could separate.
    """

    name: str
    images: int
    contents: int
    references: int
    types: dict[str, int]
    parts: dict[str, int]
    mos_range: tuple[float, float]
    observed: tuple[float, float]
    missing: tuple[Path, ...]
    unreadable: tuple[Path, ...]
    near_pairs: tuple[NearPair, ...]


def check(rated: RatedImages) -> Report:
    """Count the contents of a database, and find missing, unreadable and near-identical photos. Reads every photo.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import pandas as pd
        >>> from noref.lab.datasets import RatedImages
        >>> from noref.lab.datasets.check import check
        >>> table = pd.DataFrame({"image": ["a.png"], "mos": [2.0], "content": ["beach"]})
        >>> with tempfile.TemporaryDirectory() as folder:  # empty
        ...     report = check(RatedImages("mine", Path(folder), table, mos_range=(1, 5)))
        >>> report.images, [path.name for path in report.missing]
        (1, ['a.png'])
    """
    table = rated.table
    references = rated.references
    missing = tuple(path for path in [*rated.paths, *references] if not path.is_file())
    absent = set(missing)
    there = np.array([path not in absent for path in rated.paths], bool)
    paths = [path for path, found in zip(rated.paths, there, strict=True) if found]
    unreadable, pairs = _near_pairs(paths, table["content"][there].astype(str).tolist())
    return Report(
        name=rated.name,
        images=len(rated),
        contents=int(table["content"].nunique()),
        references=len(references),
        types=_counts(rated, "type"),
        parts=_counts(rated, "part"),
        mos_range=rated.mos_range,
        observed=(float(rated.mos.min()), float(rated.mos.max())),
        missing=missing,
        unreadable=unreadable,
        near_pairs=pairs,
    )


def near_pairs_across(sides: Mapping[str, Sequence[Path]], *, skip_unreadable: bool = False) -> list[NearPair]:
    """Find near-identical photos on different sides of a split.

    Args:
        sides: Name of a side -> its photos; they may come from several databases.
        skip_unreadable: Skip photos that are missing or cannot be read.

    Raises:
        LabError: A photo cannot be read, and is not skipped.
    """
    paths = [path for photos in sides.values() for path in photos]
    unreadable, pairs = _near_pairs(paths, [name for name, photos in sides.items() for _ in photos])
    if unreadable and not skip_unreadable:
        raise LabError(f"{len(unreadable)} photos cannot be read, such as {unreadable[0]}; replace or remove them")
    return list(pairs)


def join_contents(rated: RatedImages, pairs: Iterable[tuple[str, str]]) -> RatedImages:
    """Merge contents that show one scene, so that no split by content separates them.

    Args:
        rated: The database.
        pairs: Contents that belong together, such as the `sides` of `Report.near_pairs`.

    Returns:
        The same photos; merged contents have the name of the alphabetically first of them.
    """
    contents = rated.table["content"].astype(str)
    known, code = np.unique(contents, return_inverse=True)
    joined = np.searchsorted(known, np.array(list(pairs), known.dtype).reshape(-1, 2))
    graph = coo_array((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(len(known), len(known)))
    group = connected_components(graph, directed=False)[1]
    first = known[np.unique(group, return_index=True)[1]]
    return replace(rated, table=rated.table.assign(content=first[group[code]]))


def join_scenes(rated: RatedImages, report: Report, deep: Callable[[Sequence[Path]], Vectors] | None = None) -> RatedImages:
    """Merge contents that share a series of one scene (`noref.lab.datasets.scenes`) or near-identical photos.

    Contents are never divided. Photos that are missing or unreadable keep their content.

    Args:
        rated: The database.
        report: Its check.
        deep: Photos to pooled features by a backbone, n x D, which makes the search more reliable.
    """
    out = {*report.missing, *report.unreadable}
    readable = np.array([path not in out for path in rated.paths], bool)
    paths = [path for path, use in zip(rated.paths, readable, strict=True) if use]
    contents = rated.table["content"][readable].astype(str).to_numpy()
    scene = scenes.find(paths, None if deep is None else deep(paths))
    first = contents[np.unique(scene, return_index=True)[1]]
    return join_contents(rated, [*(pair.sides for pair in report.near_pairs), *zip(first[scene], contents, strict=True)])


def _counts(rated: RatedImages, column: str) -> dict[str, int]:
    if column not in rated.table:
        return {}
    return {str(value): int(count) for value, count in rated.table[column].value_counts().sort_index().items()}


def _near_pairs(paths: Sequence[Path], sides: Sequence[str]) -> tuple[tuple[Path, ...], tuple[NearPair, ...]]:
    """The unreadable photos, and the near-identical pairs of different sides in the order of `paths`."""
    with ThreadPoolExecutor(available_processors()) as pool:
        copies = list(pool.map(_small_copy, paths))
    readable = [i for i, copy in enumerate(copies) if copy is not None]
    unreadable = tuple(path for path, copy in zip(paths, copies, strict=True) if copy is None)
    small = np.array([copies[i] for i in readable], np.float32).reshape(len(readable), _SIDE * _SIDE)
    contrast = small.std(axis=1)
    side = np.unique([sides[i] for i in readable], return_inverse=True)[1]
    # With bits as -1 and 1, a Hamming distance of d is a dot product of 64 - 2 d: one matrix product compares all hashes.
    bits = np.array([_hash(copy) for copy in small], np.float32).reshape(len(readable), 64)
    pairs = []
    rows = max(1, _CELLS // max(1, len(readable)))
    for start in range(0, len(readable), rows):
        distance = (64 - bits[start : start + rows] @ bits.T) / 2
        near = (distance <= MAX_BITS) & (side[start : start + rows, None] != side)
        for row in np.flatnonzero(near.any(axis=1)):
            i = start + int(row)
            others = np.flatnonzero(near[row, i:]) + i
            difference = np.sqrt(np.mean((small[others] - small[i]) ** 2, axis=1))
            limit = np.minimum(MAX_DIFFERENCE, MAX_RELATIVE_DIFFERENCE * np.maximum(contrast[others], contrast[i]))
            for j, value in zip(others[difference <= limit], difference[difference <= limit], strict=True):
                a, b = readable[i], readable[int(j)]
                pairs.append(NearPair(paths[a], paths[b], (sides[a], sides[b]), int(distance[row, j]), float(value)))
    return unreadable, tuple(pairs)


def _small_copy(path: Path) -> npt.NDArray[np.uint8] | None:
    """A grey copy, uint8, 32 x 32, upright; None if the file cannot be read."""
    path = path.absolute()
    try:
        state = path.stat()
    except OSError:
        return None
    return _known_copy(path, state.st_size, state.st_mtime_ns)


@lru_cache(_KEPT)  # since every split of a protocol is searched
def _known_copy(path: Path, size: int, modified: int) -> npt.NDArray[np.uint8] | None:
    try:
        photo = images.read(path, enough=(4 * _SIDE) ** 2)
    except ImageError:
        return None
    return np.asarray(Image.fromarray(photo.pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS))


def _hash(small: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The pHash of a small copy, bits as -1 and 1."""
    picture = Image.fromarray(small.reshape(_SIDE, _SIDE).astype(np.uint8))
    return np.where(imagehash.phash(picture).hash.ravel(), np.float32(1), np.float32(-1))
