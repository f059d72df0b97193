"""Signatures of formats: those that need more than a constant in `formats`, or that the module of the format uses as well."""

from collections.abc import Callable

JPEG_2000_CODESTREAM = b"\xff\x4f\xff\x51"  # SOC, SIZ
JPEG_2000_CONTAINER = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
JPEG_XL_CODESTREAM = b"\xff\x0a"
JPEG_XL_CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_RAW = (
    b"IIRO",  # Olympus
    b"IIRS",
    b"MMOR",
    b"IIU\0",  # Panasonic, Leica
    b"FUJIFILMCCD-RAW",
    b"\0MRM",  # Minolta
    b"FOVb",  # Sigma
)


def begins(*signatures: bytes) -> Callable[[bytes], bool]:
    """A function that states whether a head begins with one of the signatures."""
    return lambda head: head.startswith(signatures)


def is_webp(head: bytes) -> bool:
    """Whether a file begins as WebP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def is_bmp(head: bytes) -> bool:
    """Whether a file begins as BMP, with a header of a known size."""
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124)


def is_raw(head: bytes) -> bool:
    """Whether a file begins as camera raw that is not built like TIFF, which `tiff` reads."""
    return head.startswith(_RAW) or head[4:12] == b"ftypcrx " or head[6:14] == b"HEAPCCDR"  # Canon's CR3 and CRW
