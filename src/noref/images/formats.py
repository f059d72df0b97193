"""Detection of formats by the first bytes, and the module that reads each. File names are not used."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from noref.errors import NotAnImage
from noref.images import gif, heif, isobmff, jpeg, jpeg2000, jxl, pillow, png, raw, tiff, unreadable, webp
from noref.images.photo import File, Photo, Size
from noref.images.unreadable import begins

_HEAD = 1024  # bytes that identify the format


class Format(NamedTuple):
    """A known format.

    Attributes:
        name: Its usual name.
        extensions: Of its files, lower case; folders are searched for them.
        matches: Whether a file that begins with these bytes is of this format.
        read: Reads such a file, or raises the `ImageError` with the reason.
        size: Width and height of the upright image from its header; raises as `read`, as far as the header goes.
    """

    name: str
    extensions: tuple[str, ...]
    matches: Callable[[bytes], bool]
    read: Callable[[File], Photo]
    size: Callable[[File], Size]


def _is_bmp(head: bytes) -> bool:
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124)


FORMATS = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), begins(b"\xff\xd8\xff"), jpeg.read, jpeg.size),
    Format("PNG", (".png", ".apng"), begins(b"\x89PNG"), png.read, png.size),
    Format("WebP", (".webp",), lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", webp.read, webp.size),
    Format("TIFF", (".tif", ".tiff"), begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), tiff.read, tiff.size),
    Format("camera raw", raw.EXTENSIONS, raw.matches, raw.read, raw.size),
    Format("GIF", (".gif",), begins(b"GIF8"), gif.read, partial(pillow.size, form="GIF")),
    Format("AVIF", (".avif", ".avifs"), isobmff.is_avif, heif.read_avif, heif.size_of_avif),
    Format("HEIC", (".heic", ".heif", ".hif"), isobmff.is_heif, heif.read_heic, heif.size_of_heic),
    Format("BMP", (".bmp", ".dib"), _is_bmp, partial(pillow.read, form="BMP"), partial(pillow.size, form="BMP")),
    Format(
        "JPEG 2000",
        (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jph"),
        begins(jpeg2000.CODESTREAM, jpeg2000.CONTAINER),
        jpeg2000.read,
        jpeg2000.size,
    ),
    Format("JPEG XL", (".jxl",), begins(jxl.CODESTREAM, jxl.CONTAINER), jxl.read, jxl.size),
)
EXTENSIONS = frozenset(extension for form in FORMATS for extension in form.extensions)


def read(file: File) -> Photo:
    """Read a file of any format.

    Raises:
        NotAnImage: It is of none.
        ImageError: Another of its kinds.
    """
    return _format_of(file).read(file)


def size(file: File) -> Size:
    """Width and height of the upright image, from the header of a file of any format.

    Raises:
        NotAnImage: It is of none.
        ImageError: Another of its kinds.
    """
    return _format_of(file).size(file)


def detected(head: bytes) -> Format | None:
    """The format of a file that begins with these bytes; None if it is of none."""
    return next((form for form in FORMATS if form.matches(head)), None)


def _format_of(file: File) -> Format:
    head = file.stream.read(_HEAD)
    file.stream.seek(0)
    if form := detected(head):
        return form
    if unreadable.matches(head):
        unreadable.refuse(file.name, head)
    names = ", ".join(form.name for form in FORMATS)
    raise NotAnImage(file.name, "not an image, or of an unknown format", f"noref reads {names}")
