"""Exceptions of image decoders, sorted into damaged, unsupported and short of memory."""

import contextlib
import re
from collections.abc import Iterator

from PIL import Image

from noref.errors import DamagedImage, ImageError, ImageTooLarge, UnsupportedImage

_UNSUPPORTED = re.compile(
    r"^(?!Invalid input)"  # as libheif begins to report damaged data, whatever follows
    r".*(unsupported|not supported|not implemented|no decoder|no codec|(unknown|unrecognized) (pixel|raw|image) mode)",
    re.IGNORECASE | re.DOTALL,
)
COPY_AGAIN = "copy or download it again"
SAVE_AS = "save it as 8-bit PNG or JPEG"


@contextlib.contextmanager
def importing(name: str, need: str, extra: str) -> Iterator[None]:
    """Convert exceptions of the import of an optional decoder to errors of the image.

    Args:
        name: Of the image.
        need: What the decoder is needed for, as the cause that it is not installed.
        extra: Of noref, with which it is installed.

    Raises:
        UnsupportedImage: The decoder is not installed, or it is and cannot be loaded.
    """
    try:
        yield
    except ModuleNotFoundError:
        raise UnsupportedImage(name, need, f"pip install 'noref[{extra}]'") from None
    except ImportError as error:  # of a shared library, for instance
        cause = f"{need}, and the installed decoder cannot be loaded ({error})"
        raise UnsupportedImage(name, cause, f"pip install --force-reinstall 'noref[{extra}]'") from error


@contextlib.contextmanager
def decoding(name: str) -> Iterator[None]:
    """Convert exceptions of a decoder to errors of the image. Wrap only calls of decoders: exceptions of our own code are bugs.

    Raises:
        ImageTooLarge: Memory was short, or Pillow refuses so many pixels.
        UnsupportedImage: The decoder names a variant that it does not support.
        DamagedImage: Any other exception. On damaged data, Pillow's decoders raise nearly every type.
    """
    try:
        yield
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageTooLarge(name, "not enough memory to decode it", "shrink it first") from error
    except Image.DecompressionBombError as error:  # only on PIL images: where we open files, Pillow's limit is off
        cure = "raise PIL.Image.MAX_IMAGE_PIXELS, or pass the file"
        raise ImageTooLarge(name, "more pixels than Pillow's own limit", cure) from error
    except Exception as error:
        if "MAX_TEXT" in str(error):
            cause = "it carries more text than Pillow reads"
            raise UnsupportedImage(name, cause, "save it again without its metadata") from error
        if isinstance(error, NotImplementedError) or _UNSUPPORTED.search(str(error)):
            raise UnsupportedImage(name, f"no decoder here supports it ({error})", SAVE_AS) from error
        raise DamagedImage(name, f"damaged or truncated ({error})", COPY_AGAIN) from error
