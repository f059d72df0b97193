"""What reading a source may raise, as the error of an image."""

import contextlib
import lzma
import zlib
from collections.abc import Iterator

from noref.errors import DamagedImage, ImageError, ImageNotFound, ImageTooLarge, UnsupportedImage
from noref.images.source import reason
from noref.urls import is_url, redacted

LIMIT = 1 << 28
"""Bytes of a photo that is not in a local file of its own, at most."""

_EXTRAS = {"fsspec": "remote", "aiohttp": "remote", "s3fs": "remote", "pyarrow": "parquet"}


class Truncated(Exception):
    """An archive ends before its end."""


class Malformed(Exception):
    """An archive is not what its name states, or is corrupt."""


class Unavailable(OSError):
    """A remote source could not be reached or did not answer, for a reason that does not show credentials.

    Attributes:
        cure: What the user can do about it.
    """

    def __init__(self, cause: str, cure: str = "check the URL and the connection, and try again") -> None:
        super().__init__(cause)
        self.cure = cure


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """Raise what prevents reading as an `ImageError` of that name."""
    try:
        yield
    except ImageError:
        raise
    except (OSError, EOFError, zlib.error, lzma.LZMAError, Truncated, Malformed, ModuleNotFoundError) as error:
        raise as_image_error(name, error) from None


def as_image_error(name: str, error: Exception) -> ImageError:
    """The `ImageError` for another error, with cause and cure."""
    kind: type[ImageError] = ImageNotFound
    match error:
        case ModuleNotFoundError():
            extra = _EXTRAS.get(error.name or "")
            kind, cause = UnsupportedImage, f"{error.name} is not installed"
            cure = f"pip install 'noref[{extra}]'" if extra else "install it"
        case Truncated() | Malformed() | EOFError() | zlib.error() | lzma.LZMAError():
            kind, cure = DamagedImage, "copy or download it again"
            detail = f" ({error})" if str(error) else ""
            cause = str(error) if isinstance(error, (Truncated, Malformed)) else f"it is damaged or truncated{detail}"
        case FileNotFoundError() if is_url(name):
            cause, cure = "no such file, folder or bucket", "check its name; the URL of a folder ends with /"
        case FileNotFoundError() | PermissionError() if not is_url(name):
            cause, cure = reason(error), "check the path and its permissions"
        case PermissionError():
            cause, cure = f"access denied{_stated(error)}", "check the permissions, or renew the credentials"
        case Unavailable():
            cause, cure = str(error), error.cure
        case _:
            cause, cure = redacted(reason(error)), "check the file"
    return kind(name, cause, cure)


def too_large(name: str, size: int) -> ImageTooLarge:
    """The error of a photo of more bytes than the limit."""
    cause = f"{size} bytes, more than {LIMIT} for a photo from an archive, a table or the network"
    return ImageTooLarge(name, cause, "give it as a file of its own on this machine")


def _stated(error: OSError) -> str:
    text = " ".join(str(argument) for argument in error.args if isinstance(argument, str))
    return f" ({redacted(text)})" if text and error.strerror is None else ""
