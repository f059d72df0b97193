"""The photos that paths and URLs name."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from noref.sources.folders import images_below
from noref.sources.found import Found, Identity, LocalFile, lasting, local
from noref.sources.lists import lines


@dataclass(frozen=True)
class Collection:
    """A file that holds many photos: an archive or a Parquet file. It can be pickled.

    Attributes:
        name: Path as given, or URL without credentials.
        place: A relative path for what is made of its photos.
        file: Where it is.
        column: Of a Parquet file, the column with the photos; None to choose it by its type.
    """

    name: str
    place: Path
    file: LocalFile
    column: str | None = None

    @property
    def lasting(self) -> str:
        """Its name whatever the working directory."""
        return lasting(self.name)

    def identity(self) -> Identity:
        """The state of the file now."""
        return self.file.identity()


Part: TypeAlias = Found | Collection


def find(
    paths: Iterable[str],
    listed: BinaryIO,
    skip: Path | None = None,
    skipped: Counter[str] | None = None,
    column: str | None = None,
) -> Iterator[Found]:
    """Find the images that paths and URLs name.

    A file is yielded whatever its extension, even if it is missing (reading it raises the error). A folder is searched with
    `images_below`; "-" stands for the paths in `listed`.

    Args:
        paths: Files, folders, URLs or "-".
        listed: See `lines`.
        skip: See `images_below`.
        skipped: See `images_below`.
        column: See `Collection`.
    """
    for part in parts(paths, listed, skip, skipped, column):
        yield from photos_of(part, skipped)


def parts(
    paths: Iterable[str],
    listed: BinaryIO,
    skip: Path | None = None,
    skipped: Counter[str] | None = None,
    column: str | None = None,
) -> Iterator[Part]:
    """As `find`, but a file that holds many photos is yielded as a whole."""
    del column
    for path in paths:
        if path == "-":
            yield from map(local, lines(listed))
        elif os.path.isdir(path):
            for name in images_below(path, skip, skipped):
                yield local(name, os.path.relpath(name, path))
        else:
            yield local(path)


def photos_of(part: Part, skipped: Counter[str] | None = None) -> Iterator[Found]:
    """The photos of a part, in the order of the file; what cannot be read is a photo whose `open` raises the error."""
    del skipped
    if isinstance(part, Found):
        yield part
