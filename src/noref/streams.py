"""Makes the standard streams robust against unusual file names, encodings and closed descriptors."""

import codecs
import io
import os
import sys
from typing import BinaryIO


def prepare() -> None:
    """Make the standard streams usable.

    A closed one reads as empty and swallows what is written. One that Python leaves unbuffered (`PYTHONUNBUFFERED`) is buffered
    by lines: a file without a buffer may write less than it is given, and raises no error. Output is UTF-8 where nobody chose
    an encoding: on Windows, and where the locale is C. `PYTHONIOENCODING`, or another locale, chooses one. Characters that the
    encoding lacks are escaped; file names that are not text are written as the bytes that they are.
    """
    # In this order, so that each gets the descriptor that was closed, and no photo or map does.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  (never closed)
    codecs.register_error("noref", _escaped)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            if isinstance(stream.buffer, io.RawIOBase) and stream is getattr(sys, f"__{name}__"):
                encoding = stream.encoding
                stream = io.TextIOWrapper(io.BufferedWriter(stream.detach()), encoding, line_buffering=True)
                setattr(sys, name, stream)
                setattr(sys, f"__{name}__", stream)
            chosen = "PYTHONIOENCODING" in os.environ or (os.name != "nt" and codecs.lookup(stream.encoding).name != "ascii")
            stream.reconfigure(encoding=None if chosen else "utf-8", errors="noref")


def flush() -> dict[str, OSError]:
    """Flush standard output and standard error; returns the errors of doing so, by "stdout" and "stderr"."""
    errors = {}
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except OSError as error:
            errors[name] = error
    return errors


def standard_input() -> BinaryIO:
    """Standard input as bytes, unbuffered: a thread still waiting for a buffered one when the process ends would crash it."""
    return getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)


def _escaped(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes that `os.fsdecode` preserved, if ASCII has one byte per character; all else as a backslash escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    if "\udc80" <= text[0] <= "\udcff" and len("\n".encode(error.encoding)) == 1:
        return bytes([ord(text[0]) - 0xDC00]), error.start + 1
    return codecs.backslashreplace_errors(UnicodeEncodeError(error.encoding, error.object, error.start, error.start + 1, ""))
