"""Scores photos into a file of results: passes over those that have one, and writes each result as it comes."""

import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from noref import batch
from noref.assessment import Assessment
from noref.errors import ImageError
from noref.mapping import Item, Work
from noref.scorer import Scorer
from noref.store import Failure, Record, Settings, Store

LONGEST = 256
"""Pixels on the long side of a thumbnail, at most."""

_CHUNK = 1 << 20  # bytes of a file read at a time
_LATEST = 2**63 - 1  # nanoseconds: the largest integer of SQLite


def run(
    store: Store, scorer: Scorer, items: Iterable[Item], jobs: int, *, retry: bool, thumbnails: bool, before: Counter[str]
) -> Iterator[Assessment | ImageError]:
    """Score photos as `batch.run` does, and yield each result when it is written to the store.

    A photo is passed over if it has a result under the same model file, view and exactness, and its size and time of change are
    those of that time.

    Args:
        store: Open for writing.
        scorer: Scores the photos.
        items: The photos.
        jobs: Photos at a time.
        retry: Score photos again that could not be scored.
        thumbnails: Store thumbnails. A result without one does not count as finished.
        before: Counts the photos that are passed over, as "scored" and "failed".

    Raises:
        StoreError: The store cannot be written; what was written before is kept.
    """
    settings = store.use(scorer.card, scorer.view, scorer.exact)
    work = _Work(Work(scorer), settings, thumbnails)
    for scored in batch.in_order(work, _unfinished(store, settings, items, retry, thumbnails, before), jobs):
        store.write(scored.record)
        yield scored.result


def _unfinished(
    store: Store, settings: Settings, items: Iterable[Item], retry: bool, thumbnails: bool, before: Counter[str]
) -> Iterator[Item]:
    for item in items:
        path = os.path.abspath(item.name)
        state = store.state(path, *_stamp(path), settings, thumbnails)
        if state == "scored" or (state == "failed" and not retry):
            before[state] += 1
        else:
            yield item


class _Scored(NamedTuple):
    result: Assessment | ImageError
    record: Record


class _Work:
    """Scores one photo and describes its file."""

    def __init__(self, work: Work, settings: Settings, thumbnails: bool) -> None:
        self.work, self.settings, self.thumbnails = work, settings, thumbnails

    def __call__(self, item: Item) -> _Scored:
        path = os.path.abspath(item.name)
        size, modified = _stamp(path)  # first, so that the next run notices a change from here on
        digest = _digest(path)
        found = batch.attempted(self.work.with_pixels, item, lambda item: item.name)
        result, pixels = (found, None) if isinstance(found, ImageError) else found
        record = Record(
            path=path,
            assessment=result if isinstance(result, Assessment) else None,
            failure=Failure.of(result) if isinstance(result, ImageError) else None,
            bytes=size,
            modified=modified,
            digest=digest,
            thumbnail=thumbnail(pixels) if self.thumbnails and pixels is not None else None,
            scored=datetime.now(timezone.utc),
            model_sha256=self.settings.model_sha256,
            view=self.settings.view,
            exact=self.settings.exact,
        )
        return _Scored(result, record)


def thumbnail(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A JPEG of at most `LONGEST` pixels on the long side, of pixels H x W x 3."""
    small = Image.fromarray(pixels)
    small.thumbnail((LONGEST, LONGEST))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def _stamp(path: str) -> tuple[int, int]:
    """Size in bytes and time of the last change in nanoseconds; zeros where there is no file."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):  # ValueError: a null character in the path
        return 0, 0
    return state.st_size, min(state.st_mtime_ns, _LATEST)


def _digest(path: str) -> str:
    """SHA-256 of a file's content; empty if it cannot be read, or is a pipe, which can be read only once."""
    digest = hashlib.sha256()
    if not os.path.isfile(path):
        return ""
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()
