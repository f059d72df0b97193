"""TIFF: the full-resolution page, its samples converted to 8 bits as the page declares their meaning.

Depths of 1 to 16 bits, grey (also WhiteIsZero), RGB, palette, CMYK, luma and chroma, and L*a*b* are read, in strips, tiles or
planes; the rest is refused by name. A page is decoded band after band, so memory is bounded by its 8-bit pixels and its largest
strip or tile.
"""

import io
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageCms

from noref.errors import DamagedImage, UnsupportedImage
from noref.images import convert, jpeg, orientation, raw, tiff_pages, tiff_samples
from noref.images.decoding import COPY_AGAIN, SAVE_AS
from noref.images.limits import check_size
from noref.images.photo import File, Photo, Size
from noref.images.tiff_decoders import Bytes
from noref.images.tiff_directory import Chain, Directory, read_chain
from noref.images.tiff_page import ASSOCIATED, CCITT, LAB, Page
from noref.images.tiff_samples import Samples
from noref.images.tiff_tags import Compression, Photometric, Tag

_Meaning: TypeAlias = Callable[[Samples], Bytes]
"""Samples of the colours to 8-bit grey (rows x width x 1), RGB (x 3) or CMYK (x 4)."""

_MEASURED = (Photometric.WHITE_IS_ZERO, Photometric.BLACK_IS_ZERO, Photometric.RGB, Photometric.CMYK)  # MaxSampleValue counts
_HEAD = 16
_MOST_RAW_DIRECTORIES = 64  # of which the data are checked; LibRaw reads 20 of a file
_ICC_WHITE = 0xFF00  # L* = 100 in 16 bits as ICC encodes it


def read(file: File) -> Photo:
    """Read a TIFF file; camera raw that is built like TIFF is developed.

    Raises:
        DamagedImage: Data are lost or corrupt, as far as the compression shows it.
        UnsupportedImage: The page is of a kind that is not read.
        ImageError: Another of its kinds.
    """
    head = file.stream.read(_HEAD)
    chain = read_chain(file.stream)
    if tiff_pages.is_raw(head, chain):
        _check_raw(file, chain)
        return raw.read(file)
    page, warnings = _choice(file, chain)
    if page.compression == Compression.OLD_JPEG:
        return _old_jpeg(file, page, warnings)
    white, notes = _white(file, page)
    decoded = _decode(file, page, white)
    return convert.finish(
        file.name,
        decoded,
        exif_orientation=_orientation(page.directory),
        colors=_profile(page),
        warnings=(*warnings, *notes, *_notes(page)),
    )


def size(file: File) -> Size:
    """Width and height of the upright photo; raises as `read`, as far as the directories go."""
    head = file.stream.read(_HEAD)
    chain = read_chain(file.stream)
    if tiff_pages.is_raw(head, chain):
        _check_raw(file, chain)
        return raw.size(file)
    page, _ = _choice(file, chain)
    return orientation.upright((page.width, page.height), _orientation(page.directory))


def _choice(file: File, chain: Chain) -> tiff_pages.Choice:
    """Choose the page that is the photo, and check that it can be read."""
    choice = tiff_pages.choose(chain)
    if choice is None:
        raise DamagedImage(file.name, "damaged or truncated: no page", COPY_AGAIN)
    page = choice.page
    if page.corrupt_tags:
        raise DamagedImage(file.name, f"damaged: no single value for {', '.join(page.corrupt_tags)}", COPY_AGAIN)
    check_size(file.name, page.width, page.height, file.max_pixels)
    if reason := page.unsupported:
        raise UnsupportedImage(file.name, reason, SAVE_AS)
    return choice


def _check_raw(file: File, chain: Chain) -> None:
    """LibRaw does not report a DNG that lacks a few bytes at its end."""
    is_dng = any(Tag.DNG_VERSION in one for one in chain.directories)
    for one in (chain.directories + chain.children)[:_MOST_RAW_DIRECTORIES] if is_dng else []:
        if tiff_samples.count_beyond(file.stream, *tiff_samples.places(one)):
            raise DamagedImage(file.name, "truncated: some of its data are not within the file", COPY_AGAIN)


def _old_jpeg(file: File, page: Page, warnings: tuple[str, ...]) -> Photo:
    """The complete JPEG file that most pages of old-style JPEG hold."""
    start, size = (page.directory.integer(tag, 0) for tag in (Tag.JPEG_INTERCHANGE, Tag.JPEG_INTERCHANGE_LENGTH))
    within = 0 < start < start + size <= file.stream.seek(0, io.SEEK_END)
    if within and page.photometric in (Photometric.BLACK_IS_ZERO, Photometric.YCBCR) and _orientation(page.directory) == 1:
        file.stream.seek(start)
        photo = jpeg.read(file._replace(stream=io.BytesIO(file.stream.read(size))))
        if photo.size == (page.width, page.height):
            return photo._replace(warnings=(*warnings, *photo.warnings))
    raise UnsupportedImage(file.name, "TIFF compressed with old-style JPEG", SAVE_AS)


def _orientation(directory: Directory) -> int:
    """EXIF orientation, of the parent where the page is a SubIFD without its own."""
    inherited = _orientation(directory.parent) if directory.parent else orientation.UPRIGHT
    found = directory.integer(Tag.ORIENTATION, inherited)
    return found if 1 <= found <= 8 else orientation.UPRIGHT


