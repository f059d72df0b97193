"""Contents of photos: files of this machine, parts of files, bytes in memory, and errors in their place."""

import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from noref.errors import ImageError
from noref.images import Source
from noref.sources.failures import Truncated, explained
from noref.sources.found import LARGEST, UNKNOWN, File, Found, Identity


class Named(io.BytesIO):
    """Bytes with the name that results and errors give the photo."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine."""

    path: str
    near = True
    expected = 0

    @property
    def name(self) -> str:
        """The path."""
        return self.path

    @property
    def filename(self) -> str:
        """Last part of the path."""
        return os.path.basename(self.path)

    def looked_up(self) -> "LocalFile":
        """The file itself."""
        return self

    def identity(self) -> Identity:
        """Size and time of change; `UNKNOWN` where there is no file."""
        try:
            state = os.stat(self.path)
        except (OSError, ValueError):  # ValueError: a null character in the path
            return UNKNOWN
        return Identity(state.st_size, min(state.st_mtime_ns, LARGEST))

    def open(self, _name: str) -> Source:
        """The path."""
        return self.path

    def read(self, start: int, length: int) -> bytes:
        """Bytes at a position; fewer at the end.

        Raises:
            OSError: They cannot be read.
        """
        with open(self.path, "rb", buffering=0) as file:
            file.seek(start)
            content = file.read(length)
            while content and len(content) < length and (more := file.read(length - len(content))):  # at most 2 GiB at a time
                content += more
        return content

    def stream(self) -> BinaryIO:
        """The open file.

        Raises:
            OSError: It cannot be opened.
        """
        return open(self.path, "rb")


@dataclass(frozen=True)
class Held:
    """Content in memory."""

    content: bytes = field(repr=False)
    state: Identity = UNKNOWN
    near = True

    @property
    def expected(self) -> int:
        """The number of bytes."""
        return len(self.content)

    def identity(self) -> Identity:
        """The identity of the photo when it was read."""
        return self.state

    def open(self, name: str) -> Source:
        """The bytes."""
        return Named(name, self.content)


@dataclass(frozen=True)
class Piece:
    """A part of a file that is the photo as it is, such as a member of an uncompressed tar.

    Attributes:
        file: The file that holds the photo.
        start: Position of the first byte of the part.
        length: Number of bytes of the part.
        state: Identity of the photo.
    """

    file: File
    start: int
    length: int
    state: Identity

    @property
    def near(self) -> bool:
        """Whether the file that holds the photo can be opened without waiting for a network."""
        return self.file.near

    @property
    def expected(self) -> int:
        """The number of bytes of the part."""
        return self.length

    def identity(self) -> Identity:
        """The identity of the photo when it was found."""
        return self.state

    def open(self, name: str) -> Source:
        """The bytes of the part.

        Raises:
            ImageError: They cannot be read.
        """
        with explained(name):
            content = self.file.read(self.start, self.length)
            if len(content) < self.length:
                raise Truncated("its archive ends within it")
            return Named(name, content)


@dataclass(frozen=True)
class Given:
    """A source that a caller of `Scorer.score_many` gave: bytes, an array and the like."""

    source: Source
    near = True
    expected = 0

    def identity(self) -> Identity:
        """`UNKNOWN`: such a source has no identity."""
        return UNKNOWN

    def open(self, _name: str) -> Source:
        """The source."""
        return self.source


@dataclass(frozen=True)
class Failed:
    """In the place of content that cannot be read."""

    error: ImageError
    state: Identity = UNKNOWN
    near = True
    expected = 0

    def identity(self) -> Identity:
        """The identity of the photo, as far as it is known."""
        return self.state

    def open(self, _name: str) -> Source:
        """Raise the error.

        Raises:
            ImageError: Always; the error names source, cause and cure.
        """
        raise self.error


def local(path: str, place: str | None = None) -> Found:
    """The photo in a file of this machine; `place` is the file's name unless it is given."""
    return Found(path, Path(Path(path).name if place is None else place), LocalFile(path))
