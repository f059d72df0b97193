"""Boxes of ISO base media files (ISO/IEC 14496-12), which AVIF, HEIF and JPEG 2000 share, and the colours that they declare."""

from collections.abc import Iterator
from typing import NamedTuple

from noref.images.cicp import Cicp

_AVIF = frozenset((b"avif", b"avis"))
_HEIF = frozenset((b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevx", b"mif1", b"msf1"))
_MOST_BOXES = 4096  # of one level; no photo has nearly so many
_MOST_ASSOCIATIONS = 1 << 20  # bytes
_FULL = 4  # bytes of version and flags
_TRACK = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_ENTRY_COUNT, _SAMPLE_ENTRY = 8, 78  # bytes before the boxes of stsd, and of a visual sample entry


class Box(NamedTuple):
    """A box: its type, and where its content begins and ends in the data."""

    kind: bytes
    start: int
    stop: int


def boxes(data: bytes, start: int = 0, stop: int | None = None) -> Iterator[Box]:
    """The boxes of a part of the data. Never fails: a box that ends beyond the part is cut."""
    stop = len(data) if stop is None else stop
    for _ in range(_MOST_BOXES):
        if start + 8 > stop:
            return
        size, kind, head = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        end = min(start + size, stop) if size else stop
        if end < start + head:
            return
        yield Box(kind, start + head, end)
        start = end


def find(data: bytes, *path: bytes, start: int = 0, stop: int | None = None) -> Box | None:
    """The first box at a path of types."""
    for box in boxes(data, start, stop):
        if box.kind == path[0]:
            skip = _FULL if box.kind == b"meta" else _ENTRY_COUNT if box.kind == b"stsd" else 0
            found = find(data, *path[1:], start=box.start + skip, stop=box.stop) if path[1:] else box
            if found is not None:
                return found
    return None


def brands(head: bytes) -> list[bytes]:
    """Major brand first, then the compatible ones; none where a file does not begin with them."""
    if head[4:8] != b"ftyp":
        return []
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]


def is_avif(head: bytes) -> bool:
    """Whether a file begins as AVIF, also under a brand that HEIC shares."""
    found = brands(head)
    return bool(found) and (found[0] in _AVIF or (found[0] in _HEIF and not _AVIF.isdisjoint(found)))


def is_heif(head: bytes) -> bool:
    """Whether a file begins as HEIC, or as an image of this container under another brand."""
    return not _HEIF.isdisjoint(brands(head)) and not is_avif(head)


def code_points(data: bytes) -> Cicp | None:
    """The nclx colours of the primary item of AVIF or HEIF, or of the track of a sequence without one."""
    item = find(data, b"meta", b"pitm")
    for box in _properties(data, item) if item else _sample_entry(data):
        if box.kind == b"colr" and data[box.start : box.start + 4] == b"nclx" and box.stop - box.start >= 10:
            primaries, transfer = (int.from_bytes(data[box.start + at : box.start + at + 2], "big") for at in (4, 6))
            return Cicp(primaries, transfer)
    return None


def _properties(data: bytes, item: Box) -> Iterator[Box]:
    """The properties of an item, which pitm names."""
    primary = int.from_bytes(data[item.start + _FULL : item.stop], "big")
    container, associations = (find(data, b"meta", b"iprp", kind) for kind in (b"ipco", b"ipma"))
    if container is None or associations is None:
        return
    properties = list(boxes(data, container.start, container.stop))
    stop = min(associations.stop, associations.start + _MOST_ASSOCIATIONS)
    for index in _associated(data[associations.start : stop], primary):
        if 0 < index <= len(properties):
            yield properties[index - 1]


def _associated(ipma: bytes, item: int) -> Iterator[int]:
    """Indices of the properties of an item, counted from 1."""
    version, wide = ipma[:1], bool(ipma[3:4] and ipma[3] & 1)
    id_bytes, index_bytes, at = 2 if version == b"\0" else 4, 2 if wide else 1, 8
    while at + id_bytes < len(ipma):
        found, count = int.from_bytes(ipma[at : at + id_bytes], "big"), ipma[at + id_bytes]
        at += id_bytes + 1
        for _ in range(count):
            index = int.from_bytes(ipma[at : at + index_bytes], "big") & ((1 << (8 * index_bytes - 1)) - 1)
            at += index_bytes
            if found == item:
                yield index


def _sample_entry(data: bytes) -> Iterator[Box]:
    """The boxes of the sample entry of a sequence's first track."""
    track = find(data, *_TRACK)
    entry = next(boxes(data, track.start + _ENTRY_COUNT, track.stop), None) if track else None
    return boxes(data, entry.start + _SAMPLE_ENTRY, entry.stop) if entry else iter(())
