"""Records as rows of an Arrow table, and back; needs pyarrow. Parquet exports and the parts of a folder have these columns."""

import dataclasses
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timezone
from typing import Any

import numpy as np
import pyarrow as pa

from noref.assessment import Assessment, Defect, map_from_bytes, map_in_bytes
from noref.store.record import Failure, Record
from noref.store.values import as_number, as_text

PICTURES = ("map", "map_width", "map_height", "thumbnail")
"""Columns that are large, and read only where they are needed."""


def schema(defects: Sequence[str]) -> pa.Schema:
    """The columns of an export: everything but pictures.

    Args:
        defects: Names of the defects that the model predicts.
    """
    columns = [
        *(("image", pa.string()), ("score", pa.float64()), ("low", pa.float64()), ("high", pa.float64())),
        *(("model", pa.string()), ("policy", pa.string()), ("width", pa.int32()), ("height", pa.int32())),
        ("warnings", pa.list_(pa.string())),
        *(("error_kind", pa.string()), ("error_cause", pa.string()), ("error_cure", pa.string())),
        *(("bytes", pa.int64()), ("modified", pa.timestamp("ns", "UTC")), ("version", pa.string())),
        *(("digest", pa.string()), ("scored", pa.timestamp("us", "UTC"))),
        *(("model_sha256", pa.string()), ("view", pa.string()), ("exact", pa.bool_())),
        *((f"{column(name)}_{figure}", pa.float64()) for name in defects for figure in ("probability", "level")),
    ]
    return pa.schema(columns)


def full_schema(defects: Sequence[str]) -> pa.Schema:
    """The columns of `schema`, the exact bytes of paths that are not text, and pictures: everything that a record holds."""
    types = (pa.binary(), pa.int32(), pa.int32(), pa.binary())
    pictures = [pa.field(name, kind) for name, kind in zip(PICTURES, types, strict=True)]
    return pa.schema([*schema(defects), pa.field("image_bytes", pa.binary()), *pictures])


def table(records: Iterable[Record], columns: pa.Schema) -> pa.Table:
    """Records as rows with some of the columns; bytes of texts that are not UTF-8 become escapes.

    Raises:
        pyarrow.ArrowException: A value has the wrong type.
    """
    return pa.Table.from_pylist([_row(record, "map" in columns.names) for record in records], columns)


def records(rows: pa.Table, defects: Sequence[str]) -> Iterator[Record]:
    """The records of rows with the columns of `full_schema`; without pictures, maps are 0 x 0 and thumbnails None."""
    position = rows.schema.get_field_index("modified")  # as an integer: a datetime has no nanoseconds
    rows = rows.set_column(position, "modified", rows["modified"].cast(pa.int64()))
    for row in rows.to_pylist():
        yield _record(row, defects)


def column(defect: str) -> str:
    """The name of a defect as the columns of its probability and level begin."""
    return re.sub(r"\W+", "_", defect)


def _row(record: Record, pictures: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "image": as_text(record.path),
        "bytes": record.bytes,
        "modified": record.modified,
        "version": as_text(record.version),
        "digest": record.digest,
        "scored": record.scored,
        "model_sha256": record.model_sha256,
        "view": record.view,
        "exact": record.exact,
    }
    if record.failure is not None:
        cause, cure = as_text(record.failure.cause), as_text(record.failure.cure)
        row |= {"error_kind": record.failure.kind, "error_cause": cause, "error_cure": cure}
    if record.assessment is not None:
        found = record.assessment.to_dict()
        row |= {name: found[name] for name in ("score", "model", "width", "height")}
        row["policy"] = as_text(record.assessment.policy)
        row["low"], row["high"] = found["interval"] or (None, None)
        row["warnings"] = [as_text(warning) for warning in found["warnings"]]
        for name, defect in found["defects"].items():
            row |= {f"{column(name)}_{figure}": value for figure, value in defect.items()}
    if pictures:
        row["image_bytes"] = None if row["image"] == record.path else os.fsencode(record.path)
        row["thumbnail"] = record.thumbnail
        if record.assessment is not None:
            grid = map_in_bytes(record.assessment.map)
            row |= {"map": grid.tobytes(), "map_width": grid.shape[1], "map_height": grid.shape[0]}
    return row


def _record(row: Mapping[str, Any], defects: Sequence[str]) -> Record:
    path = row["image"] if row["image_bytes"] is None else os.fsdecode(row["image_bytes"])
    failure = Failure(row["error_kind"], row["error_cause"], row["error_cure"]) if row["error_kind"] else None
    own: dict[str, Any] = {each.name: row.get(each.name) for each in dataclasses.fields(Record)}
    assessment = None if failure else _assessment(path, row, defects)
    scored = row["scored"].astimezone(timezone.utc)
    return Record(**own | {"path": path, "assessment": assessment, "failure": failure, "scored": scored})


def _assessment(path: str, row: Mapping[str, Any], defects: Sequence[str]) -> Assessment:
    figures = [(name, row[f"{column(name)}_probability"], row[f"{column(name)}_level"]) for name in defects]
    quality = np.empty((0, 0), np.float32)
    if (grid := row.get("map")) is not None:
        quality = map_from_bytes(grid, row["map_height"], row["map_width"])
    return Assessment(
        name=path,
        score=as_number(row["score"]),
        map=quality,
        model=row["model"],
        policy=row["policy"],
        size=(row["width"], row["height"]),
        warnings=tuple(row["warnings"]),
        defects={name: Defect(chance, as_number(level)) for name, chance, level in figures if chance is not None},
        interval=(as_number(row["low"]), as_number(row["high"])),
    )
