"""Files that appear under their names when they are complete, whatever interrupts the writing."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".draft"

_unfinished: set[Path] = set()  # of all threads


@contextlib.contextmanager
def draft(path: Path) -> Iterator[Path]:
    """The path of a hidden file to write, in the folder of the file that it replaces.

    It replaces `path` when the block ends, and is removed if the block fails. If there was a file, its permissions are kept; if
    `path` is a link, what it refers to is replaced. A killed process leaves the hidden file; a search for photos skips it, as
    its name begins with a dot.

    Args:
        path: Of the complete file; its folder, or that of what a link refers to, must exist.

    Raises:
        OSError: The file cannot be written; it names `path`.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "scores.csv"
        >>> with draft(path) as file:
        ...     _ = file.write_text("photo,score")
        ...     path.exists()
        False
        >>> path.read_text()
        'photo,score'
    """
    place = Path(os.path.realpath(path))
    file = place.with_name(f".{uuid.uuid4().hex}{SUFFIX}")
    _unfinished.add(file)
    try:
        if os.path.exists(place):
            file.touch(mode=0o600)  # what others may read is decided by the file that it replaces
        yield file
        _keep_permissions(place, file)
        file.replace(place)
    except BaseException as error:
        with contextlib.suppress(OSError):
            file.unlink()
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, str(file)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        _unfinished.discard(file)


def discard() -> None:
    """Remove the hidden files that other threads are writing, for a process that ends without waiting for them."""
    for file in tuple(_unfinished):
        with contextlib.suppress(OSError):
            file.unlink()


def _keep_permissions(before: Path, file: Path) -> None:
    """Give a file the permissions of the one that it will replace, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        wanted = before.stat().st_mode & 0o777
        if wanted != file.stat().st_mode & 0o777:
            file.chmod(wanted)
