"""Reads and writes a folder of results: Parquet files, each of which appears when it is complete. Needs pyarrow.

docs/reference/results-file.md describes the columns.
"""

import contextlib
import functools
import json
import operator
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from noref.assessment import LIKELY
from noref.card import ModelCard
from noref.errors import StoreError
from noref.store import columns, schema
from noref.store.finished import Finished, digest, stamp
from noref.store.record import Record, Settings, Sort, State

ROWS = 10_000
"""Of a part, if its pictures are to fit into memory."""

VERSION = 1
"""Of the columns and the metadata of a part."""

_NAME = re.compile(r"part-([0-9a-f]{8})-(\d{8,})\.parquet")
_METADATA = b"noref"
_GROUP = 256  # rows of a row group: pictures are read by the group
_RECENT = 64  # row groups whose pictures are kept in memory
_ORDERS: dict[Sort, str] = {"path": "image", "score": "score", "time": "scored"}
_FULL = "everything written before is kept; make room and run the same command again to resume"
_CHANGED = "{}: it was changed while it was read; run the command again"
_DAMAGED = "remove it and run the same command again, which scores its photos again"


class _Part(NamedTuple):
    number: int
    key: str  # of its settings
    path: Path


class Parts:
    """An open folder of results, with the methods of `Store`; a context manager.

    One process at a time writes. A row replaces those of the same path and settings in earlier parts. When the folder is
    closed, rows that were replaced are removed, and small parts are joined.

    Args:
        path: The folder.
        mode: "r" to read; "w" to read and write, which makes the folder if there is none.

    Raises:
        StoreError: It holds no results or other files, a later version of noref wrote it, or another process is writing to it.
            Methods raise it where a part cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str], mode: Literal["r", "w"] = "r") -> None:
        self.path = Path(path)
        self._pictures = functools.lru_cache(maxsize=_RECENT)(self._read_pictures)
        self._written: set[Settings] = set()
        self._lock: schema.Lock | None = None
        if mode == "w":
            with _explained(self.path, "choose a new folder, or one that can be written to"):
                self.path.mkdir(parents=True, exist_ok=True)
                foreign = [each for each in self.path.iterdir() if each.name[0] != "." and not _NAME.fullmatch(each.name)]
            if foreign and not self._parts():
                raise StoreError(f"{self.path}: it holds other files; choose a new or empty folder for the results")
            self._lock = schema.Lock(self.path / ".parts")
            for draft in self.path.glob(".*.draft"):  # of a killed process
                draft.unlink()
        elif not self._parts():
            raise StoreError(f"{self.path}: a folder without results; write some with `noref score PHOTOS --engine ray --out`")

    def __enter__(self) -> "Parts":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove rows that were replaced, and join small parts; another process may write to the folder then."""
        if self._lock is None:
            return
        try:
            for settings in self._written:
                self._keep(self._current(settings))
        finally:
            self._lock.release()
            self._lock = None

    def __len__(self) -> int:
        """See `Store.__len__`."""
        return sum(int(kept.sum()) for settings in self.settings()[:1] for _, kept in self._current(settings))

    def cards(self) -> dict[str, dict[str, Any]]:
        """See `Store.cards`."""
        return {settings.model_sha256: card for settings, card in self._used()}

    def settings(self) -> list[Settings]:
        """The settings of all parts, those of the latest part first."""
        return [settings for settings, _ in self._used()]

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
        """See `Store.records`. All rows that fit the filters are held in memory, without their pictures."""
        chosen = settings or next(iter(self.settings()), None)
        if chosen is None:
            return iter(())
        defects = self._card(chosen)["defects"]
        if defect is not None and defect not in defects:
            return iter(())
        wanted = [pc.scalar(True)]
        wanted += [] if below is None else [pc.field("score") < below]
        wanted += [] if above is None else [pc.field("score") >= above]
        wanted += [] if failed is None else [pc.field("error_kind").is_valid() == failed]
        wanted += [] if defect is None else [pc.field(f"{columns.column(defect)}_probability") >= LIKELY]
        return self._records(chosen, defects, functools.reduce(operator.and_, wanted), sort, reverse, pictures)

    def _records(
        self, settings: Settings, defects: Sequence[str], wanted: pc.Expression, sort: Sort, reverse: bool, pictures: bool
    ) -> Iterator[Record]:
        kinds = columns.full_schema(defects)
        names = [name for name in kinds.names if name not in columns.PICTURES]
        parts: list[Path] = []
        tables: list[pa.Table] = []
        for part, kept in self._current(settings):
            places = {"part": np.full(len(kept), len(parts), np.int32), "row": np.arange(len(kept), dtype=np.int32)}
            rows = _read(part.path, names)
            for column, numbers in places.items():
                rows = rows.append_column(column, pa.array(numbers))
            parts.append(part.path)
            tables.append(rows.filter(pa.array(kept)).filter(wanted))
        table = pa.concat_tables(tables)
        keys = [(name, "ascending") for name in (_ORDERS[sort], "part", "row")]
        order = pc.sort_indices(table, sort_keys=keys).to_numpy()  # null comes last
        order = order[::-1].copy() if reverse else order
        for start in range(0, len(order), _GROUP):
            chunk = table.take(order[start : start + _GROUP])
            if pictures:
                drawn = [
                    self._picture(parts[part], row, image)
                    for part, row, image in zip(*(chunk[name].to_pylist() for name in ("part", "row", "image")), strict=True)
                ]
                for name, *values in zip(columns.PICTURES, *drawn, strict=True):
                    chunk = chunk.append_column(name, pa.array(values, kinds.field(name).type))
            yield from columns.records(chunk, defects)

    def finished(self, settings: Settings, thumbnail: bool = False) -> Finished:
        """The photos that have a result; it can be sent to other processes.

        Args:
            settings: Under which they were scored.
            thumbnail: Whether a result without a thumbnail counts as none.
        """
        stamps = [np.empty(0, np.uint64)]
        for part, kept in self._current(settings):
            names = [
                "image",
                "image_bytes",
                "bytes",
                "modified",
                "version",
                "error_kind",
                *(["thumbnail"] if thumbnail else []),
            ]
            rows = _read(part.path, names).filter(pa.array(kept))
            if thumbnail:
                rows = rows.filter(pc.field("thumbnail").is_valid() | pc.field("error_kind").is_valid())
            modified = rows["modified"].cast(pa.int64()).to_pylist()
            states: list[State] = ["failed" if kind else "scored" for kind in rows["error_kind"].to_pylist()]
            stated = map(stamp, _paths(rows), rows["bytes"].to_pylist(), modified, rows["version"].to_pylist(), states)
            stamps.append(np.fromiter(stated, np.uint64))
        return Finished(np.concatenate(stamps))

    def use(self, card: ModelCard, view: str, exact: bool) -> Settings:
        """See `Store.use`."""
        settings = Settings(card.sha256, view, exact)
        if self.settings()[:1] != [settings]:
            self._write(columns.full_schema(card.defects).empty_table(), settings, asdict(card))
        return settings

    def write(self, record: Record) -> None:
        """Write a part with one record; see `append`."""
        defects = self._card(record.settings)["defects"]
        self.append(columns.table([record], columns.full_schema(defects)), record.settings)

    def append(self, rows: pa.Table, settings: Settings) -> None:
        """Write a part; it appears when it is complete.

        Args:
            rows: With the columns of `columns.full_schema`.
            settings: Of all rows.

        Raises:
            ValueError: `use` has not stored the settings.
        """
        self._write(rows, settings, self._card(settings))

    def remove(self, paths: Iterable[str], settings: Settings) -> None:
        """See `Store.remove`."""
        removed = np.array([digest(os.fsencode(path)) for path in paths], np.uint64)
        self._keep((part, kept & ~np.isin(_keys(part.path), removed)) for part, kept in self._current(settings))

    def _parts(self, settings: Settings | None = None) -> list[_Part]:
        """The parts, or those under some settings, in the order in which they were written."""
        with _explained(self.path, "check the folder and its permissions"):
            names = [_NAME.fullmatch(name) for name in os.listdir(self.path)]
        found = [_Part(int(name[2]), name[1], self.path / name[0]) for name in names if name]
        return sorted(part for part in found if settings is None or part.key == _key(settings))

    def _used(self) -> list[tuple[Settings, dict[str, Any]]]:
        """All settings with the cards of their models, those of the latest part first."""
        latest = {part.key: part.path for part in self._parts()}
        return [_described(path) for path in sorted(latest.values(), key=lambda path: -int(path.stem.rpartition("-")[2]))]

    def _card(self, settings: Settings) -> dict[str, Any]:
        for part in self._parts(settings)[-1:]:
            return _described(part.path)[1]
        raise ValueError(f"no results under {settings}")

    def _current(self, settings: Settings) -> list[tuple[_Part, npt.NDArray[np.bool_]]]:
        """The parts under some settings, and which of their rows no later row replaces."""
        parts = self._parts(settings)
        if not parts:
            raise ValueError(f"no results under {settings}")
        keys = [_keys(part.path) for part in parts]
        _, last = np.unique(np.concatenate(keys)[::-1], return_index=True)
        kept = np.zeros(sum(map(len, keys)), np.bool_)
        kept[len(kept) - 1 - last] = True
        return list(zip(parts, np.split(kept, np.cumsum([len(each) for each in keys])[:-1]), strict=True))

    def _picture(self, path: Path, row: int, image: str) -> tuple[Any, ...]:
        for found, *picture in self._pictures(path, row // _GROUP)[row % _GROUP :][:1]:
            if found == image:
                return tuple(picture)
        raise StoreError(_CHANGED.format(path))

    def _read_pictures(self, path: Path, group: int) -> list[tuple[Any, ...]]:
        with _explained(path, _DAMAGED), pq.ParquetFile(path) as file:
            groups = range(file.num_row_groups)[group : group + 1]
            read = file.read_row_groups(groups, columns=["image", *columns.PICTURES])
        return list(zip(*(read[name].to_pylist() for name in ("image", *columns.PICTURES)), strict=True))

    def _write(self, rows: pa.Table, settings: Settings, card: dict[str, Any]) -> None:
        number = max((part.number for part in self._parts()), default=0) + 1
        self._written.add(settings)
        self._replace(self.path / f"part-{_key(settings)}-{number:08d}.parquet", rows, settings, card)

    def _keep(self, rows: Iterable[tuple[_Part, npt.NDArray[np.bool_]]]) -> None:
        """Keep only some rows of parts, and join small parts; one that is empty remains if there is no other."""
        group: list[tuple[Path, npt.NDArray[np.bool_]]] = []
        for part, kept in rows:
            if sum(each.sum() for _, each in group) + kept.sum() > ROWS:
                self._join(group)
                group = []
            group.append((part.path, kept))
        self._join(group)

    def _join(self, group: Sequence[tuple[Path, npt.NDArray[np.bool_]]]) -> None:
        """Rewrite parts as the last of them. If this is interrupted, rows are in two parts, and those of the last count."""
        if len(group) > 1 or not all(kept.all() for _, kept in group):
            *earlier, last = [path for path, _ in group]
            joined = pa.concat_tables([_read(path).filter(pa.array(kept)) for path, kept in group])
            self._replace(last, joined, *_described(last))
            for path in earlier:
                path.unlink()

    def _replace(self, path: Path, rows: pa.Table, settings: Settings, card: dict[str, Any]) -> None:
        facts = {"version": VERSION, "card": card, "view": settings.view, "exact": settings.exact}
        draft = self.path / f".{uuid.uuid4().hex}.draft"
        with _explained(path, _FULL):
            try:
                with draft.open("wb") as file:
                    rows = rows.replace_schema_metadata({_METADATA: json.dumps(facts)})
                    pq.write_table(rows, file, row_group_size=_GROUP)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)


