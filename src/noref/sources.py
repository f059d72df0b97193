"""Sources of images: files, folders (searched recursively), and lists of paths."""

import codecs
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from noref import overlay
from noref.images import EXTENSIONS

_CHUNK = 2**16  # bytes of a list read at a time, at most
_KINDS = 8  # of skipped files that are named


class Found(NamedTuple):
    """An image to score.

    Attributes:
        name: Its path as given, or below the folder as given.
        place: Its path relative to the folder that was searched.
    """

    name: str
    place: Path


def find(
    paths: Iterable[str], listed: BinaryIO, skip: Path | None = None, skipped: Counter[str] | None = None
) -> Iterator[Found]:
    """Find the images that paths name.

    A file is yielded whatever its extension, even if it is missing (reading it raises the error). A folder is searched with
    `images_below`; "-" stands for the paths in `listed`.

    Args:
        paths: Files, folders or "-".
        listed: See `lines`.
        skip: See `images_below`.
        skipped: See `images_below`.
    """
    for path in paths:
        if path == "-":
            for name in lines(listed):
                yield Found(name, Path(Path(name).name))
        elif os.path.isdir(path):
            for name in images_below(path, skip, skipped):
                yield Found(name, Path(os.path.relpath(name, path)))
        else:
            yield Found(path, Path(Path(path).name))


def images_below(
    folder: str | os.PathLike[str], skip: Path | None = None, skipped: Counter[str] | None = None
) -> Iterator[str]:
    """Paths of the files in and below a folder that have the extension of an image format, sorted within each folder.

    Hidden files and folders, and links to folders, are skipped. A folder that may not be read is yielded itself, so that its
    error is reported.

    Args:
        folder: To search.
        skip: A folder to skip.
        skipped: Counts the skipped files by kind, except hidden ones and those in `skip`. The kind is the extension, or
            "quality maps" for files that `overlay.save` wrote, or "special files" for pipes and the like.
    """
    out = None if skip is None else os.path.realpath(skip)
    skipped = Counter() if skipped is None else skipped
    closed: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        visible = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in visible if os.path.realpath(os.path.join(parent, name)) != out]
        for path in (os.path.join(parent, file) for file in sorted(files) if not file.startswith(".")):
            if kind := _not_a_photo(path):
                skipped[kind] += 1
            else:
                yield path
    yield from closed


def _not_a_photo(path: str) -> str:
    """The kind of a file to skip; empty for a file that may be a photo."""
    extension = os.path.splitext(path)[1].lower()
    if extension not in EXTENSIONS:
        return extension if extension.strip(".") else "without extension"
    if os.path.exists(path) and not os.path.isfile(path):  # reading a pipe may wait forever
        return "special files"
    return "quality maps" if extension == ".png" and overlay.is_overlay(path) else ""


def described(skipped: Mapping[str, int]) -> str:
    """How many files were skipped and of which kinds, the most frequent first, as the end of a sentence; empty for none."""
    ordered = sorted(dict(skipped).items(), key=lambda row: (-row[1], row[0]))  # a copy: a search may still be counting
    named = [f"{count} {kind.removesuffix('s') if count == 1 and kind[0] != '.' else kind}" for kind, count in ordered[:_KINDS]]
    if others := sum(count for _, count in ordered[_KINDS:]):
        named.append(f"{others} of {len(ordered) - _KINDS} other kinds")
    total = sum(count for _, count in ordered)
    return f"; skipped {total} file{'' if total == 1 else 's'}: {', '.join(named)}" if total else ""


def lines(stream: BinaryIO) -> Iterator[str]:
    """Paths in a list, one per line, each as soon as its line is complete; blank lines are passed over.

    Lines end with LF or CRLF. The encoding is that of file names, nearly everywhere UTF-8; bytes that do not fit it are kept as
    `os.fsdecode` keeps them. With a byte-order mark it is UTF-8 or UTF-16.

    Args:
        stream: A binary stream. An unbuffered one gives lines as they are written; so does one that has `read1`.
    """
    read = getattr(stream, "read1", stream.read)
    head = b""
    while len(head) < 3 and b"\n" not in head and (chunk := read(_CHUNK)):
        head += chunk
    encoding, errors = sys.getfilesystemencoding(), "surrogateescape"
    for mark, marked in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            head, encoding, errors = head.removeprefix(mark), marked, "surrogateescape" if marked == "utf-8" else "replace"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    rest = ""
    while head or (head := read(_CHUNK)):
        *complete, rest = (rest + decoder.decode(head)).split("\n")
        yield from filter(None, (line.rstrip("\r") for line in complete))
        head = b""
    if rest := (rest + decoder.decode(b"", final=True)).rstrip("\r"):
        yield rest
