"""What goes in: read any picture safely into RGB pixels, or say exactly why not.

Rules, in this order: no strips; the first frame; rotated as its EXIF orientation says; 16-bit grey scaled to 8 (Pillow brings
16-bit colour to 8 bits itself); an embedded ICC profile brought to sRGB; transparency laid on white, as a web page shows it;
grey, palette and CMYK to RGB.
"""

import contextlib
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias, Union

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from noref import errors

Source: TypeAlias = Union[str, "os.PathLike[str]", bytes, BinaryIO, Image.Image, npt.NDArray[np.uint8]]

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")  # no EPS, PDF and the like: they run programs
EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif"}
    | {".avif", ".avifs", ".heic", ".heif", ".hif"}
)
MAX_PIXELS = 200_000_000
MAX_ASPECT = 50  # no photo is so narrow, and a strip brought down to a working size would lose its short side

_FORMATS_TEXT = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, or HEIC with pillow-heif installed"
_BRANDS = frozenset(b"ftyp" + b for b in (b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"))
_STRIP = 1024  # rows copied at a time, so that a large photo is not held three times over
_SRGB = ImageCms.createProfile("sRGB")
_pillow_limit = threading.RLock()
if hasattr(
    os, "register_at_fork"
):  # a fork waits for it: a forked process would find it held for ever, and Pillow without limit
    os.register_at_fork(
        before=_pillow_limit.acquire, after_in_parent=_pillow_limit.release, after_in_child=_pillow_limit.release
    )


class Photo(NamedTuple):
    """A picture ready to score.

    Attributes:
        name: The path as given, or a stand-in such as "<bytes>".
        pixels: uint8, H x W x 3, sRGB, upright.
        size: Width and height of the upright photo at full size.
        warnings: What a careful user would want to know of how it was read.
        reduced: 1, or the factor by which a JPEG was decoded at a smaller size: 2, 4 or 8.
    """

    name: str
    pixels: npt.NDArray[np.uint8]
    size: tuple[int, int]
    warnings: tuple[str, ...] = ()
    reduced: int = 1


def name_of(source: Source) -> str:
    """What to call a source in results and errors."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    if isinstance(source, np.ndarray):
        return "<array>"
    if isinstance(source, Image.Image):
        return getattr(source, "filename", "") or "<PIL image>"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "<bytes>"
    return str(getattr(source, "name", "<file object>" if hasattr(source, "read") else f"<{type(source).__name__}>"))


def read(source: Source, *, max_pixels: int = MAX_PIXELS, enough: int | None = None, least: int | None = None) -> Photo:
    """Read a path, bytes, a binary file object, a PIL image or an RGB array (uint8, H x W x 3; taken as sRGB).

    A file object is read from its start; a PIL image at the frame where it stands.

    Args:
        source: What to read.
        max_pixels: Larger images are refused.
        enough: Pixels that are enough: a JPEG may then be decoded, many times faster, at a half, a quarter or an eighth of its
            size, with at least that many pixels left. A PIL image is always decoded in full.
        least: Pixels a side that are enough, likewise.

    Raises:
        ImageError: One of its kinds, naming the source, the cause and the cure.
    """
    name = name_of(source)
    if isinstance(source, np.ndarray):
        _check_array(name, source)
        _check_size(name, source.shape[1], source.shape[0], max_pixels)
        return Photo(name, np.ascontiguousarray(source), (source.shape[1], source.shape[0]))
    if isinstance(source, Image.Image):
        _check_open(name, source)
        with _decoding(name):  # it may have been opened and not yet decoded
            return _convert(name, source, max_pixels, None, None)
    with _stream(name, source) as stream:
        return _decode(name, stream, max_pixels, enough, least)


def _check_open(name: str, image: Image.Image) -> None:
    """Refuse an image that was closed or verified before its pixels were decoded."""
    if isinstance(image, ImageFile.ImageFile) and image._im is None and image.fp is None:
        cause = "the PIL image was closed or verified and holds no pixels"
        raise errors.ImageNotFound(name, cause, "open it again, and score it before it is closed")


def _check_array(name: str, array: npt.NDArray[np.uint8]) -> None:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise errors.UnsupportedImage(
            name,
            f"the array is {array.dtype} of shape {array.shape}",
            "pass uint8 RGB of shape (height, width, 3) with values from 0 to 255",
        )


@contextlib.contextmanager
def _stream(name: str, source: Source) -> Iterator[BinaryIO]:
    """The source as a seekable stream that holds at least one byte."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        stream: BinaryIO = io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        try:
            stream = Path(source).open("rb")  # noqa: SIM115  (closed by the `with` below)
        except IsADirectoryError:
            cure = "pass a file; `noref score` searches folders that may be read"
            raise errors.ImageNotFound(name, "it is a folder", cure) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise errors.ImageNotFound(name, reason.lower(), "check the path and its permissions") from error
    elif hasattr(source, "read"):
        stream = io.BytesIO(_content(name, source))
    else:
        cause = f"cannot read an image from {type(source).__name__}"
        raise errors.UnsupportedImage(name, cause, "pass a path, bytes, a binary file object, a PIL image or an RGB array")
    with stream:
        try:
            if not stream.seekable():  # a pipe
                stream = io.BytesIO(stream.read())
            first = stream.read(1)
            stream.seek(0)
        except OSError as error:
            raise errors.ImageNotFound(name, str(error.strerror).lower(), "check the file") from error
        if not first:
            raise errors.EmptyImage(name, "the file is empty", "copy or download it again")
        yield stream


def _content(name: str, file: Any) -> bytes:
    """What a file object holds, from its start."""
    text = hasattr(file, "encoding")
    try:
        if not text and hasattr(file, "seekable") and file.seekable():
            file.seek(0)
        data = b"" if text else file.read()
    except Exception as error:  # the object is the caller's, and so are the kinds of its errors
        raise errors.ImageNotFound(name, str(error).lower(), "open it again") from error
    if text or not isinstance(data, bytes):
        raise errors.UnsupportedImage(name, "the file object is in text mode", "open the file in binary mode ('rb')")
    return data


def _decode(name: str, stream: BinaryIO, max_pixels: int, enough: int | None, least: int | None) -> Photo:
    formats = [*FORMATS, *_heif(stream)]
    with _decoding(name):
        try:
            image = _open(stream, formats)
        except UnidentifiedImageError as error:
            if _is_heif(stream) and "HEIF" not in formats:
                raise errors.UnsupportedImage(name, "HEIC needs a decoder", "pip install pillow-heif") from None
            if _begins_as_picture(stream):
                raise errors.DamagedImage(name, "damaged or cut off near its beginning", "copy or download it again") from error
            raise errors.NotAnImage(name, "not a picture", f"noref reads {_FORMATS_TEXT}") from error
        with image:
            return _convert(name, image, max_pixels, enough, least)


@contextlib.contextmanager
def _decoding(name: str) -> Iterator[None]:
    try:
        yield
    except (errors.ImageError, KeyboardInterrupt):
        raise
    except MemoryError as error:
        raise errors.ImageTooLarge(name, "not enough memory to decode it", "shrink it first") from error
    except Exception as error:  # on damaged data Pillow's decoders raise nearly every type there is
        if "closed image" in str(error) or "closed file" in str(error):
            raise errors.ImageNotFound(name, "the PIL image is closed", "open it again") from error
        if "MAX_TEXT" in str(error):
            cause = "it carries more text than Pillow reads"
            raise errors.UnsupportedImage(name, cause, "save it again without its metadata") from error
        raise errors.DamagedImage(name, f"damaged or cut off ({error})", "copy or download it again") from error


def _open(stream: BinaryIO, formats: list[str]) -> Image.Image:
    """Read the header only. Pillow's own pixel limit is off meanwhile, being below what we promise to read; ours follows."""
    with _pillow_limit:
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(stream, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = theirs


def _begins_as_picture(stream: BinaryIO) -> bool:
    stream.seek(0)
    head = stream.read(16)
    riff_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return riff_webp or head[4:12] in _BRANDS or head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*"))


def _too_large(name: str, size: str, max_pixels: int) -> errors.ImageTooLarge:
    limit = f"{max_pixels / 1e6:g} megapixels"
    return errors.ImageTooLarge(name, f"{size} (the limit is {limit})", "shrink it first, or raise max_pixels if you trust it")


def _check_size(name: str, width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise _too_large(name, f"{width} x {height} pixels", max_pixels)
    if not (width and height):
        raise errors.EmptyImage(name, f"{width} x {height} pixels", "there is nothing to score")
    if max(width, height) > MAX_ASPECT * min(width, height):
        cause = f"{width} x {height} pixels, more than {MAX_ASPECT} times as long as wide"
        raise errors.UnsupportedImage(name, cause, "cut out the part that is a photo")


def _is_heif(stream: BinaryIO) -> bool:
    """Whether it may be HEIC; some AVIF begins alike."""
    stream.seek(0)
    head = stream.read(12)
    stream.seek(0)
    return head[4:12] in _BRANDS and head[8:10] != b"av"


def _heif(stream: BinaryIO) -> tuple[str, ...]:
    """The format's name if the stream may be HEIC and its decoder is there; nothing for other streams."""
    if not _is_heif(stream):
        return ()
    try:
        import pillow_heif
    except ImportError:
        return ()
    pillow_heif.register_heif_opener()
    return ("HEIF",)


def _convert(name: str, image: Image.Image, max_pixels: int, enough: int | None, least: int | None) -> Photo:
    """The rules of this module's docstring, one after the other."""
    width, height = image.size
    _check_size(name, width, height, max_pixels)
    notes = []
    # The further frames of an MPO are previews; the caller of a PIL image may have chosen another frame.
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO" and not image.tell():
        notes.append(f"only the first of {image.n_frames} frames was read")  # type: ignore[attr-defined]
    if least is not None:
        image.draft(None, (least, least))
    if enough is not None:
        factor = next((each for each in (8, 4, 2) if -(-width // each) * -(-height // each) >= enough), 1)
        image.draft(None, (width // factor, height // factor))
    image.load()
    reduced = round(width / image.width)
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    if orientation != 1:  # else Pillow would copy the image for nothing, as below
        image = ImageOps.exif_transpose(image)
    size = (height, width) if orientation in (5, 6, 7, 8) else (width, height)
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N", "I"):
        image = _eight_bits(name, image)
    if image.mode not in ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"):
        raise errors.UnsupportedImage(name, f"pixels of mode {image.mode}", "save it as 8- or 16-bit grey or RGB")
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        if profile:
            rgba = _to_srgb(rgba, profile, "RGBA", notes)
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba).convert("RGB")
    else:
        if image.mode not in ("L", "RGB", "CMYK", "LAB"):
            image = image.convert("RGB")
        if profile:
            image = _to_srgb(image, profile, "RGB", notes)
        image = image if image.mode == "RGB" else image.convert("RGB")
    return Photo(name, _pixels(image), size, tuple(notes), reduced)


def _eight_bits(name: str, image: Image.Image) -> Image.Image:
    """16-bit grey (which Pillow may hold in 32 bits) to 8-bit grey, 65535 becoming 255; one value may be transparent."""
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise errors.UnsupportedImage(name, "32-bit pixels beyond 16 bits", "save it as 8- or 16-bit grey or RGB")
    eight = Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))
    info = dict(image.info)
    if (clear := info.pop("transparency", None)) is not None:  # a value of 16 bits, for which there is no place in 8
        eight.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    eight.info = info
    return eight


def _to_srgb(image: Image.Image, profile: bytes, mode: str, notes: list[str]) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        intent = ImageCms.Intent.PERCEPTUAL
        return ImageCms.profileToProfile(image, source, _SRGB, intent, outputMode=mode) or image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # broken, or not for this kind of pixels
        notes.append("its colour profile does not fit and was ignored")
        return image


def _pixels(image: Image.Image) -> npt.NDArray[np.uint8]:
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, _STRIP):
        bottom = min(top + _STRIP, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels
