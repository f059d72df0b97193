"""The photos below a remote folder, page by page: the first comes before the listing is complete."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from noref.sources.attempts import attempted
from noref.sources.folders import is_hidden, kind_of
from noref.sources.found import Identity
from noref.sources.remote import RemoteFile, identity_of
from noref.urls import is_http, shown

_PAGE = 1000  # objects that S3 gives at a time, at most


def photos_below(url: str, skipped: Counter[str]) -> Iterator[tuple[RemoteFile, str]]:
    """The files below a folder that have the extension of an image format, each with its path below the folder.

    S3 gives them in the order of their names, other file systems folder by folder. Hidden files and folders are skipped.

    Args:
        url: Of the folder, ending with "/".
        skipped: Counts the skipped files by kind, except hidden ones.

    Raises:
        OSError: The folder, or one below it, cannot be listed.
        ModuleNotFoundError: A library is not installed.
    """
    for path, state in _objects(url) if _is_s3(url) else _walked(url):
        if not path or path.endswith("/") or is_hidden(path):  # S3 has objects that stand for folders
            continue
        if kind := kind_of(path):
            skipped[kind] += 1
        else:
            yield RemoteFile(url + path, state), path


def _is_s3(url: str) -> bool:
    return attempted(url, lambda fs, _path: hasattr(fs, "call_s3"))


def _objects(url: str) -> Iterator[tuple[str, Identity]]:
    """Every object below a prefix of S3. fsspec itself gives a folder only when it has all of it."""
    bucket, prefix, _ = attempted(url, lambda fs, _path: fs.split_path(shown(url)))
    more: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": _PAGE}
    empty = True
    while more:
        page = attempted(url, partial(_page, wanted=more))
        for entry in page.get("Contents", ()):
            empty = False
            yield entry["Key"][len(prefix) :], identity_of(entry, entry["Size"])
        more = {**more, "ContinuationToken": page["NextContinuationToken"]} if page.get("IsTruncated") else {}
    if empty:
        raise FileNotFoundError(shown(url))


def _page(system: Any, _path: str, wanted: dict[str, Any]) -> Any:
    return system.call_s3("list_objects_v2", **wanted)


def _walked(url: str) -> Iterator[tuple[str, Identity | None]]:
    """Every file below a folder, the files of each folder before those below it, sorted."""
    folders = [""]
    while folders:
        folder = folders.pop()
        entries = sorted(_entries(url, folder), key=lambda entry: str(entry[0]))
        below = []
        for path, entry in entries:
            if entry["type"] == "directory":
                below.append(path.rstrip("/") + "/")
            else:
                yield path, identity_of(entry) if entry.get("size") is not None else None
        folders += [path for path in reversed(below) if not is_hidden(path)]


def _entries(url: str, folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What lies in a folder below that of the URL: paths below that, with the entries of the listing."""
    root, entries = attempted(url + folder, lambda fs, path: (path.rstrip("/"), fs.ls(path, detail=True)))
    for entry in entries:
        name = str(entry["name"])
        if name.startswith(f"{root}/") and not (is_http(url) and set(name) & set("?#")):  # links that sort the page, and others
            path = folder + name[len(root) + 1 :]
            if path != folder:
                yield path, entry
