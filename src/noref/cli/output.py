"""Exit codes and messages on standard error, as all commands use them."""

import contextlib
import enum
import os
import re
import traceback
from collections.abc import Iterator
from typing import NoReturn

import click

from noref import streams
from noref.assessment import Assessment
from noref.errors import ClusterError, ComparisonError, ExportError, ImageError, InternalError, ModelError, StoreError
from noref.printing import printable

_URL = re.compile(r"[A-Za-z][\w+.-]+:/")  # one slash: `Path` makes two into one; a drive has one letter


class Exit(enum.IntEnum):
    """Exit codes, each with its meaning."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "Exit":
        """An exit code that carries its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "all images were scored"
    SOME_FAILED = 1, "some images could not be scored, maps could not be written, or the output pipe was closed"
    STOPPED = 2, "wrong usage, no image found, a model that cannot be used, or output that cannot be written"
    BUG = 3, "a bug in noref; its traceback is on standard error"
    INTERRUPTED = 130, "interrupted (Ctrl-C)"


EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"{code:>5}  {code.meaning}" for code in Exit)
"""What stands below the help of a command that uses them all."""


def say(*lines: str) -> None:
    """Print on standard error, as far as that can be written."""
    with contextlib.suppress(OSError):
        for line in lines:
            click.echo(printable(line), err=True)


def require_local(*paths: str | os.PathLike[str] | None) -> None:
    """Stop where a path is a URL; it is not printed, since it may hold credentials."""
    if any(path is not None and _URL.match(os.fspath(path)) for path in paths):
        stop("a URL is given where a file or folder on this machine is needed; only the sources of noref score may be URLs")


def stop(message: str) -> NoReturn:
    """Print a message on standard error and end with `Exit.STOPPED`."""
    say(f"noref: {message}")
    raise click.exceptions.Exit(Exit.STOPPED)


def reason(error: Exception) -> str:
    """The message of an error of the system names the file, or standard output if that is what cannot be written."""
    if not isinstance(error, OSError):
        return str(error)
    text, place = error.strerror or str(error), error.filename
    if place is None and "stdout" in streams.flush():  # what was not written is written again
        place = "standard output"
    return text if place is None else f"{place}: {text}"


def say_traceback(result: Assessment | ImageError, debug: bool) -> None:
    """Print the traceback of a bug on standard error; with `debug`, of any error."""
    if isinstance(result, InternalError):
        say(f"internal error on {result.name}", *result.traceback.splitlines())
    elif debug and isinstance(result, ImageError):
        say(f"error on {result.name}", *"".join(traceback.format_exception(result)).splitlines())


@contextlib.contextmanager
def needing(what: str, extra: str) -> Iterator[None]:
    """Stop if a library that an extra installs is missing; a missing module of noref is a bug."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "noref":
            raise
        stop(f"{what} needs {error.name}; pip install 'noref[{extra}]'")


@contextlib.contextmanager
def stops(debug: bool = False) -> Iterator[None]:
    """Report errors that the user can fix as one line."""
    try:
        yield
    except BrokenPipeError:  # the output was closed; click exits quietly
        raise
    # No such model, a folder that cannot be made, a full disk.
    except (ClusterError, ComparisonError, ExportError, ModelError, StoreError, OSError) as error:
        if debug:
            say(*traceback.format_exc().splitlines())
        stop(reason(error))
