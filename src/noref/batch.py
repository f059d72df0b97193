"""Many photos: find them, and score them in parallel while the order is kept and one failure stops nothing."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TextIO, TypeVar

from noref.errors import ImageError
from noref.images import EXTENSIONS

S = TypeVar("S")
R = TypeVar("R")


def run(score: Callable[[S], R], sources: Iterable[S], jobs: int) -> Iterator[R | ImageError]:
    """Apply `score` to sources as they come; yield results in their order, an `ImageError` in the place of a failure.

    Looks ahead by a few sources only, so that endless input and large photos keep memory bounded.
    """

    def attempt(source: S) -> R | ImageError:
        try:
            return score(source)
        except ImageError as error:
            return error

    yield from map(attempt, sources) if jobs <= 1 else ahead(attempt, sources, jobs, 2 * jobs)


def ahead(work: Callable[[S], R], sources: Iterable[S], threads: int, most: int) -> Iterator[R]:
    """Results of `work` in the order of the sources, at most `most` of them begun and not yet yielded.

    Raises:
        Exception: Whatever `work` raises, in its turn.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="noref")
    waiting: deque[Future[R]] = deque()
    try:
        for source in sources:
            waiting.append(pool.submit(work, source))
            while waiting and (len(waiting) >= most or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Never waits: an abandoned generator may be cleared away by any thread, one that its workers wait for among them.
        pool.shutdown(wait=False, cancel_futures=True)


def find(paths: Iterable[str], listed: TextIO, skip: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Pictures named by paths: (path, path relative to the folder that was asked for).

    A file stands for itself whatever its name, also a missing one (its error comes when it is read); a folder for what
    `pictures_below` finds in it, but not in a folder `skip`: maps that are drawn there are no photos; "-" for the lines of
    `listed`, one path each.
    """
    for path in paths:
        if path == "-":
            for line in listed:
                if name := line.rstrip("\r\n"):
                    yield name, Path(Path(name).name)
        elif os.path.isdir(path):
            for name in pictures_below(path, skip):
                yield name, Path(os.path.relpath(name, path))
        else:
            yield path, Path(Path(path).name)


def pictures_below(folder: str | os.PathLike[str], skip: Path | None = None) -> Iterator[str]:
    """Paths of the files in and below a folder whose names end like a picture's, sorted within each folder.

    Hidden files and folders are passed over, and links to folders. A folder that may not be read stands for itself, so that its
    error is seen.

    Args:
        folder: To search.
        skip: A folder to pass over.
    """
    skipped = None if skip is None else os.path.realpath(skip)
    closed: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        seen = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in seen if os.path.realpath(os.path.join(parent, name)) != skipped]
        for path in (os.path.join(parent, file) for file in sorted(files) if not file.startswith(".")):
            if os.path.splitext(path)[1].lower() in EXTENSIONS and not _is_special(path):
                yield path
    yield from closed


def _is_special(path: str) -> bool:
    """Whether it is there but no file: a pipe that nobody writes to would be waited for without end."""
    return os.path.exists(path) and not os.path.isfile(path)
