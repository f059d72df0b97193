"""Lists of paths and URLs, one a line."""

import codecs
import sys
from collections.abc import Iterator
from typing import BinaryIO

_CHUNK = 2**16  # bytes of a list read at a time, at most


def lines(stream: BinaryIO) -> Iterator[str]:
    """Paths in a list, one per line, each as soon as its line is complete; blank lines are passed over.

    Lines end with LF or CRLF. The encoding is that of file names, nearly everywhere UTF-8; bytes that do not fit it are kept as
    `os.fsdecode` keeps them. With a byte-order mark it is UTF-8 or UTF-16.

    Args:
        stream: A binary stream. An unbuffered one gives lines as they are written; so does one that has `read1`.
    """
    read = getattr(stream, "read1", stream.read)
    head = b""
    while len(head) < 3 and b"\n" not in head and (chunk := read(_CHUNK)):
        head += chunk
    encoding, errors = sys.getfilesystemencoding(), "surrogateescape"
    for mark, marked in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            head, encoding, errors = head.removeprefix(mark), marked, "surrogateescape" if marked == "utf-8" else "replace"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    rest = ""
    while head or (head := read(_CHUNK)):
        *complete, rest = (rest + decoder.decode(head)).split("\n")
        yield from filter(None, (line.rstrip("\r") for line in complete))
        head = b""
    if rest := (rest + decoder.decode(b"", final=True)).rstrip("\r"):
        yield rest
