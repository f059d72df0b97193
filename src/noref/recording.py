"""Scores photos into a results file: passes over those that have one, and writes each result as it comes."""

import hashlib
import io
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from noref import batch, sources
from noref.assessment import Assessment
from noref.errors import ImageError
from noref.images import Source
from noref.quality_maps import Item, Work
from noref.scorer import Scorer
from noref.store import Failure, Record, Settings, Store
from noref.store.record import is_passed

LONGEST = 256
"""Pixels on the long side of a thumbnail, at most."""

_CHUNK = 1 << 20  # bytes of a file read at a time


def run(
    store: Store, scorer: Scorer, items: Iterable[Item], jobs: int, *, retry: bool, thumbnails: bool, before: Counter[str]
) -> Iterator[Assessment | ImageError]:
    """Score photos as `batch.run` does, and yield each result when it is written to the store.

    A photo is passed over if it has a result under the same model file, view and exactness, and its identity (size, time of
    change and version) is that of that time.

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
    store.remove(_repaired_folders(store, settings), settings)
    work = Recorder(Work(scorer), settings, thumbnails)
    found = _unfinished(store, settings, sources.looked_up(items), retry, thumbnails, before)
    for scored in batch.in_order(work, sources.ahead(found), jobs):
        store.write(scored.record)
        yield scored.result


def _unfinished(
    store: Store, settings: Settings, items: Iterable[Item], retry: bool, thumbnails: bool, before: Counter[str]
) -> Iterator[Item]:
    """The photos that have no result under the settings; see `run`."""
    for item in _repaired(store, settings, items):
        size, modified, version = item.identity()
        state = store.state(item.lasting, size, modified, settings, thumbnails, version)
        if is_passed(state, retry):
            before[state] += 1
        else:
            yield item


def _repaired_folders(store: Store, settings: Settings) -> list[str]:
    """Folders that could not be read at the time, and can be read now."""
    failed = store.records(failed=True, settings=settings, pictures=False)
    return [record.path for record in failed if os.path.isdir(record.path) and os.access(record.path, os.R_OK | os.X_OK)]


def _repaired(store: Store, settings: Settings, items: Iterable[Item]) -> Iterator[Item]:
    """The photos; the failure of a file that holds many is removed from the store when it has been read to its end."""
    for file, photos in itertools.groupby(items, lambda item: item.listed or item.file):
        many = failed = False
        for item in photos:
            held = bool(item.member or item.listed)
            many, failed = many or held, failed or not held
            yield item
        if many and not failed:
            store.remove([sources.lasting(file)], settings)


class Scored(NamedTuple):
    """A result as it is shown, and as it is stored."""

    result: Assessment | ImageError
    record: Record


class Recorder:
    """Scores one photo and describes its file.

    Args:
        work: Scores it.
        settings: Of the records.
        thumbnails: Whether records have thumbnails.
    """

    def __init__(self, work: Work, settings: Settings, thumbnails: bool) -> None:
        self.work, self.settings, self.thumbnails = work, settings, thumbnails

    def __call__(self, item: Item) -> Scored:
        """Score a photo; a failure is a result."""
        identity = item.identity()  # first, so that the next run notices a change from here on
        content = batch.attempted(Item.open, item, lambda item: item.name)
        digest, found = ("", content) if isinstance(content, ImageError) else (_digest(content), self._assessed(item, content))
        result, pixels = (found, None) if isinstance(found, ImageError) else found
        record = Record(
            path=item.lasting,
            assessment=result if isinstance(result, Assessment) else None,
            failure=Failure.of(result) if isinstance(result, ImageError) else None,
            bytes=identity.bytes,
            modified=identity.modified,
            version=identity.version,
            digest=digest,
            thumbnail=thumbnail(pixels) if self.thumbnails and pixels is not None else None,
            scored=datetime.now(timezone.utc),
            model_sha256=self.settings.model_sha256,
            view=self.settings.view,
            exact=self.settings.exact,
        )
        return Scored(result, record)

    def _assessed(self, item: Item, content: Source) -> tuple[Assessment, npt.NDArray[np.uint8]] | ImageError:
        return batch.attempted(lambda item: self.work.with_pixels(item, content), item, lambda item: item.name)


def thumbnail(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A JPEG of at most `LONGEST` pixels on the long side, of pixels H x W x 3."""
    small = Image.fromarray(pixels)
    small.thumbnail((LONGEST, LONGEST))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def _digest(content: Source) -> str:
    """SHA-256 of a photo's content; empty if it cannot be read, or is a pipe, which can be read only once."""
    if isinstance(content, io.BytesIO):
        return hashlib.sha256(content.getbuffer()).hexdigest()
    digest = hashlib.sha256()
    if not isinstance(content, str) or not os.path.isfile(content):
        return ""
    try:
        with open(content, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()
