"""Members of a tar archive, plain or compressed, in one pass and without an index.

Headers are as in POSIX.1-2001, "pax Interchange Format", and in the manual of GNU tar, "Basic Tar Format"; the standard library
parses a header block. Its `TarFile` is not used: it ends silently where an archive is truncated or corrupt, keeps every header,
and reads extended headers of any length.
"""

import bz2
import contextlib
import functools
import gzip
import io
import tarfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

from noref.errors import ImageError
from noref.sources.contents import Failed, Held, Piece
from noref.sources.failures import LIMIT, Malformed, Truncated, as_image_error, explained, too_large
from noref.sources.found import Content, File, Identity
from noref.sources.members import Member, identity
from noref.sources.xz import XzFile

_BLOCK = 512
_LONGEST = 1 << 20  # bytes of an extended header, at most
_DIGITS = 30  # of a size, at most: more than any header block can state; Python refuses to read thousands
_STEP = 1 << 20  # bytes skipped at a time where the archive is compressed
_PAX = {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}
_SPARSE = b"GNU.sparse."
_USED = {b"path", b"size", b"GNU.sparse.name"}  # keys of pax headers
_LINKS = {tarfile.LNKTYPE, tarfile.SYMTYPE}
_SPARSE_MORE, _SPARSE_EVEN_MORE = 482, 504  # bytes of an old GNU header, and of its extension, that state whether one follows


def _zstandard(packed: BinaryIO) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(packed, "zstd")


_COMPRESSED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda packed: gzip.GzipFile(fileobj=packed),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lambda packed: io.BufferedReader(XzFile(packed)),  # which reads in full
    b"(\xb5/\xfd": _zstandard,
}
"""How to unpack, by the first bytes."""


def members(file: File, state: Identity) -> Iterator[Member]:
    """The members of an archive that are no folders, in its order.

    Those of an uncompressed archive on this machine are `Piece`, all others `Held`.

    Args:
        file: The archive.
        state: Its identity.

    Raises:
        Truncated: It ends before its end mark.
        Malformed: It is no tar archive, or corrupt.
        Exception: Of reading and decompressing; see `failures.explained`.
    """
    with contextlib.ExitStack() as opened:
        stream = opened.enter_context(file.stream())
        first = stream.peek(6)[:6]  # type: ignore[attr-defined]
        if not first:
            raise Truncated("it is empty" if file.near else "it is empty, or its server does not state its size")
        unpack = next((unpack for magic, unpack in _COMPRESSED.items() if first.startswith(magic)), None)
        if unpack is None:
            yield from _members(_Plain(stream, state.bytes), file if file.near else None, state)
        else:
            yield from _members(_Unpacked(opened.enter_context(unpack(stream))), None, state)


class _Unpacked:
    """A position in a stream that only goes forward."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.position = stream, 0

    def read(self, length: int) -> bytes:
        """The next bytes; fewer at the end."""
        try:
            content = self.stream.read(length)
            while len(content) < length and (more := self.stream.read(length - len(content))):
                content += more
        except OSError as error:
            if type(error) in {OSError, gzip.BadGzipFile} and error.errno is None:  # of what unpacks it
                raise Malformed(f"it is corrupt or truncated ({error})") from None
            raise
        self.position += len(content)
        return content

    def finish(self) -> None:
        """Read what follows the end mark, so that the checksums of the compression are compared."""
        last = self.position + LIMIT
        while self.position < last and self.read(_STEP):
            pass

    def move(self, position: int) -> bool:
        """Go forward; returns whether the stream reaches so far."""
        while self.position < position and self.read(min(_STEP, position - self.position)):
            pass
        return self.position == position


class _Plain(_Unpacked):
    """A position in a file."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        super().__init__(stream)
        self.size = size

    def finish(self) -> None:
        """Nothing follows that has to be read."""

    def move(self, position: int) -> bool:
        """Go forward; returns whether the file reaches so far."""
        self.position = self.stream.seek(min(position, self.size))
        return self.position == position


class _Header(NamedTuple):
    name: str
    kind: bytes
    size: int
    sparse: bool


def _members(archive: _Unpacked, file: File | None, state: Identity) -> Iterator[Member]:
    for header in _headers(archive):
        start = archive.position
        stopped: list[Content] = []
        if header.kind != tarfile.DIRTYPE:
            kind = "links" if header.kind in _LINKS else "" if header.kind in tarfile.REGULAR_TYPES else "special files"
            yield Member(header.name, kind, functools.partial(_content, archive, header, file, state, stopped))
        if stopped:
            return
        # Other types than files have no data, those that are unknown excepted.
        stored = header.size if header.kind in tarfile.REGULAR_TYPES or header.kind not in tarfile.SUPPORTED_TYPES else 0
        if not archive.move(start + _whole_blocks(stored)):
            raise Truncated(f"it is truncated within {header.name}")


