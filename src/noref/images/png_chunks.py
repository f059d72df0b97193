"""The chunks of a PNG file, with their checksums verified, and excerpts of them as files of their own."""

import bisect
import io
import itertools
import zlib
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import Buffer

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BLOCK = 1 << 16
_MOST_CHUNKS = 1 << 17  # no photo has nearly so many
_MOST_ANCILLARY = 1 << 12  # ancillary chunks that are looked at, further frames aside
_FRAMES = (b"fcTL", b"fdAT")
_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class Chunk(NamedTuple):
    """A chunk.

    Attributes:
        kind: Its type.
        start: Position of its length field in the file.
        length: Of its content.
        intact: Whether it is complete and its checksum is correct.
    """

    kind: bytes
    start: int
    length: int
    intact: bool

    @property
    def critical(self) -> bool:
        """Whether the image cannot be shown without it."""
        return self.kind[:1].isupper()

    @property
    def size(self) -> int:
        """With length, type and checksum."""
        return self.length + 12


def walk(stream: BinaryIO, unread: Container[bytes] = ()) -> list[Chunk]:
    """The chunks behind the signature, up to IEND or where the data cease to be chunks.

    Ancillary chunks beyond the first `_MOST_ANCILLARY` are left out, those of further frames excepted.

    Args:
        stream: Of a PNG file.
        unread: Types of chunks to pass over; their content counts as sound.
    """
    stream.seek(len(SIGNATURE))
    chunks: list[Chunk] = []
    counted = 0
    for _ in range(_MOST_CHUNKS):
        start, head = stream.tell(), stream.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or length >= 1 << 31 or not _LETTERS.issuperset(kind):
            break
        chunk, checksum, read = Chunk(kind, start, length, intact=False), zlib.crc32(kind), 0
        counts = not chunk.critical and kind not in _FRAMES
        counted += counts
        if counts and counted > _MOST_ANCILLARY:
            stream.seek(chunk.start + chunk.size)
            continue
        if kind in unread:
            chunks.append(chunk._replace(intact=True))
            stream.seek(chunk.start + chunk.size)
            continue
        for block in blocks(stream, chunk):
            checksum, read = zlib.crc32(block, checksum), read + len(block)
        chunks.append(chunk._replace(intact=read == length and stream.read(4) == checksum.to_bytes(4, "big")))
        if read < length or kind == b"IEND":
            break
    return chunks


def blocks(stream: BinaryIO, chunk: Chunk) -> Iterator[bytes]:
    """The content of a chunk, in blocks."""
    stream.seek(chunk.start + 8)
    left = chunk.length
    while left and (block := stream.read(min(left, _BLOCK))):
        left -= len(block)
        yield block


def content(stream: BinaryIO, chunk: Chunk) -> bytes:
    """The content of a chunk."""
    stream.seek(chunk.start + 8)
    return stream.read(chunk.length)


def chunk_of(kind: bytes, data: bytes) -> bytes:
    """A chunk with length, type and checksum."""
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(data, zlib.crc32(kind)).to_bytes(4, "big")


def excerpt(stream: BinaryIO, chunks: Iterable[Chunk]) -> BinaryIO:
    """A PNG file of these chunks alone, read from the stream as it is needed."""
    signature, end = io.BytesIO(SIGNATURE), io.BytesIO(chunk_of(b"IEND", b""))
    pieces = [
        (signature, 0, len(SIGNATURE)),
        *((stream, chunk.start, chunk.size) for chunk in chunks),
        (end, 0, len(end.getvalue())),
    ]
    return io.BufferedReader(_Joined(pieces), _BLOCK)


class _Joined(io.RawIOBase):
    """Pieces of streams (stream, start, size) as one stream."""

    def __init__(self, pieces: Sequence[tuple[BinaryIO, int, int]]) -> None:
        self._pieces = pieces
        self._ends = list(itertools.accumulate(size for _, _, size in pieces))
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ends[-1]}[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer)
        index = bisect.bisect_right(self._ends, self._position)
        if index == len(self._pieces):
            return 0
        stream, start, size = self._pieces[index]
        left = self._ends[index] - self._position
        stream.seek(start + size - left)
        data = stream.read(min(left, len(view)))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
