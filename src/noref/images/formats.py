"""What a file is, by its first bytes, and which module reads it. The name of a file decides nothing."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from noref.errors import NotAnImage
from noref.images import heif, jpeg, pillow, raw, tiff
from noref.images.photo import File, Photo

_HEAD = 64  # bytes that tell formats apart


class Format(NamedTuple):
    """A format that noref knows.

    Attributes:
        name: As users know it.
        extensions: Of its files, lower case; folders are searched for them.
        matches: Whether a file that begins with these bytes is of this format.
        read: Reads such a file, or raises the `ImageError` that says why not.
    """

    name: str
    extensions: tuple[str, ...]
    matches: Callable[[bytes], bool]
    read: Callable[[File], Photo]


def _begins(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _is_bmp(head: bytes) -> bool:
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124)


FORMATS = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), _begins(b"\xff\xd8\xff"), jpeg.read),
    Format("PNG", (".png", ".apng"), _begins(b"\x89PNG"), partial(pillow.read, form="PNG")),
    Format("WebP", (".webp",), lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", partial(pillow.read, form="WEBP")),
    Format("TIFF", (".tif", ".tiff"), _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), tiff.read),
    Format("camera raw", raw.EXTENSIONS, raw.matches, raw.read),
    Format("GIF", (".gif",), _begins(b"GIF8"), partial(pillow.read, form="GIF")),
    Format("AVIF", (".avif", ".avifs"), heif.is_avif, partial(pillow.read, form="AVIF")),
    Format("HEIC", (".heic", ".heif", ".hif"), heif.is_heif, heif.read),
    Format("BMP", (".bmp", ".dib"), _is_bmp, partial(pillow.read, form="BMP")),
)
EXTENSIONS = frozenset(extension for form in FORMATS for extension in form.extensions)


def read(file: File) -> Photo:
    """Read a file of any format.

    Raises:
        NotAnImage: It is of none.
        ImageError: Another of its kinds.
    """
    head = file.stream.read(_HEAD)
    file.stream.seek(0)
    for form in FORMATS:
        if form.matches(head):
            return form.read(file)
    names = ", ".join(form.name for form in FORMATS)
    raise NotAnImage(file.name, "not an image", f"noref reads {names}")
