"""AVIF, through Pillow, and HEIC, through pillow-heif where it is installed.

Colours follow the nclx code points where these signal HDR; otherwise the ICC profile, or nclx where there is no profile (MIAF,
ISO/IEC 23000-22). Code points that are only in the bitstream are not read: such colours are treated as sRGB.
"""

import io
from typing import Any

import numpy as np

from noref.images import convert, orientation, pillow
from noref.images.cicp import Cicp, Conversion, conversion
from noref.images.decoding import decoding, importing
from noref.images.isobmff import code_points
from noref.images.limits import check_size
from noref.images.photo import File, Photo, Size


def read_avif(file: File) -> Photo:
    """Read AVIF; sources of more than 8 bits are decoded to 8.

    Raises:
        ImageError: One of its kinds.
    """
    data = file.compressed()
    return _read(file._replace(stream=io.BytesIO(data)), "AVIF", code_points(data))


def read_heic(file: File) -> Photo:
    """Read HEIC; HDR of more than 8 bits is converted with all of them.

    Raises:
        UnsupportedImage: pillow-heif is not installed, or cannot be loaded.
        ImageError: Another of its kinds.
    """
    pillow_heif = _decoder(file.name)
    data = file.compressed()
    code = code_points(data)
    file = file._replace(stream=io.BytesIO(data))
    if code is not None and code.is_hdr:
        return _read_deep(file, conversion(code), pillow_heif)
    return _read(file, "HEIF", code)


def size_of_avif(file: File) -> Size:
    """Width and height of upright AVIF; raises as `read_avif`."""
    return pillow.size(file._replace(stream=io.BytesIO(file.compressed())), "AVIF")


def size_of_heic(file: File) -> Size:
    """Width and height of upright HEIC; raises as `read_heic`."""
    _decoder(file.name)
    return pillow.size(file._replace(stream=io.BytesIO(file.compressed())), "HEIF")


def _decoder(name: str) -> Any:
    with importing(name, "HEIC needs a decoder", "heic"):
        import pillow_heif
    pillow_heif.register_heif_opener()
    return pillow_heif


def _read(file: File, form: str, code: Cicp | None) -> Photo:
    with pillow.open_(file, form) as image:
        check_size(file.name, image.width, image.height, file.max_pixels)
        by_code = code is not None and (code.is_hdr or not image.info.get("icc_profile"))
        colors = conversion(code) if code is not None and by_code else Conversion()
        photo = pillow.finish(file.name, image, colors=colors.to_srgb, warnings=colors.warnings)
        return photo._replace(warnings=(*pillow.frames_note(image), *photo.warnings))


def _read_deep(file: File, colors: Conversion, pillow_heif: Any) -> Photo:
    """Read HDR HEIC without reducing it to 8 bits first; with alpha, which no strip of 16 bits carries, in 8 bits."""
    with pillow.open_(file, "HEIF") as image:
        check_size(file.name, image.width, image.height, file.max_pixels)
        with decoding(file.name):
            container = pillow_heif.open_heif(file.stream, convert_hdr_to_8bit=False)
            opened = container[container.primary_index]
            deep = np.asarray(opened) if opened.mode == "RGB;16" else None
        if deep is None or colors.to_srgb is None:
            photo = pillow.finish(file.name, image, colors=colors.to_srgb, warnings=colors.warnings)
        else:
            pixels = colors.to_srgb.pixels(deep)
            photo = convert.finish(file.name, pixels, exif_orientation=orientation.of(image), warnings=colors.warnings)
        return photo._replace(warnings=(*pillow.frames_note(image), *photo.warnings))