def _read(path: Path, names: Sequence[str] | None = None) -> pa.Table:
    with _explained(path, _DAMAGED), pq.ParquetFile(path) as file:
        return file.read(columns=names)


def _described(path: Path) -> tuple[Settings, dict[str, Any]]:
    """The settings of a part, and the card of its model."""
    with _explained(path, _DAMAGED):
        facts = json.loads((pq.read_schema(path).metadata or {}).get(_METADATA, b'{"version": 0}'))
    if facts["version"] > VERSION:
        raise StoreError(f"{path}: a later version of noref wrote it (version {facts['version']}); update noref")
    if not facts["version"]:
        raise StoreError(f"{path}: noref did not write it; remove it from the folder of results")
    return Settings(facts["card"]["sha256"], facts["view"], facts["exact"]), facts["card"]


def _keys(path: Path) -> npt.NDArray[np.uint64]:
    """A hash of the path in each row."""
    return np.fromiter(map(digest, _paths(_read(path, ["image", "image_bytes"]))), np.uint64)


def _paths(rows: pa.Table) -> Iterator[bytes]:
    for image, exact in zip(rows["image"].to_pylist(), rows["image_bytes"].to_pylist(), strict=True):
        yield os.fsencode(image) if exact is None else exact


def _key(settings: Settings) -> str:
    """What the names of the parts under some settings have in common."""
    return f"{digest(json.dumps(settings).encode()):016x}"[:8]


@contextlib.contextmanager
def _explained(path: Path, cure: str) -> Iterator[None]:
    """Raise what the system or pyarrow reports as a `StoreError`."""
    try:
        yield
    except FileNotFoundError as error:  # of a part that was listed
        raise StoreError(_CHANGED.format(path)) from error
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path}: {error}; {cure}") from error