def _profile(page: Page) -> bytes | None:
    if page.photometric in LAB:  # absolute colours
        return None
    own, parent = page.directory.data(Tag.ICC_PROFILE), page.directory.parent
    return own or (parent.data(Tag.ICC_PROFILE) if parent else b"") or None


def _notes(page: Page) -> tuple[str, ...]:
    notes = []
    if page.compression in CCITT:
        notes.append("its CCITT compression would not show corrupt data")
    if page.extras[:1] == (None,):
        notes.append("an undeclared extra channel was taken for transparency")
    if ignored := page.samples - page.colors - (page.alpha is not None):
        notes.append(f"{ignored} extra channel{'s' if ignored > 1 else ''} ignored")
    return tuple(notes)


def _white(file: File, page: Page) -> tuple[int, tuple[str, ...]]:
    """The value of full intensity, and a warning if it is doubtful: MaxSampleValue, unless larger values occur."""
    full = (1 << page.bits[0]) - 1
    declared = max(page.directory.integers(Tag.MAX_SAMPLE_VALUE)[: page.colors], default=full)
    if page.photometric not in _MEASURED or not 0 < declared < full:
        return full, ()
    highest = max(int(band[..., : page.colors].max()) for band in _bands(file, page))
    if highest > declared:
        return full, (f"its MaxSampleValue of {declared} was ignored: there are values up to {highest}",)
    return declared, () if declared & (declared + 1) == 0 else (f"its MaxSampleValue of {declared} was taken for white",)


def _bands(file: File, page: Page) -> Iterator[Samples]:
    return tiff_samples.bands(file.name, file.stream, page, file.max_pixels)


def _decode(file: File, page: Page, white: int) -> convert.Decoded:
    meaning, alpha = _meaning(page, white), page.alpha
    scale = _scale(page.bits[0], white)
    pixels, top = np.empty((0, 0, 0), np.uint8), 0
    for band in _bands(file, page):
        colors = meaning(band[..., : page.colors])
        channels = colors.shape[2]
        if not top:
            pixels = np.empty((page.height, page.width, channels + (alpha is not None)), np.uint8)
        rows = pixels[top : top + len(band)]
        rows[..., :channels] = colors
        if alpha is not None:
            rows[..., -1] = scale[band[..., alpha]]
            if page.extras[alpha - page.colors] == ASSOCIATED:
                _divide(rows)
        top += len(band)
    if alpha is not None:
        return Image.fromarray(pixels)  # LA or RGBA
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def _divide(rows: Bytes) -> None:
    """Divide premultiplied colours by alpha."""
    opacity = np.maximum(rows[..., -1:], 1).astype(np.uint16)
    rows[..., :-1] = np.minimum((rows[..., :-1] * np.uint16(255) + opacity // 2) // opacity, 255)


def _scale(bits: int, white: int) -> Bytes:
    """The 8 bits of every value of so many bits."""
    values = np.minimum(np.arange(1 << bits), white)
    return ((values * 255 + white // 2) // white).astype(np.uint8)


def _meaning(page: Page, white: int) -> _Meaning:
    """The conversion of the page's samples to 8-bit grey, RGB or CMYK."""
    bits, scale = page.bits[0], _scale(page.bits[0], white)
    match page.photometric:
        case Photometric.WHITE_IS_ZERO:
            return lambda samples: (255 - scale)[samples]
        case Photometric.PALETTE:
            palette = _palette(page)
            return lambda samples: palette[samples[..., 0]]
        case Photometric.YCBCR if not page.jpeg_colors:
            return lambda samples: np.asarray(Image.fromarray(np.ascontiguousarray(samples), "YCbCr").convert("RGB"))
        case Photometric.CIELAB | Photometric.ICCLAB:
            return _lab(bits, icc=page.photometric == Photometric.ICCLAB)
        case _:
            return lambda samples: scale[samples]


def _palette(page: Page) -> Bytes:
    """The colours of a palette, rows of RGB; of 16 bits, or of 8 where none exceeds them, as some writers do."""
    size = 1 << page.bits[0]
    values = np.array(page.directory.integers(Tag.COLOR_MAP)[: 3 * size]).reshape(3, size).T
    return values.astype(np.uint8) if values.max() < 256 else _scale(16, 0xFFFF)[values]


def _lab(bits: int, *, icc: bool) -> _Meaning:
    """L*a*b* (D50) of 8 or 16 bits to sRGB; a* and b* are signed, or offset by half the range as ICC encodes them."""
    values = np.arange(1 << bits)
    lightness = _scale(bits, _ICC_WHITE if icc and bits == 16 else (1 << bits) - 1)
    signed = values - (1 << bits - 1) if icc else (values ^ (1 << bits - 1)) - (1 << bits - 1)
    chroma = np.clip(np.rint(signed / (1 << bits - 8)), -128, 127).astype(np.int8).view(np.uint8)
    to_srgb = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")

    def meaning(samples: Samples) -> Bytes:
        lab = np.stack([lightness[samples[..., 0]], chroma[samples[..., 1]], chroma[samples[..., 2]]], axis=2)
        return np.asarray(to_srgb.apply(Image.fromarray(lab, "LAB")))

    return meaning
