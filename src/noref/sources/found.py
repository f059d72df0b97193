"""A photo that was found: its names, and where its content is."""

import io
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from noref.errors import ImageError
from noref.images import Source
from noref.sources.failures import Truncated, explained

_LATEST = 2**63 - 1  # nanoseconds: the largest integer of SQLite


class Identity(NamedTuple):
    """The state of a photo's content. A photo whose identity has changed is scored again.

    Attributes:
        bytes: Size of the photo; 0 if it is unknown.
        modified: Time of the last change of its file (of its archive, if it is in one), in nanoseconds since 1970; 0 if it is
            unknown.
        version: What else distinguishes states, such as the ETag of a remote object; "" for local files.
    """

    bytes: int
    modified: int
    version: str = ""


UNKNOWN = Identity(0, 0)


class Named(io.BytesIO):
    """Bytes with the name that results and errors give the photo."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name


class Content(Protocol):
    """Where the content of a photo is. Contents can be pickled."""

    @property
    def near(self) -> bool:
        """Whether it can be opened without waiting for a network."""

    @property
    def expected(self) -> int:
        """Bytes that reading it takes, as far as that is known; 0 for a local file, which is not read ahead."""

    def identity(self) -> Identity:
        """Its state now; `UNKNOWN` if it cannot be determined."""

    def open(self, name: str) -> Source:
        """The path of a local file, or its bytes as `Named`.

        Raises:
            ImageError: It cannot be read.
        """


class File(Content, Protocol):
    """A file that may hold many photos."""

    @property
    def name(self) -> str:
        """Path, or URL without credentials."""

    def looked_up(self) -> "File":
        """The file with its identity known, if it can be.

        Raises:
            OSError: It is remote and cannot be looked up.
        """

    def read(self, start: int, length: int) -> bytes:
        """Bytes at a position; fewer at the end.

        Raises:
            OSError: They cannot be read.
        """

    def stream(self) -> BinaryIO:
        """A seekable stream.

        Raises:
            OSError: The file cannot be opened.
        """


@dataclass(frozen=True)
class Found:
    """A photo to score. It can be pickled; another process or machine then reads the content, unless that is `Held`.

    Attributes:
        file: Path as given, or below the folder as given, or URL without credentials, of its file.
        place: A relative path for what is made of the photo, such as its map; without "..".
        content: Where its content is.
        member: What it is in its file, if that holds many: name of a member, or number of a row; "" for a file of its own.
    """

    file: str
    place: Path
    content: Content
    member: str = ""

    @property
    def name(self) -> str:
        """Its name in results: `file`, or `file::member`."""
        return f"{self.file}::{self.member}" if self.member else self.file

    @property
    def lasting(self) -> str:
        """Its name whatever the working directory: the path is absolute."""
        return lasting(self.file) + self.name[len(self.file) :]

    def identity(self) -> Identity:
        """The state of the photo now; see `Content.identity`."""
        return self.content.identity()

    def open(self) -> Source:
        """What `images.read` takes, named `name`.

        Raises:
            ImageError: The content cannot be read.
        """
        return self.content.open(self.name)


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

    def looked_up(self) -> "LocalFile":
        """The file itself."""
        return self

    def identity(self) -> Identity:
        """Size and time of change; `UNKNOWN` where there is no file."""
        try:
            state = os.stat(self.path)
        except (OSError, ValueError):  # ValueError: a null character in the path
            return UNKNOWN
        return Identity(state.st_size, min(state.st_mtime_ns, _LATEST))

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
        """Its size."""
        return len(self.content)

    def identity(self) -> Identity:
        """As when it was read."""
        return self.state

    def open(self, name: str) -> Source:
        """The bytes."""
        return Named(name, self.content)


@dataclass(frozen=True)
class Piece:
    """A part of a file that is the photo as it is, such as a member of an uncompressed tar.

    Attributes:
        file: That holds it.
        start: Position of its first byte.
        length: In bytes.
        state: Of the photo.
    """

    file: File
    start: int
    length: int
    state: Identity

    @property
    def near(self) -> bool:
        """As of the file."""
        return self.file.near

    @property
    def expected(self) -> int:
        """Its length."""
        return self.length

    def identity(self) -> Identity:
        """As it was found."""
        return self.state

    def open(self, name: str) -> Source:
        """Its bytes.

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
        """It has none."""
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
        """As far as it is known."""
        return self.state

    def open(self, _name: str) -> Source:
        """Nothing.

        Raises:
            ImageError: Always; the error names source, cause and cure.
        """
        raise self.error


def local(path: str, place: str | None = None) -> Found:
    """The photo in a file of this machine; `place` is the file's name unless it is given."""
    return Found(path, Path(Path(path).name if place is None else place), LocalFile(path))


def is_url(path: str) -> bool:
    """Whether a source names something remote: `scheme://...`. A single letter is a drive of Windows."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path) is not None


def lasting(file: str) -> str:
    """A URL as it is, and a path as an absolute one."""
    return file if is_url(file) else os.path.abspath(file)


def is_gone(name: str) -> bool:
    """Whether the file of a photo of that lasting name is gone from this machine; what is remote is not looked for."""
    steps = name.split("::")
    files = ("::".join(steps[:count]) for count in range(len(steps), 0, -1))  # of the photo, or the archive that holds it
    return not (is_url(name) or any(map(os.path.lexists, files)))
