"""Records as rows of the database, and back."""

import json
import os
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np

from noref.assessment import Assessment, Defect, map_from_bytes, map_in_bytes
from noref.store.record import Failure, Record, Settings
from noref.store.values import as_number, as_text


def stored(record: Record) -> dict[str, object]:
    """The columns of `results`, except `id` and `settings`; NaN becomes NULL."""
    row: dict[str, object] = {
        "path": stored_path(record.path),
        "bytes": record.bytes,
        "modified": record.modified,
        "version": as_text(record.version),
        "digest": record.digest,
        "scored": stored_time(record.scored),
    }
    if (found := record.assessment) is not None:
        row |= {"score": found.score, "low": found.interval[0], "high": found.interval[1]}
        row |= {"width": found.size[0], "height": found.size[1], "policy": as_text(found.policy)}
        row["warnings"] = json.dumps(found.warnings)
    if record.failure is not None:
        row |= zip(("error_kind", "error_cause", "error_cure"), map(as_text, record.failure), strict=True)
    return row


def stored_map(assessment: Assessment) -> tuple[int, int, bytes]:
    """Width, height, and quality 0 to 100 as bytes 0 to 255, row by row."""
    grid = map_in_bytes(assessment.map)
    return grid.shape[1], grid.shape[0], grid.tobytes()


def loaded(row: sqlite3.Row, defects: Iterable[sqlite3.Row], settings: Settings, card: dict[str, Any]) -> Record:
    """The record of a row of `results`, with the columns of `pictures` or without."""
    path = _loaded_path(row["path"])
    failure = Failure(row["error_kind"], row["error_cause"], row["error_cure"]) if row["error_kind"] else None
    return Record(
        path=path,
        assessment=None if failure else _assessment(path, row, defects, card),
        failure=failure,
        bytes=row["bytes"],
        modified=row["modified"],
        version=_if_read(row, "version") or "",
        digest=row["digest"],
        thumbnail=_if_read(row, "thumbnail"),
        scored=datetime.fromisoformat(row["scored"]),
        model_sha256=settings.model_sha256,
        view=settings.view,
        exact=settings.exact,
    )


def _assessment(path: str, row: sqlite3.Row, defects: Iterable[sqlite3.Row], card: dict[str, Any]) -> Assessment:
    found = {name: Defect(probability, as_number(level)) for name, probability, level in defects}
    quality = np.empty((0, 0), np.float32)
    if (grid := _if_read(row, "map")) is not None:
        quality = map_from_bytes(grid, row["map_height"], row["map_width"])
    return Assessment(
        name=path,
        score=as_number(row["score"]),
        map=quality,
        model=f"{card['name']} {card['version']}",
        policy=row["policy"],
        size=(row["width"], row["height"]),
        warnings=tuple(json.loads(row["warnings"])),
        defects={name: found[name] for name in card["defects"] if name in found},
        interval=(as_number(row["low"]), as_number(row["high"])),
    )


def stored_path(path: str) -> str | bytes:
    """Text if the bytes of the path are UTF-8, otherwise the bytes; whatever the encoding of file names is here."""
    exact = os.fsencode(path)
    try:
        return exact.decode("utf-8")
    except UnicodeDecodeError:
        return exact


def _loaded_path(path: str | bytes) -> str:
    return os.fsdecode(path.encode("utf-8") if isinstance(path, str) else path)


def stored_time(moment: datetime) -> str:
    """ISO 8601 with microseconds: the order of such texts in UTC is that of the times."""
    return moment.isoformat(timespec="microseconds")


def _if_read(row: sqlite3.Row, column: str) -> Any:
    return row[column] if column in row.keys() else None  # noqa: SIM118  (`in` a row searches its values)
