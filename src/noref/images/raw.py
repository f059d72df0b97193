"""Camera raw, developed by LibRaw through rawpy where that is installed; never read by its embedded preview.

The development is the same for every file: white balance of the camera, no automatic brightness, sRGB of 8 bits. LibRaw needs
about 16 bytes a pixel, and the file is held in memory.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from noref.errors import DamagedImage, ImageTooLarge, UnsupportedImage
from noref.images import convert
from noref.images.decoding import COPY_AGAIN, importing
from noref.images.limits import check_size
from noref.images.photo import File, Photo, Size

_SRGB_CURVE = (2.4, 12.92)  # power, and slope near black
_SWAPPED = 4  # bit of LibRaw's flip: width and height are swapped


def read(file: File) -> Photo:
    """Develop a raw file.

    Raises:
        UnsupportedImage: rawpy is not installed or cannot be loaded, or LibRaw does not support the camera or the kind of file.
        DamagedImage: LibRaw reports lost or corrupt data.
        ImageError: Another of its kinds.
    """
    rawpy = _decoder(file.name)
    with _opened(file, rawpy) as negative:
        pixels = negative.postprocess(
            use_camera_wb=True,
            no_auto_bright=True,
            output_color=rawpy.ColorSpace.sRGB,
            gamma=_SRGB_CURVE,
            output_bps=8,
        )
    return convert.finish(file.name, pixels)


def size(file: File) -> Size:
    """Width and height of the upright photo after development; raises as `read`, as far as the header goes."""
    with _opened(file, _decoder(file.name)) as negative:
        sizes = negative.sizes
        width, height, aspect = sizes.width, sizes.height, sizes.pixel_aspect
    if aspect < 1:  # LibRaw stretches the shorter side of pixels that are not square
        height = int(height / aspect + 0.5)
    elif aspect > 1:
        width = int(width * aspect + 0.5)
    return (height, width) if sizes.flip & _SWAPPED else (width, height)


def _decoder(name: str) -> Any:
    with importing(name, "camera raw has to be developed", "raw"):
        import rawpy
    return rawpy


@contextlib.contextmanager
def _opened(file: File, rawpy: Any) -> Iterator[Any]:
    """A raw file with its header read; errors of LibRaw as ours."""
    name = file.name
    file.stream.seek(0)
    try:
        with rawpy.imread(file.stream) as negative:
            check_size(name, negative.sizes.width, negative.sizes.height, file.max_pixels)
            yield negative
    except (rawpy.LibRawUnsufficientMemoryError, rawpy.LibRawTooBigError) as error:
        raise ImageTooLarge(name, "not enough memory to develop it", "shrink it first") from error
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNotImplementedError, rawpy.NotSupportedError) as error:
        cause = f"camera raw of a kind that LibRaw does not support ({_text(error)})"
        raise UnsupportedImage(name, cause, "develop it with its maker's software") from error
    except rawpy.LibRawError as error:
        raise DamagedImage(name, f"damaged or truncated ({_text(error)})", COPY_AGAIN) from error


def _text(error: Exception) -> str:
    message = error.args[0] if error.args else ""
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)
