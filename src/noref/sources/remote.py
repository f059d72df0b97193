"""Remote files, read through fsspec (extra `remote`): whole, in pieces, or as a stream."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO, TypeVar
from urllib.parse import unquote

from noref.images import Source
from noref.sources import http
from noref.sources.failures import LIMIT, Truncated, Unavailable, explained, redacted, too_large
from noref.sources.found import UNKNOWN, Held, Identity, is_url
from noref.sources.stream import ReadAhead

R = TypeVar("R")

DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each new attempt where an attempt may help."""

_S3 = {"s3", "s3a"}
_NOT_USERS = {"abfs", "abfss", "wasb", "wasbs", "git", "github"}  # schemes whose URLs hold something else before an @
_CHANGED = ("LastModified", "last_modified", "Last-Modified", "mtime", "updated", "modified", "created")
_VERSIONS = ("ETag", "etag", "generation", "Content-MD5", "md5Hash")
_PERMANENT = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, ImportError, ValueError, TypeError)
_NO_CREDENTIALS = {  # of botocore
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"),
    *("TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"),
}
_MAY_PASS = {408, 425, 429}  # statuses below 500 after which the same request may succeed


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
        """The URL without credentials and query."""
        return shown(self.url)

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
                answer = attempted(self.url, lambda fs, url: http.get(fs, url, most=LIMIT + 1))
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


def attempted(url: str, request: Callable[[Any, str], R]) -> R:
    """The answer to a request to the file system of a URL, repeated with growing delays where that may help.

    Args:
        url: Of what is requested.
        request: Takes the file system and the path there.

    Raises:
        OSError: `FileNotFoundError`, `PermissionError` or `Unavailable`, with a text that shows no credentials.
        ModuleNotFoundError: fsspec, or the library for this kind of URL, is not installed.
    """
    for delay in (*DELAYS, None):
        try:
            system, path = file_system(url)
            return request(system, path)
        except ModuleNotFoundError:
            raise
        except Exception as error:  # of a foreign library: no common base
            if delay is None or _is_permanent(error):
                raise _translated(url, error) from None
            time.sleep(delay)
    raise AssertionError


def file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path there. fsspec keeps one per process and set of options.

    Raises:
        ModuleNotFoundError: fsspec, or the library for this kind of URL, is not installed.
        ValueError: fsspec has no such kind.
    """
    import fsspec
    from fsspec.config import conf

    scheme = url.partition("://")[0].lower()
    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        library = getattr(error.__cause__, "name", None) or f"the back end of fsspec for {scheme}://"
        raise ModuleNotFoundError(str(error), name=library) from None
    options = {"use_listings_cache": False, **_defaults(scheme), **conf.get(scheme, {}), **kind._get_kwargs_from_urls(url)}
    if scheme in _S3 and (user := _user(url)):
        options["key"], _, options["secret"] = user.partition(":")
        url = shown(url)
    return kind(**options), kind._strip_protocol(url)


def _defaults(scheme: str) -> dict[str, Any]:
    """Options for many readers and no second layer of retries; those of fsspec's configuration replace them."""
    if scheme in {"http", "https"}:
        from aiohttp import ClientTimeout

        return {"client_kwargs": {"timeout": ClientTimeout(sock_connect=10, sock_read=30), "trust_env": True}}
    if scheme in _S3:
        return {"config_kwargs": {"max_pool_connections": 64, "retries": {"max_attempts": 0}}}
    return {}


def identity_of(info: Any, size: int | None = None) -> Identity:
    """The state that an entry of a listing, or the headers of an answer, describe."""
    size = info.get("size") if size is None else size
    version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
    return Identity(int(size or 0), next((_nanoseconds(info[key]) for key in _CHANGED if info.get(key)), 0), version.strip('"'))


def is_folder(url: str) -> bool:
    """Whether a URL names a folder: it ends with "/", or it has no extension and, not being of HTTP, is one when looked up."""
    if url.endswith("/"):
        return True
    if is_http(url) or "." in url.partition("://")[2].partition("/")[2].rpartition("/")[2]:
        return False
    try:
        return bool(attempted(url, lambda fs, path: fs.info(path))["type"] == "directory")
    except (OSError, ModuleNotFoundError):  # reading it raises the error
        return False


def is_http(url: str) -> bool:
    """Whether a URL is read by HTTP itself."""
    return url.partition("://")[0].lower() in {"http", "https"}


def shown(url: str) -> str:
    """A URL without what may be a credential: the user before the host; of HTTP, the query. A path is itself."""
    if not is_url(url):
        return url
    name = url.replace(f"{user}@", "", 1) if (user := _user(url)) else url
    return re.split("[?#]", name, maxsplit=1)[0] if is_http(url) else name


def _nanoseconds(moment: Any) -> int:
    """A time of whatever type a back end gives it, in nanoseconds since 1970; 0 if it is none."""
    try:
        if isinstance(moment, str):
            iso = re.match(r"\d{4}-", moment)
            moment = datetime.fromisoformat(moment.replace("Z", "+00:00")) if iso else parsedate_to_datetime(moment)
        if isinstance(moment, datetime):
            aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
            moment = aware.timestamp()
        return int(float(moment) * 1_000_000) * 1000
    except (ValueError, TypeError, OverflowError):
        return 0


def _is_permanent(error: Exception) -> bool:
    """Whether the same request would fail again, by the status of the answer, or else by the cause of the error."""
    causes = _causes(error)
    for each in causes:
        if (status := _status(each)) is not None:
            return status < 500 and status not in _MAY_PASS
    return isinstance(causes[-1], _PERMANENT) or type(causes[-1]).__name__ in _NO_CREDENTIALS


def _causes(error: BaseException) -> list[BaseException]:
    """An error, its cause, and so on."""
    return [error, *(_causes(error.__cause__) if error.__cause__ else ())]


def _status(error: BaseException) -> int | None:
    """The HTTP status that an error of aiohttp or botocore carries."""
    if isinstance(status := getattr(error, "status", None), int):
        return status
    answer = getattr(error, "response", None)
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(answer, dict) else None
    return status if isinstance(status, int) else None


def _translated(url: str, error: Exception) -> OSError:
    causes = _causes(error)
    status = next((status for each in causes if (status := _status(each)) is not None), None)
    text = _without_secrets(str(error), url)
    expired = status == 400 and hasattr(causes[-1], "response")  # S3 answers so to the first request with an expired token
    missing = type(causes[-1]).__name__ in _NO_CREDENTIALS
    if status in {401, 403, 407} or expired or missing or isinstance(error, PermissionError):
        return PermissionError(text)
    if status in {404, 410} or isinstance(causes[-1], FileNotFoundError):
        return FileNotFoundError(shown(url))
    inner = causes[-1]
    return Unavailable(f"{type(inner).__name__}: {_without_secrets(str(inner), url)}")


def _without_secrets(text: str, url: str) -> str:
    """A message without what the name of the URL leaves out, whatever the library that wrote it makes of URLs."""
    secrets = [f"{user}@"] if (user := _user(url)) else []
    if is_http(url) and (query := url.partition("?")[2]):
        secrets.append(query)
    for secret in (unquote(each) if decoded else each for each in secrets for decoded in (False, True)):
        text = text.replace(secret, "")
    return redacted(text)


def _user(url: str) -> str:
    """User and password of a URL; "" if it has none."""
    found = re.match(r"[^:/?#]+://([^/?#]*)@", url)
    return found[1] if found and url.partition("://")[0].lower() not in _NOT_USERS else ""
