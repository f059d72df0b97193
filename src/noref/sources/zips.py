"""Members of a zip archive: its directory is read in steps and not kept, each member by itself.

As in PKWARE's "APPNOTE.TXT - .ZIP File Format Specification" 6.3.10. The standard library's `ZipFile` is not used: it keeps a
record of every member, and threads that read members share its lock.
"""

import bz2
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from noref.errors import UnsupportedImage
from noref.images import Source
from noref.sources.contents import Failed, Named
from noref.sources.failures import LIMIT, Malformed, Truncated, as_image_error, explained, too_large
from noref.sources.found import Content, File, Identity
from noref.sources.members import Member, identity

_END, _END_64, _LOCATOR_64, _ENTRY, _LOCAL = (b"PK" + kind for kind in (b"\5\6", b"\6\6", b"\6\7", b"\1\2", b"\3\4"))
_END_FORM = struct.Struct("<4s4H2LH")
_END_64_FORM = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64_SIZE = 20
_ENTRY_FORM = struct.Struct("<4s6H3L5H2L")
_LOCAL_FORM = struct.Struct("<4s5H3L2H")
_COMMENT = 1 << 16  # bytes behind the end record, at most
_STEP = 1 << 20  # bytes of the directory read at a time
_SPARE = 1 << 10  # bytes by which the extra field before a member may exceed that in the directory, without another read
_ENCRYPTED, _UTF_8 = 1, 1 << 11  # flags
_ZIP64 = 1  # kind of an extra field
_UNIX = 3  # system whose file modes an entry holds
_STORED, _DEFLATED, _BZIP2 = 0, 8, 12


class _Entry(NamedTuple):
    """A member as the directory states it."""

    name: str
    mode: int
    encrypted: bool
    method: int
    checksum: int
    packed: int
    size: int
    start: int
    header: int


def members(file: File, state: Identity) -> Iterator[Member]:
    """The members of an archive that are no folders, in the order of its directory.

    Args:
        file: The archive.
        state: Its identity.

    Raises:
        Truncated: It has no directory, or ends within it.
        Malformed: It is corrupt, or one of several volumes.
        OSError: It cannot be read.
    """
    for entry in _entries(file, state.bytes):
        kind = stat.S_IFMT(entry.mode)
        if entry.name.endswith(("/", "\\")) or kind == stat.S_IFDIR:
            continue
        odd = "links" if kind == stat.S_IFLNK else "special files" if kind not in (0, stat.S_IFREG) else ""
        yield Member(entry.name, odd, partial(_content, file, entry, state))


def _content(file: File, entry: _Entry, archive: Identity, name: str) -> Content:
    state = identity(entry.size, archive)
    if entry.start + entry.packed > archive.bytes:
        damage = Malformed("its archive is corrupt or truncated: the member would end behind it")
        return Failed(as_image_error(name, damage), state)
    return Zipped(file, entry.start, entry.header, entry.packed, entry.method, entry.encrypted, entry.checksum, state)


@dataclass(frozen=True)
class Zipped:
    """A member of a zip archive.

    Attributes:
        file: The archive.
        start: Position of the header before the member.
        header: Bytes of that header, at most, if it is as in the directory.
        packed: Compressed size.
        method: Of compression.
        encrypted: Whether it is encrypted.
        checksum: CRC-32 of the content.
        state: Of the photo.
    """

    file: File
    start: int
    header: int
    packed: int
    method: int
    encrypted: bool
    checksum: int
    state: Identity

    @property
    def near(self) -> bool:
        """As of the archive."""
        return self.file.near

    @property
    def expected(self) -> int:
        """Its size, compressed and not."""
        return self.packed + self.state.bytes

    def identity(self) -> Identity:
        """As the directory states it."""
        return self.state

    def open(self, name: str) -> Source:
        """Its bytes.

        Raises:
            ImageError: They cannot be read, are encrypted, or more than the limit.
        """
        if self.encrypted:
            raise UnsupportedImage(name, "it is encrypted", "decrypt the archive, or unpack it")
        if (unpack := _METHODS.get(self.method)) is None:
            raise UnsupportedImage(name, f"zip compression {self.method} is not supported", "pack it again with deflate")
        if max(self.packed, self.state.bytes) > LIMIT:
            raise too_large(name, max(self.packed, self.state.bytes))
        with explained(name):
            content = unpack(self._stored(), self.state.bytes)
            if len(content) != self.state.bytes or zlib.crc32(content) != self.checksum:
                raise Malformed("it is corrupt: size or checksum differ from the directory of its archive")
            return Named(name, content)

    def _stored(self) -> bytes:
        found = self.file.read(self.start, self.header + _SPARE + self.packed)
        if len(found) < _LOCAL_FORM.size:
            raise Truncated("its archive is truncated before it")
        magic, *_, name, extra = _LOCAL_FORM.unpack_from(found)
        if magic != _LOCAL:
            raise Malformed("its archive is corrupt: no member begins where its directory states it")
        begin = _LOCAL_FORM.size + name + extra
        if begin + self.packed > len(found):
            found, begin = self.file.read(self.start + begin, self.packed), 0
        if begin + self.packed > len(found):
            raise Truncated("its archive is truncated within it")
        return found[begin : begin + self.packed]


