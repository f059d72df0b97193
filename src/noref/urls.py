"""URLs as sources, and the credentials that they may hold: used, but never shown."""

import hashlib
import os
import re
from urllib.parse import unquote

S3 = {"s3", "s3a"}
"""Schemes of S3. Secret keys often hold a slash, so that the user may there, too, if a password follows it."""

_NOT_USERS = {"abfs", "abfss", "wasb", "wasbs", "git", "github"}  # schemes whose URLs hold something else before an @

# Parameters of a query that are credentials, or that differ from one signing or session to the next.
_SIGNED = re.compile(
    r"x-(amz|goog|oss)-.+|.*(token|signature|session|passw|secret|accesskeyid|accessid).*"
    r"|sig|auth|authorization|pwd|exp|expires|policy|key-pair-id|((api|access|subscription)[-_]?)?key"
)
_SIGNED_OF_AZURE = {"se", "si", "sip", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "srt", "ss", "st", "sv"}
_MARK = re.compile(r"#query-[0-9a-f]{16}")


def is_url(path: str) -> bool:
    """Whether a source names something remote: `scheme://...`. A single letter is a drive of Windows."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path) is not None


def as_path(source: str) -> str:
    """The path that a URL `file://...` names, as it is or percent-encoded; any other source as it is."""
    path = re.sub(r"^file://(localhost)?(?=/)", "", source, count=1, flags=re.IGNORECASE)
    if path == source or os.path.lexists(path):
        return path
    from urllib.request import url2pathname  # which takes as long as numpy to import

    return url2pathname(path)


def is_http(url: str) -> bool:
    """Whether a URL is read by HTTP itself."""
    return url.partition("://")[0].lower() in {"http", "https"}


def shown(url: str) -> str:
    """A URL without what may be a credential: the user before the host; of HTTP, the query. A path is itself.

    In the place of the query stands a hash of it, so that photos whose URLs differ only there have different names. Signatures,
    keys, tokens and times of expiry do not count: a URL that is signed again keeps its name. A URL that was shown is itself.
    """
    if not is_url(url):
        return url
    name = url.replace(f"{user}@", "", 1) if (user := user_of(url)) else url
    return without_query(name) + (_mark(name) if is_http(url) else "")


def _mark(url: str) -> str:
    """What stands for the query of a URL of HTTP; "" if there is none, or nothing in it counts."""
    whole, _, fragment = url.partition("#")
    query = whole.partition("?")[2]
    if not query:
        return f"#{fragment}" if _MARK.fullmatch(f"#{fragment}") else ""
    values = [(unquote(each.partition("=")[0]).lower(), each) for each in query.split("&") if each]
    azure = any(name == "sig" for name, _ in values)
    counted = "&".join(each for name, each in values if not (_SIGNED.fullmatch(name) or (azure and name in _SIGNED_OF_AZURE)))
    digest = hashlib.blake2b(counted.encode("utf-8", "backslashreplace"), digest_size=8)
    return f"#query-{digest.hexdigest()}" if counted else ""


def without_query(url: str) -> str:
    """A URL of HTTP without its query and fragment; another one as it is."""
    return re.split("[?#]", url, maxsplit=1)[0] if is_http(url) else url


def redacted(text: str) -> str:
    """Text without the user names, passwords and queries of the URLs in it."""
    without_keys = re.sub(r"(?i)(\bs3a?://)[^\s/?#:@'\"]+:[^\s@'\"]*@", r"\1", text)
    without_users = re.sub(r"(\w[\w+.-]*://)[^\s/?#'\"]*@", r"\1", without_keys)
    return re.sub(r"(https?://[^\s?'\"<>]*)\?[^\s'\"<>)]*", r"\1", without_users)


def without_secrets(text: str, url: str) -> str:
    """A message without what the name of the URL leaves out, whatever the library that wrote it makes of URLs."""
    secrets = [f"{user}@"] if (user := user_of(url)) else []
    if is_http(url) and (query := url.partition("?")[2]):
        secrets.append(query)
    for secret in (unquote(each) if decoded else each for each in secrets for decoded in (False, True)):
        text = text.replace(secret, "")
    return redacted(text)


def user_of(url: str) -> str:
    """User and password of a URL, as they are written in it; "" if it has none."""
    scheme = url.partition("://")[0].lower()
    if scheme in _NOT_USERS:
        return ""
    found = re.match(r"[^:/?#]+://([^/?#]*)@", url)
    if found is None and scheme in S3:  # with slashes: up to the last @ before the next slash behind the first @
        found = re.match(r"[^:/?#]+://([^/?#:@]+:[^@]*(?:@[^/@]*)*)@", url)
    return found[1] if found else ""
