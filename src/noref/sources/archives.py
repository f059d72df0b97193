"""The photos in a file that holds many: members of a zip or tar archive, rows of a Parquet file."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from noref.errors import ImageError
from noref.sources.contents import Failed
from noref.sources.failures import explained
from noref.sources.folders import is_hidden, kind_of
from noref.sources.found import UNKNOWN, File, Found, Identity

_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")
_UNSAFE = str.maketrans("\\\0", "/_") | ({ord(":"): "_"} if os.name == "nt" else {})


def holds_many(name: str) -> bool:
    """Whether a file, by its name, is an archive or a Parquet file."""
    return name.lower().endswith((*_TARS, ".zip", ".parquet"))


def photos(file: File, column: str | None, skipped: Counter[str]) -> Iterator[Found]:
    """The photos in a file, in its order; the last is an error if the file cannot be read to its end.

    Args:
        file: An archive, or a Parquet file.
        column: Of a Parquet file, the column with the photos; None to choose it.
        skipped: Counts skipped members by kind, except hidden ones.
    """
    state = UNKNOWN
    try:
        with explained(file.name):
            file = file.looked_up()
            state = file.identity()
            if file.filename.lower().endswith(".parquet"):
                from noref.sources import tables

                yield from tables.photos(file, state, column)
            else:
                yield from _members(file, state, skipped)
    except ImageError as error:
        yield Found(file.name, place(file.filename), Failed(error, state))


def place(path: str) -> Path:
    """A relative path for what is made of a member, safe below any folder: without "..", drives and null characters."""
    return Path(*(step for step in path.translate(_UNSAFE).split("/") if step.strip(".")))


def _members(file: File, state: Identity, skipped: Counter[str]) -> Iterator[Found]:
    """The photos in an archive. Archives and Parquet files in it are not opened but skipped, like all that is no photo."""
    from noref.sources import tars, zips

    read = zips.members if file.filename.lower().endswith(".zip") else tars.members
    folder = place(file.filename)
    for member in read(file, state):
        if is_hidden(member.name):
            continue
        if kind := member.kind or kind_of(member.name):
            skipped[kind] += 1
        else:
            content = member.content(f"{file.name}::{member.name}")
            yield Found(file.name, folder / place(member.name), content, member.name)
