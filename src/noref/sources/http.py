"""Bounded requests over the HTTP session of fsspec: its own read the whole answer, however long, if a server ignores ranges."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from noref.sources.failures import Unavailable


class Answer(NamedTuple):
    """The body of an answer, as much as was wanted, and its headers."""

    content: bytes
    headers: Mapping[str, str]


def get(system: Any, url: str, start: int | None, most: int) -> Answer:
    """Read a file from its beginning, or from a position.

    Args:
        system: fsspec's file system for HTTP.
        url: Of the file.
        start: First byte of a range; None for the whole file.
        most: Bytes to read at most.

    Raises:
        Unavailable: The server does not give parts of this file.
        Exception: Of aiohttp.
    """
    from fsspec.asyn import sync

    return sync(system.loop, _get, system, url, start, most)


async def _get(system: Any, url: str, start: int | None, most: int) -> Answer:
    options = dict(system.kwargs)
    headers = {**options.pop("headers", {}), "Accept-Encoding": "identity"}
    if start is not None:
        headers["Range"] = f"bytes={start}-{start + most - 1}"
    session = await system.set_session()
    async with session.get(system.encode_url(url), headers=headers, **options) as answer:
        if answer.status == 416:  # the range begins behind the end
            return Answer(b"", answer.headers)
        answer.raise_for_status()
        if start and answer.status != 206:
            raise Unavailable("the server does not give parts of files", "download the file first")
        content = bytearray()
        async for chunk in answer.content.iter_any():
            content += chunk[: most - len(content)]
            if len(content) == most:
                break
        return Answer(bytes(content), answer.headers)
