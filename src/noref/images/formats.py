"""Detection of formats by the first bytes, and the module that reads each. File names are not used."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, Protocol, cast

from noref.errors import NotAnImage
from noref.images import isobmff, signatures, unreadable
from noref.images.locks import fork_safe_lock
from noref.images.photo import File, Photo, Size
from noref.images.signatures import begins

_HEAD = 1024  # bytes that identify the format
_importing = fork_safe_lock()  # a forked process cannot end an import that another thread had begun
_RAW_EXTENSIONS = (
    *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".orf", ".rw2", ".rwl", ".raf", ".pef", ".srw"),
    *(".3fr", ".fff", ".iiq", ".mos", ".dcr", ".kdc", ".mrw", ".x3f", ".erf", ".mef"),
)


class Reader(Protocol):
    """Interface of the module of a format."""

    def read(self, file: File, /) -> Photo:
        """Read such a file, or raise the `ImageError` with the reason."""

    def size(self, file: File, /) -> Size:
        """Width and height of the upright image from its header; raises as `read`, as far as the header goes."""


class Format(NamedTuple):
    """A known format.

    Attributes:
        name: Its usual name.
        extensions: Of its files, lower case; folders are searched for them.
        matches: Whether a file that begins with these bytes is of this format.
        module: The name of its module in this package.
    """

    name: str
    extensions: tuple[str, ...]
    matches: Callable[[bytes], bool]
    module: str

    @property
    def reader(self) -> Reader:
        """Its module, imported when the first file of the format is read, so that `import noref` is fast."""
        with _importing:
            return cast(Reader, import_module(f"noref.images.{self.module}"))


FORMATS = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), begins(b"\xff\xd8\xff"), "jpeg"),
    Format("PNG", (".png", ".apng"), begins(b"\x89PNG"), "png"),
    Format("WebP", (".webp",), signatures.is_webp, "webp"),
    Format("TIFF", (".tif", ".tiff"), begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "tiff"),
    Format("camera raw", _RAW_EXTENSIONS, signatures.is_raw, "raw"),
    Format("GIF", (".gif",), begins(b"GIF8"), "gif"),
    Format("AVIF", (".avif", ".avifs"), isobmff.is_avif, "avif"),
    Format("HEIC", (".heic", ".heif", ".hif"), isobmff.is_heif, "heic"),
    Format("BMP", (".bmp", ".dib"), signatures.is_bmp, "bmp"),
    Format(
        "JPEG 2000",
        (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jph"),
        begins(signatures.JPEG_2000_CODESTREAM, signatures.JPEG_2000_CONTAINER),
        "jpeg2000",
    ),
    Format("JPEG XL", (".jxl",), begins(signatures.JPEG_XL_CODESTREAM, signatures.JPEG_XL_CONTAINER), "jxl"),
)
EXTENSIONS = frozenset(extension for form in FORMATS for extension in form.extensions)


def read(file: File) -> Photo:
    """Read a file of any format.

    Raises:
        NotAnImage: It is of none.
        ImageError: Another of its kinds.
    """
    return _format_of(file).reader.read(file)


def size(file: File) -> Size:
    """Width and height of the upright image, from the header of a file of any format.

    Raises:
        NotAnImage: It is of none.
        ImageError: Another of its kinds.
    """
    return _format_of(file).reader.size(file)


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
