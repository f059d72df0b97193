"""What AVIF and HEIC have in common: pixels through Pillow, colours from the boxes of the file.

Colours follow the nclx code points where these signal HDR; otherwise the ICC profile, or nclx where there is no profile (MIAF,
ISO/IEC 23000-22). Code points that are only in the bitstream are not read: such colours are treated as sRGB.
"""

from noref.images import pillow
from noref.images.cicp import Cicp, Conversion, conversion
from noref.images.limits import check_size
from noref.images.photo import File, Photo


def read(file: File, form: str, code: Cicp | None) -> Photo:
    """Read the first image of a file, reduced to 8 bits.

    Args:
        file: The file.
        form: Its format, as Pillow names it.
        code: Its nclx code points.

    Raises:
        ImageError: One of its kinds.
    """
    with pillow.open_(file, form) as image:
        check_size(file.name, image.width, image.height, file.max_pixels)
        by_code = code is not None and (code.is_hdr or not image.info.get("icc_profile"))
        colors = conversion(code) if code is not None and by_code else Conversion()
        photo = pillow.finish(file.name, image, colors=colors.to_srgb, warnings=colors.warnings)
        return photo._replace(warnings=(*pillow.frames_note(image), *photo.warnings))
