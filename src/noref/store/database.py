"""Reads and writes a results file."""

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from noref.assessment import LIKELY
from noref.card import ModelCard
from noref.errors import StoreError
from noref.store import schema, sql
from noref.store.files import FULL
from noref.store.record import Record, Settings, Sort, State

_ORDERS: dict[Sort, str] = {"path": "path", "score": "score", "time": "scored"}
_CHUNK = 256  # rows read at a time


class Store:
    """An open results file; a context manager.

    One process at a time writes. Every result is committed as it is written: a killed process loses nothing that it wrote, and
    readers have it at once. Methods may be called from any thread.

    Args:
        path: The file.
        mode: "r" to read; "w" to read and write, which creates the file if there is none.

    Raises:
        StoreError: The file cannot be opened, is not a results file, was written by a later version of noref, or another
            process is writing to it. Methods raise it where the file cannot be read or written.

    Examples:
        >>> import tempfile
        >>> from noref.store import Store
        >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/results.db", "w") as store:
        ...     len(store)
        0
    """

    def __init__(self, path: str | os.PathLike[str], mode: Literal["r", "w"] = "r") -> None:
        self.path = Path(path)
        self._guard = threading.RLock()
        self._ids: dict[Settings, int] = {}
        schema.require_file(self.path)
        self._lock = schema.Lock(self.path) if mode == "w" else None
        try:
            self._database = schema.opened(self.path, mode)
            self._place, self._opened = self.path.absolute(), self.path.stat()
        except BaseException:
            if self._lock is not None:
                self._lock.release()
            raise

    @staticmethod
    def files(path: Path) -> list[Path]:
        """The results file, and those that lie beside it while it is open."""
        return [path, *(path.with_name(path.name + end) for end in ("-lock", "-wal", "-shm"))]

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; another process may write to it then."""
        with self._guard:
            self._database.close()
            if self._lock is not None:
                self._lock.release()
                self._lock = None  # a second call would remove the lock of the next writer

    def __len__(self) -> int:
        """Number of photos that have a result under the settings used last."""
        (row,) = self._rows("SELECT COUNT(*) FROM results WHERE settings = ?", self._id(None))
        return int(row[0])

    def cards(self) -> dict[str, dict[str, Any]]:
        """The card of each model as plain JSON types, by the SHA-256 of the model file; see `ModelCard`."""
        return {sha256: json.loads(card) for sha256, card in self._rows("SELECT sha256, card FROM models")}

    def settings(self) -> list[Settings]:
        """The settings under which there are results, those used last first."""
        found = self._rows("SELECT model, view, exact FROM settings ORDER BY used DESC, id DESC")
        return [Settings(model, view, bool(exact)) for model, view, exact in found]

    def records(
        self,
        *,
        below: float | None = None,
        above: float | None = None,
        defect: str | None = None,
        failed: bool | None = None,
        sort: Sort = "path",
        reverse: bool = False,
        settings: Settings | None = None,
        pictures: bool = True,
    ) -> Iterator[Record]:
        """Read records, one after the other.

        Args:
            below: Only scores lower than this.
            above: Only scores of at least this.
            defect: Only photos that likely have the defect of this name.
            failed: Only photos that could not be scored (True), or that were (False).
            sort: The order.
            reverse: The opposite order; failures still come last in the order by score.
            settings: Under which the photos were scored; None for those used last.
            pictures: Read maps and thumbnails; without, maps are 0 x 0 and thumbnails None, and reading is faster.

        Raises:
            ValueError: There are no results under these settings.

        Examples:
            >>> import tempfile
            >>> from datetime import datetime, timezone
            >>> from noref import card
            >>> from noref.store import Failure, Record, Store
            >>> failure = Failure("EmptyImage", "it has no data", "copy it again")
            >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/results.db", "w") as store:
            ...     settings = store.use(card.load(card.find("fast")), "common", False)
            ...     store.write(Record("/a.jpg", None, failure, 0, 0, "", None, datetime.now(timezone.utc), *settings))
            ...     [record.path for record in store.records(failed=True)]
            ['/a.jpg']
        """
        wanted = [
            ("settings = ?", self._id(settings)),
            ("score < ?", below),
            ("score >= ?", above),
            (f"? IN (SELECT name FROM defects WHERE result = results.id AND probability >= {LIKELY})", defect),
            ("(error_kind IS NOT NULL) = ?", failed),
        ]
        conditions, values = zip(*((text, value) for text, value in wanted if value is not None), strict=True)
        order = ", ".join(f"{each} {'DESC' if reverse else 'ASC'} NULLS LAST" for each in (_ORDERS[sort], "results.id"))
        columns, source = "results.*", "results"
        if pictures:
            columns += ", map, map_width, map_height, thumbnail"
            source += " LEFT JOIN pictures ON pictures.result = results.id"
        query = f"SELECT {columns} FROM {source} WHERE {' AND '.join(conditions)} ORDER BY {order}"
        return self._records(query, values, settings)

    def _records(self, query: str, values: tuple[Any, ...], settings: Settings | None) -> Iterator[Record]:
        chosen = settings or next(iter(self.settings()), None)
        if chosen is None:
            return
        card = self.cards()[chosen.model_sha256]
        with self._transaction("BEGIN", schema.DAMAGED) as database:
            cursor = database.execute(query, values)
            cursor.row_factory = sqlite3.Row
            chunk = self._with_defects(cursor)
        while chunk:
            for row, defects in chunk:
                yield sql.loaded(row, defects, chosen, card)
            with self._transaction("BEGIN", schema.DAMAGED):
                chunk = self._with_defects(cursor)

    def _with_defects(self, cursor: sqlite3.Cursor) -> list[tuple[sqlite3.Row, list[sqlite3.Row]]]:
        """The next rows of results with those of their defects; in a transaction, since another process may replace them."""
        query = "SELECT name, probability, level FROM defects WHERE result = ?"
        return [(row, list(self._rows(query, row["id"]))) for row in cursor.fetchmany(_CHUNK)]

    def state(
        self, path: str, size: int, modified: int, settings: Settings, thumbnail: bool = False, version: str = ""
    ) -> State:
        """Whether a photo, unchanged since, has a result: "scored", "failed", or "" for none.

        Args:
            path: See `Record`.
            size: Bytes of the photo now.
            modified: Time of its last change now, in nanoseconds since 1970.
            settings: Under which it is to be scored.
            thumbnail: Whether a result without a thumbnail counts as none.
            version: See `Record`; now.
        """
        query = """
            SELECT error_kind, thumbnail IS NOT NULL FROM results LEFT JOIN pictures ON result = id
            WHERE settings = ? AND path = ? AND bytes = ? AND modified = ? AND version = ?
        """
        for kind, drawn in self._rows(query, self._id(settings), sql.stored_path(path), size, modified, version):
            return "failed" if kind else "scored" if drawn or not thumbnail else ""
        return ""

    def use(self, card: ModelCard, view: str, exact: bool) -> Settings:
        """Store the model and the settings of the records to come, and return the settings; they become those used last.

        Args:
            card: Of the model.
            view: "common" or "native", as of `Scorer`.
            exact: Whether every photo is decoded in full.

        Examples:
            >>> import tempfile
            >>> from datetime import datetime, timezone
            >>> import noref
            >>> from noref.store import Failure, Record, Store
            >>> scorer = noref.Scorer("fast")
            >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/results.db", "w") as store:
            ...     settings = store.use(scorer.card, scorer.view, scorer.exact)
            ...     failure = Failure("EmptyImage", "the file is empty", "copy it again")
            ...     store.write(Record("/a.jpg", None, failure, 0, 0, "", None, datetime.now(timezone.utc), *settings))
            ...     before = store.state("/a.jpg", 0, 0, settings)
            ...     store.remove(["/a.jpg"], settings)
            ...     before, len(store)
            ('failed', 0)
        """
        settings = Settings(card.sha256, view, exact)
        with self._transaction() as database:
            model = (card.sha256, card.name, card.version, json.dumps(asdict(card)))
            database.execute("INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?)", model)
            database.execute(
                "INSERT INTO settings (model, view, exact, used) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (model, view, exact) DO UPDATE SET used = excluded.used",
                (*settings, sql.stored_time(datetime.now(timezone.utc))),
            )
        return settings

    def write(self, record: Record) -> None:
        """Write a record and commit it; it replaces the one of the same path and settings.

        Raises:
            StoreError: See `Store`; or the file was moved or removed since it was opened.
            ValueError: `use` has not stored its settings.
        """
        self._require_place()
        key, path, found = self._id(record.settings), sql.stored_path(record.path), record.assessment
        row = {"settings": key, **sql.stored(record)}
        marks = ", ".join("?" * len(row))
        with self._transaction() as database:
            database.execute("DELETE FROM results WHERE settings = ? AND path = ?", (key, path))
            result = database.execute(f"INSERT INTO results ({', '.join(row)}) VALUES ({marks})", tuple(row.values())).lastrowid
            if found is not None:
                defects = ((result, name, *defect) for name, defect in found.defects.items())
                database.executemany("INSERT INTO defects VALUES (?, ?, ?, ?)", defects)
                picture = (result, *sql.stored_map(found), record.thumbnail)
                database.execute("INSERT INTO pictures VALUES (?, ?, ?, ?, ?)", picture)

    def remove(self, paths: Iterable[str], settings: Settings) -> None:
        """Remove the results of photos under some settings."""
        key = self._id(settings)
        keys = [(key, sql.stored_path(path)) for path in paths]  # before the transaction: they may come from `records`
        with self._transaction() as database:
            database.executemany("DELETE FROM results WHERE settings = ? AND path = ?", keys)

    def _require_place(self) -> None:
        """Refuse to write to a file that is no longer at its path: SQLite would go on, and the results would be lost."""
        with contextlib.suppress(OSError):
            if os.path.samestat(self._place.stat(), self._opened):
                return
        raise StoreError(
            f"{self.path}: it was moved or removed while it was being written; put it back, or choose another file"
        )

    def _id(self, settings: Settings | None) -> int:
        """Of settings in the file; 0 for those used last if there are none."""
        if settings is None:
            latest = next(iter(self.settings()), None)
            return 0 if latest is None else self._id(latest)
        if settings not in self._ids:
            for (key,) in self._rows("SELECT id FROM settings WHERE model = ? AND view = ? AND exact = ?", *settings):
                self._ids[settings] = key
        if settings not in self._ids:
            raise ValueError(f"no results under {settings}")
        return self._ids[settings]

    def _rows(self, query: str, *values: object) -> Iterator[sqlite3.Row]:
        """The rows of an answer, read in chunks, so that neither memory nor the lock is held for long."""
        with self._guard, schema.explained(self.path, schema.DAMAGED):
            cursor = self._database.execute(query, values)
            cursor.row_factory = sqlite3.Row
            chunk = cursor.fetchmany(_CHUNK)
        while chunk:
            yield from chunk
            with self._guard, schema.explained(self.path, schema.DAMAGED):
                chunk = cursor.fetchmany(_CHUNK)

    @contextlib.contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE", cure: str = FULL) -> Iterator[sqlite3.Connection]:
        with self._guard, schema.explained(self.path, cure):
            self._database.execute(begin)
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # SQLite itself ends it when the disk is full
                    self._database.execute("ROLLBACK")
                raise
