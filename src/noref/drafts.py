"""Files that appear under their names when they are complete, whatever interrupts the writing."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".draft"


@contextlib.contextmanager
def draft(path: Path) -> Iterator[Path]:
    """The path of a hidden file to write, in the folder of `path`.

    It replaces `path` when the block ends, and is removed if the block fails. A killed process leaves it; a search for photos
    skips it, as its name begins with a dot.

    Args:
        path: Of the complete file; its folder must exist.

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
    file = path.with_name(f".{uuid.uuid4().hex}{SUFFIX}")
    try:
        yield file
        file.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            file.unlink()
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, str(file)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