def _content(
    archive: _Unpacked, header: _Header, file: File | None, state: Identity, stopped: list[Content], name: str
) -> Content:
    """The content of a member at whose data the archive stands; `stopped` gets it if nothing can be read behind it."""
    own = identity(header.size, state)
    if header.sparse:
        return Failed(as_image_error(name, Malformed("it is stored as a sparse file, which noref does not read")), own)
    if header.size > LIMIT:
        return Failed(too_large(name, header.size), own)
    if file is not None and isinstance(archive, _Plain) and archive.position + header.size <= archive.size:
        return Piece(file, archive.position, header.size, own)
    try:
        with explained(name):
            content = archive.read(header.size)
            if len(content) < header.size:
                raise Truncated("its archive is truncated within it")
    except ImageError as error:
        stopped.append(Failed(error, own))
        return stopped[0]
    return Held(content, own)


def _headers(archive: _Unpacked) -> Iterator[_Header]:
    """The headers of members; the archive stands at the data of each, and is to be moved behind them."""
    everywhere: dict[str, str] = {}
    own: dict[str, str] = {}
    while True:
        block = archive.read(_BLOCK)
        if not block.strip(b"\0") and len(block) == _BLOCK:  # the end mark
            archive.finish()
            return
        if len(block) < _BLOCK:
            raise Truncated("it is truncated: it has no end mark")
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.TarError, ValueError):
            where = "its beginning is not that of a tar archive" if archive.position == _BLOCK else "it is corrupt"
            raise Malformed(f"{where} (byte {archive.position - _BLOCK})") from None
        if header.size < 0:
            raise Malformed(f"it is corrupt (byte {archive.position - _BLOCK})")
        if header.type in _PAX:
            own |= _records(_extended(archive, header))
        elif header.type == tarfile.XGLTYPE:
            everywhere |= _records(_extended(archive, header))
        elif header.type == tarfile.GNUTYPE_LONGNAME:
            own["path"] = _extended(archive, header).rstrip(b"\0").decode("utf-8", "surrogateescape")
        elif header.type == tarfile.GNUTYPE_LONGLINK:
            _extended(archive, header)
        else:
            facts, own = {**everywhere, **own}, {}
            if header.type == tarfile.GNUTYPE_SPARSE:
                _skip_map(archive, block)
            yield _completed(header, facts)


def _completed(header: tarfile.TarInfo, facts: dict[str, str]) -> _Header:
    """A header with what extended headers state."""
    size = facts.get("size", str(header.size))
    if not (size.isascii() and size.isdigit() and len(size) <= _DIGITS):
        raise Malformed("it is corrupt (a size that is no number, or too long a one)")
    sparse = header.type == tarfile.GNUTYPE_SPARSE or any(fact.startswith(_SPARSE.decode()) for fact in facts)
    name = facts.get("GNU.sparse.name", facts.get("path", header.name))
    return _Header(name, header.type, int(size), sparse)


def _skip_map(archive: _Unpacked, header: bytes) -> None:
    """Pass over the blocks that extend the header of an old GNU sparse file."""
    more = header[_SPARSE_MORE]
    while more:
        block = archive.read(_BLOCK)
        if len(block) < _BLOCK:
            raise Truncated("it is truncated within a header")
        more = block[_SPARSE_EVEN_MORE]


def _extended(archive: _Unpacked, header: tarfile.TarInfo) -> bytes:
    """The data of an extended header."""
    if header.size > _LONGEST:
        raise Malformed(f"it has an extended header of {header.size} bytes")
    content = archive.read(_whole_blocks(header.size))
    if len(content) < header.size:
        raise Truncated("it is truncated within an extended header")
    return content[: header.size]


def _records(content: bytes) -> dict[str, str]:
    """Those records of a pax header that are used: "LENGTH KEY=VALUE", each ended by a newline that counts.

    An archive may state any number of others. Keys that only tell of a sparse file are kept as one.
    """
    records = {}
    while content.strip(b"\0"):
        digits, _, _ = content.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        key, equals, value = content[len(digits) + 1 : length - 1].partition(b"=")
        if not equals or length <= len(digits) or content[length - 1 : length] != b"\n":
            raise Malformed("it has a corrupt pax header")
        kept = key if key in _USED else _SPARSE if key.startswith(_SPARSE) else None
        if kept is not None:
            records[kept.decode()] = value.decode("utf-8", "surrogateescape")
        content = content[length:]
    return records


def _whole_blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
