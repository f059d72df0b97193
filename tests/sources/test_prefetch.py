"""Reading ahead: in order, bounded in number and bytes, and over when nobody wants more."""

import dataclasses
import gc
import itertools
import threading
import time
from pathlib import Path

import pytest

from archive_files import content_of
from noref import ImageNotFound, InternalError, sources
from noref.sources import UNKNOWN, Identity, Named, prefetch


@dataclasses.dataclass
class Distant:
    """Content that another thread reads; `wait` is called while it does."""

    content: bytes
    wait: object = staticmethod(lambda: None)
    size: int | None = None
    near = False

    @property
    def expected(self) -> int:
        return len(self.content) if self.size is None else self.size

    def identity(self) -> Identity:
        return Identity(len(self.content), 7)

    def open(self, name: str) -> Named:
        self.wait()
        return Named(name, self.content)


def distant(number: int, **options) -> sources.Found:
    return sources.Found(f"far://{number}", Path(str(number)), Distant(b"%d" % number, **options))


def test_what_is_read_ahead_keeps_order_name_and_identity():
    photos = [distant(number, wait=lambda number=number: time.sleep(0.01 * (number % 3))) for number in range(20)]
    found = list(sources.ahead(photos))
    assert [photo.name for photo in found] == [f"far://{number}" for number in range(20)]
    assert [content_of(photo) for photo in found] == [b"%d" % number for number in range(20)]
    assert [photo.identity() for photo in found] == [photo.identity() for photo in photos]


def test_local_photos_pass_unread_and_one_by_one(tmp_path):
    taken = []

    def photos():
        for number in range(5):
            taken.append(number)
            yield sources.local(str(tmp_path / f"{number}.jpg"))

    found = sources.ahead(photos())
    assert next(found).content == sources.LocalFile(str(tmp_path / "0.jpg"))
    assert taken == [0]
    assert len(list(found)) == 4


def test_streams_are_read_ahead():
    """The next member of a stream is taken while one is scored."""
    taken = threading.Semaphore(0)

    def members():
        for number in range(3):
            taken.release()
            yield sources.Found("a.tar.gz", Path(), sources.Held(b"%d" % number), str(number))

    found = sources.ahead(members())
    assert next(found).member == "0"
    assert all(taken.acquire(timeout=20) for _ in range(3))
    assert [photo.member for photo in found] == ["1", "2"]


def test_local_and_remote_photos_alternate_without_waiting_for_each_other():
    """Each remote photo waits until three are being read."""
    together = threading.Barrier(3, timeout=20)
    photos = [distant(number, wait=together.wait) if number % 2 else sources.local(f"{number}.jpg") for number in range(6)]
    assert [photo.name for photo in sources.ahead(photos)] == [photo.name for photo in photos]


def test_a_photo_does_not_wait_for_the_next_one():
    more = threading.Event()

    def photos():
        yield distant(0)
        more.wait(20)
        yield distant(1)

    found = sources.ahead(photos())
    assert next(found).name == "far://0"
    more.set()
    assert next(found).name == "far://1"


def test_no_more_photos_are_read_ahead_than_the_limit(monkeypatch):
    monkeypatch.setattr(prefetch, "READERS", 4)
    monkeypatch.setattr(prefetch, "MOST_PHOTOS", 6)
    taken = itertools.count()
    latest = []

    def photos():
        for number in taken:
            latest.append(number)
            yield distant(number)

    found = sources.ahead(photos())
    for number in range(30):
        assert next(found).name == f"far://{number}"
        assert latest[-1] <= number + 7
    found.close()


@pytest.mark.parametrize("stated", [True, False])
def test_no_more_bytes_are_read_ahead_than_the_limit(monkeypatch, stated):
    monkeypatch.setattr(prefetch, "MOST_BYTES", 1000)
    held, most, guard = 0, 0, threading.Lock()

    def begin():
        nonlocal held, most
        with guard:
            held += 300
            most = max(most, held)

    if not stated:
        monkeypatch.setattr(prefetch, "_is_unknown", lambda content: isinstance(content, Distant))
        monkeypatch.setattr(prefetch, "_GUESS", 250)
    photos = (sources.Found(str(number), Path(), Distant(bytes(300), begin)) for number in range(40))
    for _ in sources.ahead(photos):
        with guard:
            held -= 300
    assert 600 <= most <= (1200 if stated else 1500)  # one may have been yielded and not yet given back


def test_a_photo_larger_than_all_the_room_is_read_alone(monkeypatch):
    monkeypatch.setattr(prefetch, "MOST_BYTES", 10)
    photos = [sources.Found(str(number), Path(), Distant(bytes(100))) for number in range(5)]
    assert [len(content_of(photo)) for photo in sources.ahead(photos)] == [100] * 5


def test_errors_and_bugs_stand_in_their_place():
    def fail():
        raise ImageNotFound("far://1", "gone", "look again")

    def bug():
        raise ZeroDivisionError

    first, failed, broken, last = sources.ahead([distant(0), distant(1, wait=fail), distant(2, wait=bug), distant(3)])
    assert [content_of(first), content_of(last)] == [b"0", b"3"]
    with pytest.raises(ImageNotFound, match="gone"):
        failed.open()
    assert failed.identity() == Identity(1, 7)
    with pytest.raises(InternalError, match="far://2: internal error"):
        broken.open()


def test_an_error_of_the_sources_comes_after_what_was_before_it():
    def photos():
        yield distant(0)
        raise PermissionError("no more")

    found = sources.ahead(photos())
    assert next(found).name == "far://0"
    with pytest.raises(PermissionError, match="no more"):
        next(found)


def test_an_abandoned_run_ends_its_threads(monkeypatch):
    monkeypatch.setattr(prefetch, "MOST_BYTES", 10)
    before = set(threading.enumerate())
    found = sources.ahead(sources.Found(str(number), Path(), Distant(bytes(9))) for number in range(1000))
    next(found)
    found.close()
    del found
    gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive()


def test_identities_are_looked_up_only_where_they_are_unknown():
    photos = [distant(0), sources.local("a.jpg")]
    assert list(sources.looked_up(photos)) == photos
    assert sources.Failed(ImageNotFound("a", "b", "c")).identity() == UNKNOWN
