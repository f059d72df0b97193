"""PNG files made chunk by chunk."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"\0\0\0\0IEND\xaeB\x60\x82"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(png: bytes, kind: bytes, data: bytes) -> bytes:
    """A PNG file with a further chunk before its pixels."""
    at = png.index(b"IDAT") - 4
    return png[:at] + chunk(kind, data) + png[at:]


def raw_png(
    rows: bytes, width: int, height: int, *, depth: int = 8, color: int = 2, interlaced: int = 0, extra: bytes = b""
) -> bytes:
    """A PNG file of these rows, each with its filter type."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))
    return SIGNATURE + header + extra + chunk(b"IDAT", zlib.compress(rows)) + END


def chunks(png: bytes) -> list[tuple[bytes, int, int]]:
    """Type, start and size of each chunk."""
    found, at = [], len(SIGNATURE)
    while at < len(png):
        size = 12 + int.from_bytes(png[at : at + 4], "big")
        found.append((png[at + 4 : at + 8], at, size))
        at += size
    return found
