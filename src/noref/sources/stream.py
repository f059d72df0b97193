"""A seekable stream over reads of ranges that wait for a network: what follows in sequence is read ahead."""

import io
from collections.abc import Callable, Generator, Iterator

from noref import batch

FIRST = 1 << 18  # bytes of the range at a new position; each further one is twice as long
CHUNK = 1 << 22  # bytes of a range at most
AHEAD = 4  # ranges read at a time


class ReadAhead(io.RawIOBase):
    """Reads ranges ahead of the position, several at a time, until it is moved back or far away.

    Args:
        read: Gives the bytes from a position on, as many as wanted, or fewer at the end.
        size: Of the whole.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._read, self._size = read, size
        self._position = 0
        self._chunks: Generator[bytes, None, None] | None = None
        self._rest, self._start = memoryview(b""), 0  # of the chunk that was read last, and its position

    @classmethod
    def opened(cls, read: Callable[[int, int], bytes], size: int) -> io.BufferedReader:
        """A buffered one."""
        return io.BufferedReader(cls(read, size), 1 << 16)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to another position; nothing is read yet."""
        self._position = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence] + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read at least one byte, if there is one."""
        if self._position >= self._size or not len(buffer):
            return 0
        try:
            self._follow()
        except BaseException:
            self._stop()  # so that another attempt begins anew
            raise
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._position += taken
        return taken

    def close(self) -> None:
        """Stop reading ahead."""
        self._stop()
        super().close()

    def _follow(self) -> None:
        """Bring what was read to the position."""
        if self._chunks is None or not 0 <= self._position - self._start <= AHEAD * CHUNK:
            self._stop()
            self._start = self._position
            self._chunks = batch.ahead(self._chunk, self._ranges(self._position), AHEAD, AHEAD)
        while self._position >= self._start + len(self._rest):
            self._start += len(self._rest)
            self._rest = memoryview(next(self._chunks))
        self._rest = self._rest[self._position - self._start :]
        self._start = self._position

    def _ranges(self, start: int) -> Iterator[tuple[int, int]]:
        length = FIRST
        while start < self._size:
            yield start, min(length, self._size - start)
            start, length = start + length, min(2 * length, CHUNK)

    def _chunk(self, wanted: tuple[int, int]) -> bytes:
        content = self._read(*wanted)
        if len(content) < wanted[1]:
            raise EOFError("it became shorter while it was read")
        return content

    def _stop(self) -> None:
        if self._chunks is not None:
            self._chunks.close()
        self._chunks, self._rest = None, memoryview(b"")
