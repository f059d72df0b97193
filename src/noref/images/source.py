"""Any source of an image (path, bytes, binary file object) as a seekable stream."""

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Any, BinaryIO, TypeAlias, Union

import numpy as np
import numpy.typing as npt
from PIL import Image

from noref import urls
from noref.errors import EmptyImage, ImageNotFound, UnsupportedImage

Source: TypeAlias = Union[str, "os.PathLike[str]", bytes, BinaryIO, Image.Image, npt.NDArray[np.uint8]]


def name_of(source: object) -> str:
    """The name of a source in results and errors."""
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        return urls.shown(path) if isinstance(path, str) else path
    if isinstance(source, np.ndarray):
        return "<array>"
    if isinstance(source, Image.Image):
        return getattr(source, "filename", "") or "<PIL image>"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "<bytes>"
    if hasattr(source, "read"):
        name = getattr(source, "name", None)  # a number for a file that was opened by its descriptor
        return os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else "<file object>"
    return f"<{type(source).__name__}>"


@contextlib.contextmanager
def opened(name: str, source: object) -> Iterator[BinaryIO]:
    """The source as a seekable stream at its start that holds at least one byte.

    A file object is read from its start, wherever it stands, and left open.

    Raises:
        ImageNotFound: It cannot be opened or read.
        EmptyImage: It holds no data.
        UnsupportedImage: It is not a path, bytes or a binary file object.
    """
    with _stream(name, source) as stream:
        try:
            first = stream.read(1)
            stream.seek(0)
        except OSError as error:
            raise ImageNotFound(name, reason(error), "check the file") from error
        if not first:
            raise EmptyImage(name, "the file is empty", "copy or download it again")
        yield stream


def _stream(name: str, source: object) -> BinaryIO:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source if isinstance(source, (bytes, bytearray)) else source.tobytes())
    if isinstance(source, (str, os.PathLike)):
        return _open(name, source)
    if hasattr(source, "read"):
        return _whole(name, source)
    cause = f"cannot read an image from {type(source).__name__}"
    raise UnsupportedImage(name, cause, "pass a path, bytes, a binary file object, a PIL image or an RGB array")


def _open(name: str, path: "str | os.PathLike[str]") -> BinaryIO:
    try:
        named = urls.as_path(path) if isinstance(path, str) else path
        stream = open(named, "rb")  # noqa: SIM115  (the caller closes it; an empty path is no folder)
    except IsADirectoryError:
        cure = "pass a file; Scorer.score_many and `noref score` search folders that may be read"
        raise ImageNotFound(name, "it is a folder", cure) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise ImageNotFound(name, *_missing(name, path, error)) from error
    if stream.seekable():
        return stream
    with stream:  # a pipe
        return _whole(name, stream)


def _missing(name: str, path: "str | os.PathLike[str]", error: Exception) -> tuple[str, str]:
    """Cause and cure of a path that cannot be opened."""
    if "://" in name and urls.as_path(name) == name:
        return reason(error), "Scorer.score_many reads URLs"
    if not os.fspath(path):
        return "the path is empty", "give the path of a file"
    if "\0" in os.fsdecode(path):
        return "a path cannot contain a null character", "separate the paths of a list by line feeds, or all by null characters"
    if os.path.islink(path):
        return f"{reason(error)}: its link points to {os.readlink(path)}", "check the target of the link"
    if isinstance(error, FileNotFoundError) and any(mark in name for mark in "*?"):
        return reason(error), "patterns such as *.jpg are not expanded; let the shell expand them, or give the folder"
    return reason(error), "check the path and its permissions"


def _whole(name: str, file: Any) -> BinaryIO:
    text = hasattr(file, "encoding")
    try:
        if not text and hasattr(file, "seekable") and file.seekable():
            file.seek(0)
        data = "" if text else file.read()
    except Exception as error:  # the object is the caller's, and so are the types of its errors
        raise ImageNotFound(name, reason(error), "open it again") from error
    if not isinstance(data, (str, bytes, bytearray, memoryview)):
        cause = f"its read() gave {type(data).__name__}, not bytes"
        raise UnsupportedImage(name, cause, "pass its content as bytes")
    if isinstance(data, str):
        raise UnsupportedImage(name, "the file object is in text mode", "open the file in binary mode ('rb')")
    return io.BytesIO(data)


def reason(error: Exception) -> str:
    """A description of an exception: the system's message, or type and message."""
    strerror = getattr(error, "strerror", None)
    return strerror.lower() if strerror else f"{type(error).__name__}: {error}"
