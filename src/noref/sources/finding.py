"""The photos that paths and URLs name."""

import os
from collections import Counter, abc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, TypeAlias

from noref import urls
from noref.errors import UnsupportedImage
from noref.images import Source, name_of
from noref.sources import archives, braces
from noref.sources.contents import Failed, Given, LocalFile, local
from noref.sources.failures import as_image_error
from noref.sources.folders import images_below
from noref.sources.found import File, Found, Identity, lasting
from noref.sources.listing import photos_below
from noref.sources.lists import lines
from noref.sources.remote import RemoteFile, is_folder
from noref.urls import is_url, shown


@dataclass(frozen=True)
class Collection:
    """A file that holds many photos: an archive or a Parquet file. It can be pickled.

    Attributes:
        file: Where it is.
        column: Of a Parquet file, the column with the photos; None to choose it by its type.
    """

    file: File
    column: str | None = None

    @property
    def name(self) -> str:
        """Path as given, or URL without credentials."""
        return self.file.name

    @property
    def lasting(self) -> str:
        """Its name whatever the working directory."""
        return lasting(self.name)

    def identity(self) -> Identity:
        """The state of the file now; see `Content.identity`."""
        return self.file.identity()


Part: TypeAlias = Found | Collection
Paths: TypeAlias = abc.Collection[Path]


def find(
    paths: Iterable[str],
    listed: BinaryIO,
    skip: Paths = (),
    skipped: Counter[str] | None = None,
    column: str | None = None,
) -> Iterator[Found]:
    """Find the images that paths and URLs name.

    A file is yielded whatever its extension, even if it is missing (reading it raises the error). A folder is searched with
    `images_below`, a URL that ends with "/" likewise; archives and Parquet files are opened where they are named. Braces stand
    for several names (see `braces.expanded`) unless there is such a file; "-" stands for the files that `listed` names. In the
    place of what cannot be listed or opened comes a photo whose `open` raises the error.

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
    skip: Paths = (),
    skipped: Counter[str] | None = None,
    column: str | None = None,
) -> Iterator[Part]:
    """As `find`, but a file that holds many photos is yielded as a whole."""
    for path in paths:
        if path == "-":
            try:
                for name in lines(listed):
                    yield _named(name, column)
            except UnsupportedImage as error:
                yield Found(error.name, Path(), Failed(error))
        else:
            yield from _parts(path, skip, skipped, column)


def photos_in(sources: Iterable[Source], column: str | None = None) -> Iterator[Found]:
    """The photos in sources as `Scorer.score_many` takes them; paths and URLs are searched as by `find`."""
    for source in sources:
        path = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
        if isinstance(path, str):
            for part in _parts(path, column=column):
                yield from photos_of(part)
        else:
            yield Found(name_of(source), Path(), Given(source))


def photos_of(part: Part, skipped: Counter[str] | None = None) -> Iterator[Found]:
    """The photos of a part, in the order of the file; what cannot be read is a photo whose `open` raises the error."""
    if isinstance(part, Found):
        yield part
    else:
        yield from archives.photos(part.file, part.column, Counter() if skipped is None else skipped)


def is_local(path: str) -> bool:
    """Whether a source is a photo of this machine, or a folder of such, and can be listed at once."""
    path = urls.as_path(path)
    return os.path.isdir(path) or not (is_url(path) or archives.holds_many(path) or path == "-" or _has_braces(path))


def _parts(path: str, skip: Paths = (), skipped: Counter[str] | None = None, column: str | None = None) -> Iterator[Part]:
    path = urls.as_path(path)
    if os.path.isdir(path):
        for name in images_below(path, skip, skipped):
            yield local(name, str(PurePath(name).relative_to(path)))
    elif _has_braces(path):
        for name in braces.expanded(path):
            yield from _parts(name, skip, skipped, column)
    elif is_url(path) and is_folder(path):
        yield from _below(path if path.endswith("/") else f"{path}/", Counter() if skipped is None else skipped)
    else:
        yield _named(path, column)


def _has_braces(path: str) -> bool:
    return "{" in path and next(braces.expanded(path)) != path and not os.path.lexists(path)


def _named(path: str, column: str | None) -> Part:
    """A file by its name."""
    path = urls.as_path(path)
    file = RemoteFile(path) if is_url(path) else LocalFile(path)
    if archives.holds_many(file.filename):
        return Collection(file, column)
    return Found(file.name, Path(file.filename), file) if isinstance(file, RemoteFile) else local(path)


def _below(url: str, skipped: Counter[str]) -> Iterator[Found]:
    try:
        for file, path in photos_below(url, skipped):
            yield Found(file.name, archives.place(path), file)
    except (OSError, ModuleNotFoundError) as error:
        yield Found(shown(url), Path(), Failed(as_image_error(shown(url), error)))
