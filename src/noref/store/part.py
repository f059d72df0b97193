"""One Parquet file of a folder of results. Needs pyarrow."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from noref.drafts import draft
from noref.errors import StoreError
from noref.store import arrow
from noref.store.files import FULL, PART
from noref.store.finished import digest
from noref.store.record import Settings

VERSION = 1
"""Of the columns and the metadata of a part."""

GROUP = 256
"""Rows of a row group: pictures are read by the group."""

CHANGED = "{}: it was changed while it was read; run the command again"
_DAMAGED = "remove it and run the same command again, which scores its photos again"
_METADATA = b"noref"


class Part(NamedTuple):
    """A file. Parts are ordered as they were written.

    Attributes:
        number: Grows with each part.
        key: Of its settings; see `key`.
        path: Of the file.
    """

    number: int
    key: str
    path: Path


def listed(folder: Path) -> list[Part]:
    """The parts in a folder, in the order in which they were written."""
    with explained(folder, "check the folder and its permissions"):
        names = [PART.fullmatch(name) for name in os.listdir(folder)]
    return sorted(Part(int(name[2]), name[1], folder / name[0]) for name in names if name)


def key(settings: Settings) -> str:
    """What the names of the parts under some settings have in common."""
    return f"{digest(json.dumps(settings).encode()):016x}"[:8]


def write(path: Path, rows: pa.Table, settings: Settings, card: dict[str, Any]) -> None:
    """Write a part, which appears, or replaces the one of that name, when it is complete."""
    facts = {"version": VERSION, "card": card, "view": settings.view, "exact": settings.exact}
    with explained(path, FULL), draft(path) as file, file.open("wb") as stream:
        pq.write_table(rows.replace_schema_metadata({_METADATA: json.dumps(facts)}), stream, row_group_size=GROUP)
        stream.flush()
        os.fsync(stream.fileno())


def read(path: Path, names: Sequence[str] | None = None, kept: npt.NDArray[np.bool_] | None = None) -> pa.Table:
    """Rows of a part.

    Args:
        path: Of the part.
        names: The columns; None for all.
        kept: Which of its rows, as they were when the mask was made; None for all.

    Raises:
        StoreError: The part cannot be read, or has another number of rows than the mask.
    """
    with explained(path, _DAMAGED), pq.ParquetFile(path) as file:
        rows = file.read(columns=names)
    if kept is None:
        return rows
    if len(kept) != len(rows):
        raise StoreError(CHANGED.format(path))
    return rows.filter(pa.array(kept))


def read_pictures(path: Path, group: int) -> list[tuple[Any, ...]]:
    """The path and the pictures in each row of a row group; none if there is no such group."""
    names = ["image", *arrow.PICTURES]
    with explained(path, _DAMAGED), pq.ParquetFile(path) as file:
        rows = file.read_row_groups(range(file.num_row_groups)[group : group + 1], columns=names)
    return list(zip(*(rows[name].to_pylist() for name in names), strict=True))


def described(path: Path) -> tuple[Settings, dict[str, Any]]:
    """The settings of a part, and the card of its model."""
    with explained(path, _DAMAGED):
        facts = json.loads((pq.read_schema(path).metadata or {}).get(_METADATA, b'{"version": 0}'))
    if facts["version"] > VERSION:
        raise StoreError(f"{path}: a later version of noref wrote it (version {facts['version']}); update noref")
    if not facts["version"]:
        raise StoreError(f"{path}: noref did not write it; remove it from the folder of results")
    return Settings(facts["card"]["sha256"], facts["view"], facts["exact"]), facts["card"]


def keys(path: Path) -> npt.NDArray[np.uint64]:
    """A hash of the photo's path in each row."""
    return np.fromiter(map(digest, paths(read(path, ["image", "image_bytes"]))), np.uint64)


def paths(rows: pa.Table) -> Iterator[bytes]:
    """The exact path of the photo in each row."""
    for image, exact in zip(rows["image"].to_pylist(), rows["image_bytes"].to_pylist(), strict=True):
        yield os.fsencode(image) if exact is None else exact


@contextlib.contextmanager
def explained(path: Path, cure: str) -> Iterator[None]:
    """Raise what the system or pyarrow reports as a `StoreError`."""
    try:
        yield
    except FileNotFoundError as error:  # of a part that was listed
        raise StoreError(CHANGED.format(path)) from error
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path}: {getattr(error, 'strerror', None) or error}; {cure}") from error
