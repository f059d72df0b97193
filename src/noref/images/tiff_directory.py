"""The image file directories of a TIFF or BigTIFF file: tags and their values, read on demand and never beyond the file."""

import struct
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np

SUB_IFDS = 330
_MOST_ENTRIES = 4096  # of one directory; what has more is not a directory
_MOST_CHILDREN = 64
_BUDGET = 400_000  # entries and pointers to SubIFDs of all directories together, so that no file keeps us reading
_MOST_VALUES = 1 << 18  # of one tag; no page needs more
_ASCII, _RATIONAL, _UNDEFINED = 2, 5, 7
_NUMBERS = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
_SIZES = {_ASCII: 1, _RATIONAL: 8, _UNDEFINED: 1} | {kind: int(form[1]) for kind, form in _NUMBERS.items()}


class _Form(NamedTuple):
    """How a file stores numbers: byte order as `struct` writes it, and the formats of a length, an entry and a pointer."""

    order: str
    length: str
    entry: str
    pointer: str


@dataclass(frozen=True)
class _Store:
    stream: BinaryIO
    size: int
    form: _Form

    def bytes_at(self, offset: int, size: int, most: int | None = None) -> bytes:
        """These bytes, or the first `most` of them; none where they are not all in the file."""
        if offset + size > self.size:
            return b""
        self.stream.seek(offset)
        return self.stream.read(size if most is None else min(size, most))

    def numbers_at(self, offset: int, form: str) -> tuple[int, ...]:
        data = self.bytes_at(offset, struct.calcsize(self.form.order + form))
        return struct.unpack(self.form.order + form, data) if data else ()


@dataclass(frozen=True)
class Directory:
    """One directory.

    Attributes:
        offset: Its position in the file.
        following: Declared position of the next directory; 0 if there is none.
        parent: The directory whose SubIFD it is.
    """

    offset: int
    following: int
    parent: "Directory | None"
    _entries: dict[int, tuple[int, int, bytes]]  # tag -> type, count, value or pointer to it
    _length: int  # entries in the file, of which several may have the same tag
    _store: _Store

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    @property
    def order(self) -> str:
        """Byte order of the file, "<" or ">"."""
        return self._store.form.order

    def data(self, tag: int, most: int | None = None) -> bytes:
        """All or the first `most` values as bytes; empty where the tag is absent, of no known type, or not within the file."""
        kind, count, value = self._entries.get(tag, (0, 0, b""))
        each = _SIZES.get(kind, 0)
        size, wanted = each * count, None if most is None else each * most
        if size <= len(value):
            return value[:size][:wanted]
        (pointer,) = struct.unpack(self.order + self._store.form.pointer, value)
        return self._store.bytes_at(pointer, size, wanted)

    def numbers(self, tag: int) -> list[float]:
        """The values; rationals as quotients; empty where the tag is absent, not numeric, or not within the file."""
        data, kind = self.data(tag, _MOST_VALUES), self._entries.get(tag, (0, 0, b""))[0]
        if kind == _RATIONAL:
            pairs = np.frombuffer(data, self.order + "u4").reshape(-1, 2).astype(float)
            return (pairs[:, 0] / np.maximum(pairs[:, 1], 1)).tolist()
        return self.integers(tag)  # type: ignore[return-value]  # an int passes for a float

    def integers(self, tag: int, most: int = _MOST_VALUES) -> list[int]:
        """The first `most` values; empty where the tag is absent, not of an integer type, or not within the file."""
        form = _NUMBERS.get(self._entries.get(tag, (0, 0, b""))[0])
        return np.frombuffer(self.data(tag, most), self.order + form).tolist() if form else []

    def integer(self, tag: int, default: int) -> int:
        """The first value, or the default where there is none."""
        return next(iter(self.integers(tag, 1)), default)

    def is_single(self, tag: int) -> bool:
        """Whether the value is one integer."""
        return self._entries.get(tag, (0, 0, b""))[1] == 1 and bool(self.integers(tag))


class Chain(NamedTuple):
    """The directories of a file.

    Attributes:
        directories: Those that follow one another from the header on.
        children: Their SubIFDs.
        whole: Whether the chain ends as it should; not so where a pointer leads nowhere, into a loop, or to too many.
    """

    directories: list[Directory]
    children: list[Directory]
    whole: bool


def read_chain(stream: BinaryIO) -> Chain:
    """The directories of a stream that begins as TIFF; data that are no directory end the chain."""
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(8)
    order = "<" if head[:2] == b"II" else ">"
    big = 43 in head[2:4]
    store = _Store(stream, size, _Form(order, "Q", "HHQ8s", "Q") if big else _Form(order, "H", "HHI4s", "I"))
    offset = next(iter(store.numbers_at(8 if big else 4, store.form.pointer)), 0)
    directories: list[Directory] = []
    children: list[Directory] = []
    seen: set[int] = set()
    budget = _BUDGET
    while offset:
        directory = None if offset in seen or budget < 0 else _read(store, offset, None)
        if directory is None:
            return Chain(directories, children, False)
        seen.add(offset)
        directories.append(directory)
        pointers = directory.integers(SUB_IFDS, _MOST_CHILDREN)
        family = [directory, *filter(None, (_read(store, pointer, directory) for pointer in pointers if pointer > 0))]
        children += family[1:]
        budget -= len(pointers) + sum(one._length for one in family)
        offset = directory.following
    return Chain(directories, children, True)


def _read(store: _Store, offset: int, parent: Directory | None) -> Directory | None:
    """The directory at an offset; None where there is none."""
    form = store.form
    (count,) = store.numbers_at(offset, form.length) or (0,)
    start, step = offset + struct.calcsize(form.order + form.length), struct.calcsize(form.order + form.entry)
    table = store.bytes_at(start, count * step) if 0 < count <= _MOST_ENTRIES else b""
    if not table:
        return None
    entries = {tag: (kind, number, value) for tag, kind, number, value in struct.iter_unpack(form.order + form.entry, table)}
    (following,) = store.numbers_at(start + count * step, form.pointer) or (0,)
    return Directory(offset, following, parent, entries, count, store)
