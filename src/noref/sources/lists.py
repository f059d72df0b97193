"""Lists of paths and URLs, one a line or separated by null characters."""

import codecs
import re
import sys
from collections.abc import Iterator
from typing import BinaryIO

from noref.errors import UnsupportedImage
from noref.images import formats

_CHUNK = 2**16  # bytes of a list read at a time, at most
_FILES = {
    rb"PK\x03\x04": "a ZIP archive",
    rb".{257}ustar": "a tar archive",
    rb"\x1f\x8b": "gzip data",
    rb"BZh[1-9]1AY&SY": "bzip2 data",
    rb"\xfd7zXZ\0": "xz data",
    rb"\x28\xb5\x2f\xfd": "Zstandard data",
    rb"PAR1\x15": "a Parquet file",
    rb"SQLite format 3\0": "an SQLite file",
}
"""Patterns of the first bytes of files that are no lists."""


def lines(stream: BinaryIO) -> Iterator[str]:
    """Paths in a list, one per line, each as soon as its line is complete; blank lines are passed over.

    Lines end with LF or CRLF, or with null characters if the beginning has at least as many of these (`find -print0`). The
    encoding is that of file names, nearly everywhere UTF-8; bytes that do not fit it are kept as `os.fsdecode` keeps them. With
    a byte-order mark it is UTF-8 or UTF-16.

    Args:
        stream: A binary stream. An unbuffered one gives lines as they are written; so does one that has `read1`.

    Raises:
        UnsupportedImage: The stream is an image, not a list.
    """
    read = getattr(stream, "read1", stream.read)
    head = b""
    while len(head) < _CHUNK and b"\n" not in head and b"\0" not in head and (chunk := read(_CHUNK)):
        head += chunk
    if b"\0" in head and (form := formats.detected(head)):
        cure = "on Linux and macOS, give /dev/stdin instead of -"
        raise UnsupportedImage("-", f"standard input is a {form.name} image, not a list of paths", cure)
    for pattern, what in _FILES.items():
        if re.match(pattern, head, re.DOTALL):
            raise UnsupportedImage("-", f"standard input is {what}, not a list of paths", "give the name of the file")
    encoding, errors = sys.getfilesystemencoding(), "surrogateescape"
    for mark, marked in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            head, encoding, errors = head.removeprefix(mark), marked, "surrogateescape" if marked == "utf-8" else "replace"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    rest = decoder.decode(head)
    nulls = rest.count("\0")
    end, extra = ("\0", "") if nulls and nulls >= rest.count("\n") else ("\n", "\r")
    while True:
        *complete, rest = rest.split(end)
        yield from filter(None, (line.rstrip(extra) for line in complete))
        if not (chunk := read(_CHUNK)):
            break
        rest += decoder.decode(chunk)
    if rest := (rest + decoder.decode(b"", final=True)).rstrip(extra):
        yield rest
