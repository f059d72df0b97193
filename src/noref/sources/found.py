"""A photo that was found: its names, and where its content is."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from noref.images import Source
from noref.urls import is_url

LARGEST = 2**63 - 1
"""The largest integer of SQLite, and the most that a part of an identity may be."""


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

    @property
    def filename(self) -> str:
        """Last part of its path."""

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
        listed: The Parquet file that names its path; "" for none.
    """

    file: str
    place: Path
    content: Content
    member: str = ""
    listed: str = ""

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


def lasting(file: str) -> str:
    """A URL as it is, and a path as an absolute one."""
    return file if is_url(file) else os.path.abspath(file)


def is_gone(name: str) -> bool:
    """Whether the file of a photo of that lasting name is gone from this machine.

    What is remote is not looked for; what cannot be looked at, for lack of permission or since a disk fails, may be there.
    """
    steps = name.split("::")
    files = ("::".join(steps[:count]) for count in range(len(steps), 0, -1))  # of the photo, or the archive that holds it
    return not is_url(name) and all(map(_is_absent, files))


def _is_absent(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a null character
        return True
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    return False
