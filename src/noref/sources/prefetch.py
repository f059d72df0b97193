"""Reads what is remote ahead of its use, so that waiting for a network does not add up."""

import dataclasses
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from noref import batch
from noref.errors import ImageError, InternalError
from noref.sources.contents import Failed, Held, Named
from noref.sources.found import UNKNOWN, Content, Found
from noref.sources.remote import RemoteFile

F = TypeVar("F", bound=Found)

READERS = 32
"""Photos read at a time."""

MOST_PHOTOS = 96
"""Photos read, or being read, before they are wanted."""

MOST_BYTES = 1 << 28
"""Their bytes together, as far as sizes are known before they are read.

The size of a photo that an HTTP URL names is not: it counts as `_GUESS` until it is read, so that `READERS` of any size may be
read at a time.
"""

_GUESS = MOST_BYTES // READERS


def ahead(photos: Iterable[F]) -> Iterator[F]:
    """Photos in their order, the content of remote ones read ahead by several threads, bounded in number and bytes.

    Streams, such as those of compressed archives, are read ahead with them. Local files pass unread, and none is waited for: a
    photo is yielded before the next one is taken.
    """
    return _in_turn(photos, lambda photo: photo.content.near and not isinstance(photo.content, Held), _fetched)


def looked_up(photos: Iterable[F]) -> Iterator[F]:
    """Photos in their order, with the identity of remote ones, which is asked for as content is read by `ahead`."""
    return _in_turn(photos, lambda photo: not _is_unknown(photo.content), _looked_up)


def _in_turn(photos: Iterable[F], passes: Callable[[F], bool], work: Callable[[F], F]) -> Iterator[F]:
    """Photos as they are or, from the first that does not pass, as work in other threads makes them."""
    remaining = iter(photos)
    for photo in remaining:
        if not passes(photo):
            yield from _ahead(itertools.chain([photo], remaining), passes, work)
            return
        yield photo


def _ahead(photos: Iterator[F], passes: Callable[[F], bool], work: Callable[[F], F]) -> Iterator[F]:
    room = _Room(MOST_BYTES)

    def admitted() -> Iterator[tuple[F, int]]:
        for photo in photos:
            cost = 0 if passes(photo) else _cost(photo)
            if not room.take(cost):
                return
            yield photo, cost

    def settled(admission: tuple[F, int]) -> tuple[F, int]:
        photo, cost = admission
        if passes(photo):
            return photo, cost
        return (done := work(photo)), room.settle(cost, done.content.expected)

    try:
        for photo, cost in batch.ahead(settled, admitted(), READERS, MOST_PHOTOS):
            yield photo
            room.give(cost)
    finally:
        room.close()


class _Room:
    """Bytes that may be held; a photo larger than all of them is admitted when nothing else is held."""

    def __init__(self, most: int) -> None:
        self._most, self._held, self._open = most, 0, True
        self._changed = threading.Condition()

    def take(self, size: int) -> bool:
        """Wait until there is room; returns whether the room is still open."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open or not self._held or self._held + size <= self._most)
            self._held += size
            return self._open

    def settle(self, size: int, actual: int) -> int:
        """Hold as many bytes as a photo turned out to have, and return them."""
        self.give(size - actual)
        return actual

    def give(self, size: int) -> None:
        """Release bytes, so that waiting photos may be admitted."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()

    def close(self) -> None:
        """End all waiting; `take` returns False from now on."""
        with self._changed:
            self._open = False
            self._changed.notify_all()


def _cost(photo: Found) -> int:
    return _GUESS if _is_unknown(photo.content) else photo.content.expected


def _is_unknown(content: Content) -> bool:
    return isinstance(content, RemoteFile) and content.state is None


def _fetched(photo: F) -> F:
    """The photo with its content, or with the error of reading it."""
    if photo.content.near:
        return photo
    try:
        if isinstance(photo.content, RemoteFile):
            held = photo.content.fetched(photo.name)
        else:
            opened = photo.open()
            assert isinstance(opened, Named), "what is not near is opened as bytes"
            held = Held(opened.getvalue(), photo.identity())
    except Exception as error:
        stated = error if isinstance(error, ImageError) else InternalError.of(photo.name, error)
        return dataclasses.replace(photo, content=Failed(stated, UNKNOWN if _is_unknown(photo.content) else photo.identity()))
    return dataclasses.replace(photo, content=held)


def _looked_up(photo: F) -> F:
    assert isinstance(photo.content, RemoteFile), "others are not unknown"
    return dataclasses.replace(photo, content=photo.content.with_identity())
