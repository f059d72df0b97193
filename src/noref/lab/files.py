"""Access to files and folders that the user names, with a `LabError` that states the cause and the cure."""

import contextlib
import errno
import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from noref.drafts import draft
from noref.lab.errors import LabError

_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


@contextlib.contextmanager
def access(path: str | Path, cure: str) -> Iterator[None]:
    """Convert every OSError to a LabError; for short blocks that only read or write `path`.

    Raises:
        LabError: The file cannot be read or written; the message ends with `cure`.
    """
    try:
        yield
    except OSError as error:
        raise LabError(f"{error.filename or path}: {error.strerror or error}; {cure}") from error


@contextlib.contextmanager
def writable(folder: str | Path) -> Iterator[None]:
    """Convert OSErrors that are not bugs (full disk, missing permissions) to a LabError; for work that writes below `folder`.

    Raises:
        LabError: The disk is full, or permissions are missing.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _MACHINE:
            raise
        cure = "free space or correct the permissions, then repeat the command: finished parts are kept"
        raise LabError(f"{error.filename or folder}: {error.strerror}; {cure}") from error


def make_folder(folder: Path) -> None:
    """Create a results folder, with its parents, if it does not exist.

    Raises:
        LabError: It cannot be created.
    """
    with access(folder, "choose another results folder"):
        folder.mkdir(parents=True, exist_ok=True)


def read_text(file: Path) -> str:
    """Read a text file in UTF-8.

    Raises:
        LabError: The file cannot be read, or is not text.
    """
    try:
        with access(file, "check the path"):
            return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise LabError(f"{file} is not a text file ({error}); check the path") from error


def write_text(file: Path, text: str) -> None:
    """Write a text file in UTF-8, which appears when it is complete; its earlier content is kept if writing fails.

    Raises:
        OSError: It cannot be written.
    """
    with draft(file) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def read_json(file: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Raises:
        LabError: The file cannot be read, or holds something else.
    """
    try:
        content = json.loads(read_text(file))
    except json.JSONDecodeError as error:
        raise LabError(f"{file} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise LabError(f"{file} must hold a JSON object (keys and values), not {type(content).__name__}")
    return content


def write_json(file: Path, content: object) -> None:
    """Write a JSON file, as `write_text` does."""
    write_text(file, json.dumps(content, indent=2) + "\n")


def read_csv(file: str | Path, **options: Any) -> pd.DataFrame:
    """Read a CSV file by pandas with these options.

    Raises:
        LabError: The file cannot be read, or is not a CSV, such as one whose rows have more fields than its header
            (unless `usecols` chooses the columns).
    """
    try:
        with access(file, "check the path"), warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of fields that would be lost
            table: pd.DataFrame = pd.read_csv(file, index_col=False, **options)
            return table
    except pd.errors.ParserWarning as error:
        raise LabError(
            f"{file} is not a readable CSV: its rows have more fields than its header (a comma at their end counts)"
        ) from error
    except ValueError as error:  # parser errors of pandas, or not text
        raise LabError(f"{file} is not a readable CSV: {error}") from error


def digest(paths: Sequence[Path]) -> str:
    """A hash of the contents of files in their order, by which a resumed run knows its images."""
    found = hashlib.sha256()
    for path in paths:
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]
