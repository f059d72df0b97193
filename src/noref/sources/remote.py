"""Remote files, read through fsspec (extra `remote`): whole, in pieces, or as a stream."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from noref.images import Source
from noref.sources import http
from noref.sources.attempts import attempted
from noref.sources.contents import Held
from noref.sources.failures import LIMIT, Truncated, explained, too_large
from noref.sources.found import LARGEST, UNKNOWN, Identity
from noref.sources.stream import ReadAhead
from noref.urls import is_http, shown, without_query

_CHANGED = ("LastModified", "last_modified", "Last-Modified", "mtime", "updated", "modified", "created")
_VERSIONS = ("ETag", "etag", "generation", "Content-MD5", "md5Hash")


@dataclass(frozen=True)
class RemoteFile:
    """A file that a URL names. Its state is that of a listing, or unknown until it is looked up or read.

    Attributes:
        url: With the credentials that it may hold; `name` has none.
        state: As it was listed or looked up; None if it was not.
    """

    url: str = field(repr=False)
    state: Identity | None = None
    near = False

    @property
    def name(self) -> str:
        """The URL without credentials; see `urls.shown`."""
        return shown(self.url)

    @property
    def filename(self) -> str:
        """Last part of the URL without its query."""
        return Path(without_query(self.name)).name

    @property
    def expected(self) -> int:
        """Its size if it is known, else 0."""
        return self.state.bytes if self.state else 0

    def looked_up(self) -> "RemoteFile":
        """The file with its state, which takes a request unless it is known.

        Raises:
            OSError: It cannot be looked up.
            ModuleNotFoundError: A library is not installed.
        """
        if self.expected:
            return self
        found = attempted(self.url, lambda fs, path: fs.info(path))
        if found["type"] == "directory":
            raise FileNotFoundError(self.name)
        return replace(self, state=identity_of(found))

    def with_identity(self) -> "RemoteFile":
        """The file with its state, `UNKNOWN` if it cannot be looked up."""
        return self if self.state is not None else replace(self, state=self.identity())

    def identity(self) -> Identity:
        """Its state; `UNKNOWN` if it cannot be looked up."""
        if self.state is not None:
            return self.state
        try:
            return self.looked_up().state or UNKNOWN
        except (OSError, ModuleNotFoundError):
            return UNKNOWN

    def fetched(self, name: str) -> Held:
        """The whole content.

        Raises:
            ImageError: It cannot be read, or is larger than the limit.
        """
        with explained(name):
            if is_http(self.url):
                answer = attempted(self.url, lambda fs, url: http.get(fs, url, None, LIMIT + 1))
                content, found = answer.content, self.state or identity_of(answer.headers, len(answer.content))
            else:
                found = self.looked_up().state or UNKNOWN
                content = b"" if found.bytes > LIMIT else self.read(0, found.bytes)
            size = max(found.bytes, len(content))
            if size > LIMIT:
                raise too_large(name, size)
            if len(content) < found.bytes:
                raise Truncated("it became shorter while it was read")
            return Held(content, found)

    def open(self, name: str) -> Source:
        """The whole content.

        Raises:
            ImageError: It cannot be read, or is larger than the limit.
        """
        return self.fetched(name).open(name)

    def read(self, start: int, length: int) -> bytes:
        """Bytes at a position; fewer at the end.

        Raises:
            OSError: They cannot be read.
        """
        if length <= 0:
            return b""
        if is_http(self.url):
            return attempted(self.url, lambda fs, url: http.get(fs, url, start, length)).content
        return bytes(attempted(self.url, lambda fs, path: fs.cat_file(path, start=start, end=start + length)))

    def stream(self) -> BinaryIO:
        """A seekable stream that reads ahead.

        Raises:
            OSError: The file cannot be looked up.
        """
        return ReadAhead.opened(self.read, (self.looked_up().state or UNKNOWN).bytes)


def is_folder(url: str) -> bool:
    """Whether a URL names a folder: it ends with "/", or it has no extension and, not being of HTTP, is one when looked up."""
    if url.endswith("/") and url == without_query(url):
        return True
    if is_http(url) or "." in url.partition("://")[2].partition("/")[2].rpartition("/")[2]:
        return False
    try:
        return bool(attempted(url, lambda fs, path: fs.info(path))["type"] == "directory")
    except (OSError, ModuleNotFoundError):  # reading it raises the error
        return False


def identity_of(info: Any, size: int | None = None) -> Identity:
    """The state that an entry of a listing, or the headers of an answer, describe."""
    size = info.get("size") if size is None else size
    version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
    modified = next((_nanoseconds(info[key]) for key in _CHANGED if info.get(key)), 0)
    return Identity(min(int(size or 0), LARGEST), modified, version.strip('"'))


def _nanoseconds(moment: Any) -> int:
    """A time of whatever type a back end gives it, in nanoseconds since 1970; 0 if it is none."""
    try:
        if isinstance(moment, str):
            moment = _parsed(moment)
        if isinstance(moment, datetime):
            aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
            moment = aware.timestamp()
        return max(-LARGEST, min(int(float(moment) * 1_000_000) * 1000, LARGEST))
    except (ValueError, TypeError, OverflowError):
        return 0


def _parsed(moment: str) -> datetime:
    """A time as ISO 8601 or HTTP write it."""
    if re.match(r"\d{4}-", moment):
        return datetime.fromisoformat(moment.replace("Z", "+00:00"))
    from email.utils import parsedate_to_datetime

    return parsedate_to_datetime(moment)
