"""A seekable stream over reads of ranges that wait for a network: what follows in sequence is read ahead."""

import io
from collections.abc import Callable, Iterator

from noref import batch

FIRST = 1 << 18  # bytes of the range at a new position; each further one is twice as long
CHUNK = 1 << 22  # bytes of a range at most
AHEAD = 4  # ranges read at a time


class ReadAhead(io.RawIOBase):
    """Reads ranges ahead of the position, several at a time, until it is moved elsewhere.

    Args:
        read: Gives the bytes from a position on, as many as wanted, or fewer at the end.
        size: Of the whole.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._read, self._size = read, size
        self._position = 0
        self._chunks: Iterator[bytes] | None = None
        self._rest = memoryview(b"")

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
        """Move to another position; near ones ahead keep what has been read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        step = base + offset - self._position
        if 0 <= step <= len(self._rest):
            self._rest = self._rest[step:]
        elif step:
            self._stop()
        self._position = base + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read at least one byte, if there is one."""
        if not self._rest and self._position < self._size:
            if self._chunks is None:
                self._chunks = batch.ahead(self._chunk, self._ranges(self._position), AHEAD, AHEAD)
            self._rest = memoryview(next(self._chunks, b""))
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        self._position += taken
        return taken

    def close(self) -> None:
        """Stop reading ahead."""
        self._stop()
        super().close()

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
            self._chunks.close()  # type: ignore[attr-defined]
        self._chunks, self._rest = None, memoryview(b"")
