"""The stream that reads ahead."""

import io
import os
import random

import pytest

from noref.sources import stream

CONTENT = os.urandom(100_000)


@pytest.fixture
def asked(monkeypatch) -> list[tuple[int, int]]:
    """What was asked for: starts and lengths."""
    monkeypatch.setattr(stream, "FIRST", 1000)
    monkeypatch.setattr(stream, "CHUNK", 4000)
    return []


@pytest.fixture
def opened(asked):
    def read(start: int, length: int) -> bytes:
        asked.append((start, length))
        return CONTENT[start : start + length]

    with stream.ReadAhead.opened(read, len(CONTENT)) as found:
        yield found


def test_a_whole_stream_is_read_in_growing_ranges_each_once(opened, asked):
    assert opened.read() == CONTENT
    assert sorted(asked)[:4] == [(0, 1000), (1000, 2000), (3000, 4000), (7000, 4000)]
    assert sum(length for _, length in asked) == len(CONTENT)


def test_any_sequence_of_seeks_and_reads_gives_the_content(opened):
    dice = random.Random(0)
    expected = io.BytesIO(CONTENT)
    for _ in range(300):
        offset, whence = dice.choice(
            [(dice.randrange(len(CONTENT)), 0), (dice.randrange(200), 1), (-dice.randrange(9000), 2), (0, 1), (9000, 1)]
        )
        assert opened.seek(offset, whence) == expected.seek(offset, whence)
        size = dice.choice([0, 1, 10, 3000, 20_000])
        assert opened.read(size) == expected.read(size)
        assert opened.tell() == expected.tell()


def test_small_steps_forward_do_not_read_again(opened, asked):
    for start in range(0, 90_000, 3000):
        opened.seek(start)
        assert opened.read(500) == CONTENT[start : start + 500]
    assert sum(length for _, length in asked) <= len(CONTENT)


def test_a_stream_that_became_shorter_is_an_error():
    opened = stream.ReadAhead.opened(lambda start, length: CONTENT[start : start + length], len(CONTENT) + 10)
    with opened, pytest.raises(EOFError, match="became shorter"):
        opened.read()


@pytest.mark.usefixtures("asked")
def test_an_error_of_reading_is_raised_in_its_turn_and_another_attempt_may_succeed():
    failures = [ConnectionError("gone")]

    def read(start: int, length: int) -> bytes:
        if start == 1000 and failures:
            raise failures.pop()
        return CONTENT[start : start + length]

    with stream.ReadAhead(read, len(CONTENT)) as raw:
        assert raw.read(1000) == CONTENT[:1000]
        with pytest.raises(ConnectionError):
            raw.read(10)
        assert raw.read(10) == CONTENT[1000:1010]
