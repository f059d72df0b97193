"""Opening a results file: its tables, its version, and the lock of the process that writes.

docs/reference/results-file.md describes the tables.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from noref.errors import StoreError

APPLICATION = 0x6E6F7266
"""`PRAGMA application_id` of a results file: "norf"."""

VERSION = 2
"""`PRAGMA user_version`: of the tables below."""

_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE models (
    sha256 TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    card TEXT NOT NULL
);
CREATE TABLE settings (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL REFERENCES models (sha256),
    view TEXT NOT NULL,
    exact INTEGER NOT NULL,
    used TEXT NOT NULL,
    UNIQUE (model, view, exact)
);
CREATE TABLE results (
    id INTEGER PRIMARY KEY,
    settings INTEGER NOT NULL REFERENCES settings (id),
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    version TEXT NOT NULL DEFAULT '',
    digest TEXT NOT NULL,
    scored TEXT NOT NULL,
    score REAL,
    low REAL,
    high REAL,
    width INTEGER,
    height INTEGER,
    policy TEXT,
    warnings TEXT,
    error_kind TEXT,
    error_cause TEXT,
    error_cure TEXT,
    UNIQUE (settings, path)
);
CREATE TABLE defects (
    result INTEGER NOT NULL REFERENCES results (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    probability REAL NOT NULL,
    level REAL,
    PRIMARY KEY (result, name)
) WITHOUT ROWID;
CREATE TABLE pictures (
    result INTEGER PRIMARY KEY REFERENCES results (id) ON DELETE CASCADE,
    map_width INTEGER NOT NULL,
    map_height INTEGER NOT NULL,
    map BLOB NOT NULL,
    thumbnail BLOB
);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""
_FROM_1 = """
BEGIN IMMEDIATE;
ALTER TABLE results ADD COLUMN version TEXT NOT NULL DEFAULT '';
PRAGMA user_version = 2;
COMMIT;
"""
_CURES = {
    "r": "choose a file that `noref score --out` wrote",
    "w": "choose a file that `noref score --out` wrote, or a new one",
}
_READ_ONLY = "copy it, with the files beside it that begin with its name, to a folder that can be written to"
DAMAGED = "copy it again, or score the photos again into another file"
"""What to do when a file cannot be read."""

_WAIT = 10.0  # seconds for another process's transaction


def require_file(path: Path) -> None:
    """Refuse a path that cannot be that of a results file.

    Raises:
        StoreError: There is a folder, or something else than a file.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # which raise nothing, unlike the methods of `path`
        raise StoreError(f"{path}: {'a folder' if os.path.isdir(path) else 'no regular file'}; give the name of a results file")


def opened(path: Path, mode: Literal["r", "w"]) -> sqlite3.Connection:
    """A connection to a results file; in mode "w", the file is created if there is none.

    Raises:
        StoreError: It cannot be opened, is not a results file, or was written by a later version of noref.
    """
    if mode == "r" and not path.exists():
        raise StoreError(f"{path}: no such file; write one with `noref score PHOTOS --out {path}`")
    if path.exists() and not os.access(path, os.R_OK if mode == "r" else os.R_OK | os.W_OK):
        raise StoreError(f"{path}: permission denied; correct its permissions")
    access = _access(path) if mode == "r" else "mode=rwc"
    cures = {"mode=ro": _READ_ONLY, "mode=rwc": f"{_CURES[mode]}, in a folder that can be written to"}
    with explained(path, cures.get(access, _CURES[mode])):
        database = sqlite3.connect(
            f"{path.absolute().as_uri()}?{access}",
            uri=True,
            timeout=_WAIT,
            isolation_level=None,  # transactions begin and end where the code states it
            check_same_thread=False,
        )
        try:
            _prepare(database, path, mode)
        except BaseException:
            database.close()
            raise
    return database


def _access(path: Path) -> str:
    """How to open a file for reading.

    The last connection to close removes the files `-wal` and `-shm` beside it, if it may write. In a folder that cannot be
    written to, SQLite can read the file only as one that does not change, which is so while there is no `-wal`.
    """
    if os.access(path.absolute().parent, os.W_OK):
        return "mode=rw"
    return "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"


def _prepare(database: sqlite3.Connection, path: Path, mode: Literal["r", "w"]) -> None:
    application, version, tables = (
        database.execute(question).fetchone()[0]
        for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT COUNT(*) FROM sqlite_master")
    )
    new = mode == "w" and not (application or version or tables)
    if not new and application != APPLICATION:
        raise StoreError(f"{path}: it is not a results file; {_CURES[mode]}")
    if version > VERSION:
        raise StoreError(f"{path}: a later version of noref wrote it (schema {version}); update noref")
    database.execute("PRAGMA foreign_keys = ON")
    if mode == "r":
        database.execute("PRAGMA query_only = ON")
    else:
        # Readers do not wait, and a killed process loses nothing that it committed; a power cut may cost the last results.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
    if new:
        database.executescript(_TABLES)
    elif mode == "w" and version == 1:
        database.executescript(_FROM_1)


@contextlib.contextmanager
def explained(path: Path, cure: str) -> Iterator[None]:
    """Raise what SQLite reports as a `StoreError` with a cure; data that are damaged have one of their own.

    Raises:
        ValueError: The connection is closed.
    """
    try:
        yield
    except sqlite3.ProgrammingError as error:
        raise ValueError(f"{path}: {error}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}; {DAMAGED if 'malformed' in str(error) else cure}") from error


class Lock:
    """The right to write to a results file. The system releases it when the process ends, however it ends.

    It is an exclusive transaction on an empty database beside the file, which SQLite locks alike on all systems.

    Raises:
        StoreError: Another process has it, or the folder cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.with_name(f"{path.name}-lock")
        with explained(path, "check the folder and its permissions"):
            before, self._held = self._inode(), self._locked(path)
            # A process that ends may remove the file after it was opened here; another one then locks a new file.
            while (now := self._inode()) is None or now != before:
                self._held.close()
                before, self._held = now, self._locked(path)

    def _inode(self) -> int | None:
        try:
            return self._file.stat().st_ino
        except OSError:
            return None

    def _locked(self, path: Path) -> sqlite3.Connection:
        held = sqlite3.connect(self._file, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            held.execute("PRAGMA journal_mode = OFF")  # no second file
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            held.close()
            if "locked" in str(error):
                cure = "wait until that has ended, or choose another file"
                raise StoreError(f"{path}: another run of noref is writing to it; {cure}") from None
            raise
        return held

    def release(self) -> None:
        """Let another process write."""
        with contextlib.suppress(OSError):
            self._file.unlink()
        self._held.close()
