"""What a file is, by its first bytes, and which module reads it. The name of a file decides nothing."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from noref.errors import NotAnImage
from noref.images import gif, heif, isobmff, jpeg, jpeg2000, jxl, pillow, png, raw, tiff, unreadable, webp
from noref.images.photo import File, Photo

_HEAD = 1024  # bytes that tell formats apart


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
    Format("PNG", (".png", ".apng"), _begins(b"\x89PNG"), png.read),
    Format("WebP", (".webp",), lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", webp.read),
    Format("TIFF", (".tif", ".tiff"), _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), tiff.read),
    Format("camera raw", raw.EXTENSIONS, raw.matches, raw.read),
    Format("GIF", (".gif",), _begins(b"GIF8"), gif.read),
    Format("AVIF", (".avif", ".avifs"), isobmff.is_avif, heif.read_avif),
    Format("HEIC", (".heic", ".heif", ".hif"), isobmff.is_heif, heif.read_heic),
    Format("BMP", (".bmp", ".dib"), _is_bmp, partial(pillow.read, form="BMP")),
    Format(
        "JPEG 2000",
        (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jph"),
        _begins(jpeg2000.CODESTREAM, jpeg2000.CONTAINER),
        jpeg2000.read,
    ),
    Format("JPEG XL", (".jxl",), _begins(jxl.CODESTREAM, jxl.CONTAINER), jxl.read),
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
    if unreadable.matches(head):
        unreadable.refuse(file.name, head)
    names = ", ".join(form.name for form in FORMATS)
    raise NotAnImage(file.name, "not an image, or of a format that noref does not know", f"noref reads {names}")
