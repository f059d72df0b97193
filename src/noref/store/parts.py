"""Reads and writes a folder of results: Parquet files, each of which appears when it is complete. Needs pyarrow.

docs/reference/results-file.md describes the columns.
"""

import functools
import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from noref import drafts
from noref.assessment import LIKELY
from noref.card import ModelCard
from noref.errors import StoreError
from noref.store import arrow, part, schema
from noref.store.files import PART
from noref.store.finished import Finished, digest, stamp
from noref.store.part import Part
from noref.store.record import Record, Settings, Sort, State

ROWS = 10_000
"""Of a part, if its pictures are to fit into memory."""

_RECENT = 64  # row groups whose pictures are kept in memory
_ORDERS: dict[Sort, str] = {"path": "image", "score": "score", "time": "scored"}


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
        self._pictures = functools.lru_cache(maxsize=_RECENT)(part.read_pictures)
        self._written: set[Settings] = set()
        self._lock: schema.Lock | None = None
        if mode == "w":
            with part.explained(self.path, "choose a new folder, or one that can be written to"):
                self.path.mkdir(parents=True, exist_ok=True)
                foreign = [each for each in self.path.iterdir() if each.name[0] != "." and not PART.fullmatch(each.name)]
            if foreign and not self._parts():
                raise StoreError(f"{self.path}: it holds other files; choose a new or empty folder for the results")
            self._lock = schema.Lock(self.path / ".parts")
            for left in self.path.glob(f".*{drafts.SUFFIX}"):  # by a killed process
                left.unlink()
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
        wanted += [] if defect is None else [pc.field(f"{arrow.column(defect)}_probability") >= LIKELY]
        return self._records(chosen, defects, functools.reduce(operator.and_, wanted), sort, reverse, pictures)

    def _records(
        self, settings: Settings, defects: Sequence[str], wanted: pc.Expression, sort: Sort, reverse: bool, pictures: bool
    ) -> Iterator[Record]:
        kinds = arrow.full_schema(defects)
        names = [name for name in kinds.names if name not in arrow.PICTURES]
        parts: list[Path] = []
        tables: list[pa.Table] = []
        for each, kept in self._current(settings):
            rows = part.read(each.path, names, kept)
            places = {"part": np.full(len(rows), len(parts), np.int32), "row": np.flatnonzero(kept).astype(np.int32)}
            for column, numbers in places.items():
                rows = rows.append_column(column, pa.array(numbers))
            parts.append(each.path)
            tables.append(rows.filter(wanted))
        table = pa.concat_tables(tables)
        keys = [(name, "descending" if reverse else "ascending") for name in (_ORDERS[sort], "part", "row")]
        order = pc.sort_indices(table, sort_keys=keys).to_numpy()  # null comes last in both directions
        for start in range(0, len(order), part.GROUP):
            chunk = table.take(order[start : start + part.GROUP])
            if pictures:
                drawn = [
                    self._picture(parts[number], row, image)
                    for number, row, image in zip(*(chunk[name].to_pylist() for name in ("part", "row", "image")), strict=True)
                ]
                for name, *values in zip(arrow.PICTURES, *drawn, strict=True):
                    chunk = chunk.append_column(name, pa.array(values, kinds.field(name).type))
            yield from arrow.records(chunk, defects)

    def finished(self, settings: Settings, thumbnail: bool = False) -> Finished:
        """The photos that have a result; it can be sent to other processes.

        Args:
            settings: Under which they were scored.
            thumbnail: Whether a result without a thumbnail counts as none.
        """
        stamps = [np.empty(0, np.uint64)]
        for each, kept in self._current(settings):
            names = ["image", "image_bytes", "bytes", "modified", "version", "error_kind"]
            rows = part.read(each.path, names + ["thumbnail"] * thumbnail, kept)
            if thumbnail:
                rows = rows.filter(pc.field("thumbnail").is_valid() | pc.field("error_kind").is_valid())
            modified = rows["modified"].cast(pa.int64()).to_pylist()
            states: list[State] = ["failed" if kind else "scored" for kind in rows["error_kind"].to_pylist()]
            stated = map(stamp, part.paths(rows), rows["bytes"].to_pylist(), modified, rows["version"].to_pylist(), states)
            stamps.append(np.fromiter(stated, np.uint64))
        return Finished(np.concatenate(stamps))

    def use(self, card: ModelCard, view: str, exact: bool) -> Settings:
        """See `Store.use`."""
        settings = Settings(card.sha256, view, exact)
        if self.settings()[:1] != [settings]:
            self._write(arrow.full_schema(card.defects).empty_table(), settings, asdict(card))
        return settings

    def write(self, record: Record) -> None:
        """Write a part with one record; see `append`."""
        defects = self._card(record.settings)["defects"]
        self.append(arrow.table([record], arrow.full_schema(defects)), record.settings)

    def append(self, rows: pa.Table, settings: Settings) -> None:
        """Write a part; it appears when it is complete.

        Args:
            rows: With the columns of `arrow.full_schema`.
            settings: Of all rows.

        Raises:
            ValueError: `use` has not stored the settings.
        """
        self._write(rows, settings, self._card(settings))

    def remove(self, paths: Iterable[str], settings: Settings) -> None:
        """See `Store.remove`."""
        removed = np.array([digest(os.fsencode(path)) for path in paths], np.uint64)
        self._keep((each, kept & ~np.isin(part.keys(each.path), removed)) for each, kept in self._current(settings))

    def _parts(self, settings: Settings | None = None) -> list[Part]:
        """All parts, or those under some settings."""
        return [each for each in part.listed(self.path) if settings is None or each.key == part.key(settings)]

    def _used(self) -> list[tuple[Settings, dict[str, Any]]]:
        """All settings with the cards of their models, those of the latest part first."""
        latest = {each.key: each for each in self._parts()}
        return [part.described(each.path) for each in sorted(latest.values(), reverse=True)]

    def _card(self, settings: Settings) -> dict[str, Any]:
        for each in self._parts(settings)[-1:]:
            return part.described(each.path)[1]
        raise ValueError(f"no results under {settings}")

    def _current(self, settings: Settings) -> list[tuple[Part, npt.NDArray[np.bool_]]]:
        """The parts under some settings, and which of their rows no later row replaces."""
        parts = self._parts(settings)
        if not parts:
            raise ValueError(f"no results under {settings}")
        keys = [part.keys(each.path) for each in parts]
        _, last = np.unique(np.concatenate(keys)[::-1], return_index=True)
        kept = np.zeros(sum(map(len, keys)), np.bool_)
        kept[len(kept) - 1 - last] = True
        return list(zip(parts, np.split(kept, np.cumsum([len(each) for each in keys])[:-1]), strict=True))

    def _picture(self, path: Path, row: int, image: str) -> tuple[Any, ...]:
        for found, *picture in self._pictures(path, row // part.GROUP)[row % part.GROUP :][:1]:
            if found == image:
                return tuple(picture)
        raise StoreError(part.CHANGED.format(path))

    def _write(self, rows: pa.Table, settings: Settings, card: dict[str, Any]) -> None:
        number = max((each.number for each in self._parts()), default=0) + 1
        self._written.add(settings)
        part.write(self.path / f"part-{part.key(settings)}-{number:08d}.parquet", rows, settings, card)

    def _keep(self, rows: Iterable[tuple[Part, npt.NDArray[np.bool_]]]) -> None:
        """Keep only some rows of parts, and join small parts; one that is empty remains if there is no other."""
        group: list[tuple[Path, npt.NDArray[np.bool_]]] = []
        for each, kept in rows:
            if sum(some.sum() for _, some in group) + kept.sum() > ROWS:
                self._join(group)
                group = []
            group.append((each.path, kept))
        self._join(group)

    def _join(self, group: Sequence[tuple[Path, npt.NDArray[np.bool_]]]) -> None:
        """Rewrite parts as the last of them. If this is interrupted, rows are in two parts, and those of the last count."""
        if len(group) > 1 or not all(kept.all() for _, kept in group):
            *earlier, last = [path for path, _ in group]
            joined = pa.concat_tables([part.read(path, kept=kept) for path, kept in group])
            part.write(last, joined, *part.described(last))
            for path in earlier:
                path.unlink()
