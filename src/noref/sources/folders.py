"""Photos in folders of this machine, and what else lies there."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from noref.images import EXTENSIONS

_KINDS = 8  # of skipped files that are named


def images_below(
    folder: str | os.PathLike[str], skip: Collection[Path] = (), skipped: Counter[str] | None = None
) -> Iterator[str]:
    """Paths of the files in and below a folder that have the extension of an image format, sorted within each folder.

    Hidden files and folders, and links to folders, are skipped. A folder that may not be read is yielded itself, so that its
    error is reported.

    Args:
        folder: To search.
        skip: Folders and files to skip.
        skipped: Counts the skipped files by kind, except hidden ones and those in `skip`. The kind is the extension, or
            "quality maps" for files that `overlay.save` wrote, or "special files" for pipes and the like.
    """
    out = {os.path.realpath(path) for path in skip}
    skipped = Counter() if skipped is None else skipped
    closed: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        visible = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in visible if os.path.realpath(os.path.join(parent, name)) not in out]
        for path in (os.path.join(parent, file) for file in sorted(files) if not file.startswith(".")):
            if out and os.path.realpath(path) in out:
                continue
            if kind := _not_a_photo(path):
                skipped[kind] += 1
            else:
                yield path
    yield from closed


def _not_a_photo(path: str) -> str:
    """The kind of a file to skip; empty for a file that may be a photo."""
    if kind := kind_of(path):
        return kind
    if os.path.exists(path) and not os.path.isfile(path):  # reading a pipe may wait forever
        return "special files"
    if not path.lower().endswith(".png"):
        return ""
    from noref import overlay  # loads what draws

    return "quality maps" if overlay.is_overlay(path) else ""


def kind_of(path: str) -> str:
    """The extension of what is no photo, by its name alone; empty for the extension of an image format."""
    extension = os.path.splitext(path)[1].lower()
    if extension in EXTENSIONS:
        return ""
    return extension if extension.strip(".") else "without extension"


def is_hidden(path: str) -> bool:
    """Whether a file or a folder of a path is hidden; so is what macOS adds to archives."""
    steps = path.replace("\\", "/").split("/")
    return any((step.startswith(".") and step.strip(".")) or step == "__MACOSX" for step in steps)


def described(skipped: Mapping[str, int]) -> str:
    """How many files were skipped and of which kinds, the most frequent first, as the end of a sentence; empty for none."""
    ordered = sorted(dict(skipped).items(), key=lambda row: (-row[1], row[0]))  # a copy: a search may still be counting
    named = [f"{count} {kind.removesuffix('s') if count == 1 and kind[0] != '.' else kind}" for kind, count in ordered[:_KINDS]]
    if others := sum(count for _, count in ordered[_KINDS:]):
        named.append(f"{others} of {len(ordered) - _KINDS} other kinds")
    total = sum(count for _, count in ordered)
    return f"; skipped {total} file{'' if total == 1 else 's'}: {', '.join(named)}" if total else ""
