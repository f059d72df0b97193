"""Seed files for the fuzzer, by name: format first, then variant. Made once per process."""

import functools
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401  (registers the format with Pillow)
from PIL import ExifTags, Image, ImageCms
from skimage import data

pillow_heif.register_heif_opener()

SIDE = (96, 128)


@functools.cache
def _photo() -> Image.Image:
    return Image.fromarray(data.coffee()).resize(SIDE[::-1], Image.Resampling.LANCZOS)


def _metadata() -> dict[str, Any]:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.XResolution] = 72.0
    return {"exif": exif, "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}


def _encoded(form: str, mode: str = "RGB", *, metadata: bool = False, **options: Any) -> Callable[[], bytes]:
    @functools.cache
    def make() -> bytes:
        stream = io.BytesIO()
        photo = _photo().copy()
        if mode == "RGBA":
            photo.putalpha(photo.convert("L"))
        elif mode == "I;16":
            photo = Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
        else:
            photo = photo.quantize(64) if mode == "P" else photo.convert(mode)
        photo.save(stream, form, **options, **(_metadata() if metadata else {}))
        return stream.getvalue()

    return make


SEEDS: dict[str, Callable[[], bytes]] = {
    "jpeg": _encoded("JPEG", quality=90, metadata=True),
    "jpeg progressive": _encoded("JPEG", progressive=True, quality=75),
    "jpeg restarts": _encoded("JPEG", restart_marker_rows=1, subsampling=0),
    "jpeg grey": _encoded("JPEG", "L"),
    "jpeg cmyk": _encoded("JPEG", "CMYK"),
    "png": _encoded("PNG", metadata=True),
    "png alpha": _encoded("PNG", "RGBA"),
    "png palette": _encoded("PNG", "P", transparency=3),
    "png 16 bits": _encoded("PNG", "I;16"),
    "webp": _encoded("WEBP", metadata=True),
    "webp lossless": _encoded("WEBP", "RGBA", lossless=True),
    "gif": _encoded("GIF", "P"),
    "bmp": _encoded("BMP"),
    "bmp palette": _encoded("BMP", "P"),
    "avif": _encoded("AVIF", metadata=True),
    "j2k": _encoded("JPEG2000"),
    "j2k codestream": _encoded("JPEG2000", no_jp2=True, irreversible=True, quality_mode="rates", quality_layers=[8]),
    "heic": _encoded("HEIF", metadata=True),
    "jxl": _encoded("JXL", lossless=False),
    "jxl lossless": _encoded("JXL", "RGBA", lossless=True),
    "tiff": _encoded("TIFF", metadata=True),
    "tiff lzw": _encoded("TIFF", compression="tiff_lzw"),
    "tiff deflate": _encoded("TIFF", "RGBA", compression="tiff_adobe_deflate"),
    "tiff jpeg": _encoded("TIFF", compression="jpeg"),
    "tiff 16 bits": _encoded("TIFF", "I;16"),
    "tiff palette": _encoded("TIFF", "P", compression="packbits"),
    "tiff cmyk": _encoded("TIFF", "CMYK"),
    "tiff bilevel": _encoded("TIFF", "1", compression="group4"),
}
