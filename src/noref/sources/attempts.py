"""Requests to fsspec's file systems: repeated where that may help, with errors that show no credentials."""

import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote

from noref.sources.failures import Unavailable
from noref.urls import S3, is_http, shown, user_of, without_secrets

R = TypeVar("R")

DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each new attempt where an attempt may help."""

_PERMANENT = (
    *(FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, NotImplementedError),
    *(ImportError, ValueError, TypeError, LookupError, AttributeError),
)
_NO_CREDENTIALS = {  # of botocore
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"),
    *("TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"),
}
_REDIRECTS = {  # of aiohttp, whose own messages are empty or name the target only
    "TooManyRedirects": "the server redirects in a circle",
    "NonHttpUrlRedirectClientError": "the server redirects to a URL that is not HTTP",
}
_MAY_PASS = {408, 425, 429}  # statuses below 500 after which the same request may succeed


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
        except (ModuleNotFoundError, Unavailable):
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
        Unavailable: fsspec knows no such kind of URL.
    """
    import fsspec
    from fsspec.config import conf

    scheme = url.partition("://")[0].lower()
    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        library = getattr(error.__cause__, "name", None) or f"the back end of fsspec for {scheme}://"
        raise ModuleNotFoundError(str(error), name=library) from None
    except ValueError:
        raise Unavailable(f"no library reads {scheme}:// URLs", "give a path, or a URL of another kind") from None
    options = {"use_listings_cache": False, **_defaults(scheme), **conf.get(scheme, {}), **kind._get_kwargs_from_urls(url)}
    if scheme in S3 and (user := user_of(url)):
        options["key"], _, options["secret"] = map(unquote, user.partition(":"))
        url = shown(url)
    return kind(**options), kind._strip_protocol(url)


def _defaults(scheme: str) -> dict[str, Any]:
    """Options for many readers and no second layer of retries; those of fsspec's configuration replace them."""
    if is_http(f"{scheme}://"):
        from aiohttp import ClientTimeout

        return {"client_kwargs": {"timeout": ClientTimeout(sock_connect=10, sock_read=30), "trust_env": True}}
    if scheme in S3:
        return {"config_kwargs": {"max_pool_connections": 64, "retries": {"max_attempts": 0}}}
    return {}


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
    text = without_secrets(str(error), url)
    expired = status == 400 and hasattr(causes[-1], "response")  # S3 answers so to the first request with an expired token
    missing = type(causes[-1]).__name__ in _NO_CREDENTIALS
    if status in {401, 403, 407} or expired or missing or isinstance(error, PermissionError):
        return PermissionError(text)
    if status in {404, 410} or isinstance(causes[-1], FileNotFoundError):
        return FileNotFoundError(shown(url))
    inner = causes[-1]
    if (kind := type(inner).__name__) in _REDIRECTS:
        return Unavailable(_REDIRECTS[kind], "check the URL")
    return Unavailable(f"{type(inner).__name__}: {without_secrets(str(inner), url)}")