def _inflated(packed: bytes, size: int) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)


def _unzipped2(packed: bytes, size: int) -> bytes:
    try:
        return bz2.BZ2Decompressor().decompress(packed, size + 1)
    except OSError as error:  # of the data: nothing is read here
        raise Malformed(f"it is corrupt ({str(error).lower()})") from None


_METHODS: dict[int, Callable[[bytes, int], bytes]] = {
    _STORED: lambda packed, _size: packed,
    _DEFLATED: _inflated,
    _BZIP2: _unzipped2,
}
"""Unpacks a member, at most one byte more than it should have."""


def _entries(file: File, size: int) -> Iterator[_Entry]:
    """The entries of the directory."""
    position, length, shift = _directory(file, size)
    end = position + length
    rest = b""
    while rest or position < end:
        step = file.read(position, min(_STEP, end - position))
        position += len(step)
        rest += step
        if not step and position < end:
            raise Truncated("it is truncated within its directory")
        start = 0
        while (entry := _parsed(rest, start, shift)) is not None:
            found, start = entry
            yield found
        if position >= end and start < len(rest):
            raise Malformed("its directory is corrupt")
        rest = rest[start:]


def _parsed(content: bytes, start: int, shift: int) -> tuple[_Entry, int] | None:
    """The entry at a position and the position behind it; None if it is not complete."""
    if start + _ENTRY_FORM.size > len(content):
        return None
    fields = _ENTRY_FORM.unpack_from(content, start)
    magic, made_by, _, flags, method, _, _, checksum, packed, size, names, extras, comments, _, _, attributes, place = fields
    if magic != _ENTRY:
        raise Malformed("its directory is corrupt")
    begin = start + _ENTRY_FORM.size
    end = begin + names + extras + comments
    if end > len(content):
        return None
    name = content[begin : begin + names].decode("utf-8" if flags & _UTF_8 else "cp437", "replace")
    size, packed, place = _with_zip64(content[begin + names : begin + names + extras], size, packed, place)
    mode = attributes >> 16 if made_by >> 8 == _UNIX else 0
    header = _LOCAL_FORM.size + names + extras
    return _Entry(name, mode, bool(flags & _ENCRYPTED), method, checksum, packed, size, place + shift, header), end


def _with_zip64(extra: bytes, *values: int) -> Iterator[int]:
    """Values that do not fit into 32 bits, from the extra field that holds them."""
    large = b""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _ZIP64:
            large = extra[4 : 4 + length]
        extra = extra[4 + length :]
    for value in values:
        if value == 0xFFFFFFFF and len(large) >= 8:
            yield struct.unpack_from("<Q", large)[0]
            large = large[8:]
        else:
            yield value


def _directory(file: File, size: int) -> tuple[int, int, int]:
    """Position and length of the directory, and by how much positions in it are too low: what stands before the archive."""
    tail_start = max(0, size - _END_FORM.size - _COMMENT - _LOCATOR_64_SIZE)
    tail = file.read(tail_start, size - tail_start)
    if not size:
        raise Truncated("it is empty" if file.near else "it is empty, or its server does not state its size")
    last = len(tail) - _END_FORM.size
    found = tail.rfind(_END, 0, last + len(_END)) if last >= 0 else -1
    while found >= 0 and _END_FORM.unpack_from(tail, found)[-1] > last - found:  # a comment of this length does not fit
        found = tail.rfind(_END, 0, found)
    if found < 0:
        raise Truncated("it has no directory at its end: it is truncated, or no zip archive")
    end = tail_start + found
    _, disk, first_disk, _, _, length, position, _ = _END_FORM.unpack_from(tail, found)
    locator = found - _LOCATOR_64_SIZE
    if locator >= 0 and tail[locator : locator + 4] == _LOCATOR_64:
        end = tail_start + locator - _END_64_FORM.size
        record = file.read(max(0, end), _END_64_FORM.size)
        if record[:4] != _END_64 or len(record) < _END_64_FORM.size:
            raise Malformed("its directory is corrupt")
        *_, disk, first_disk, _, _, length, position = _END_64_FORM.unpack(record)
    if disk or first_disk:
        raise Malformed("it is one of several volumes; join them first")
    if position + length > end:
        raise Malformed("its directory is corrupt")
    return end - length, length, end - length - position
