"""Records as an Apache Parquet file; needs the extra `parquet`."""

import itertools
import re
from collections.abc import Iterable
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from noref.card import ModelCard
from noref.store import Record

_GROUP = 20_000  # rows of a row group: some megabytes


def write(records: Iterable[Record], card: ModelCard, out: BinaryIO) -> None:
    """Write records in row groups, so that memory stays bounded. Bytes of a path that are not UTF-8 become escapes."""
    schema = _schema(card)
    remaining = iter(records)
    with pq.ParquetWriter(pa.PythonFile(out, "w"), schema) as writer:
        while group := list(itertools.islice(remaining, _GROUP)):
            writer.write_table(pa.Table.from_pylist([_row(record) for record in group], schema))


def _schema(card: ModelCard) -> pa.Schema:
    columns = [
        *(("image", pa.string()), ("score", pa.float64()), ("low", pa.float64()), ("high", pa.float64())),
        *(("model", pa.string()), ("policy", pa.string()), ("width", pa.int32()), ("height", pa.int32())),
        ("warnings", pa.list_(pa.string())),
        *(("error_kind", pa.string()), ("error_cause", pa.string()), ("error_cure", pa.string())),
        *(("bytes", pa.int64()), ("modified", pa.timestamp("ns", "UTC")), ("version", pa.string()), ("digest", pa.string())),
        ("scored", pa.timestamp("us", "UTC")),
        *(("model_sha256", pa.string()), ("view", pa.string()), ("exact", pa.bool_())),
        *((f"{_column(name)}_{figure}", pa.float64()) for name in card.defects for figure in ("probability", "level")),
    ]
    return pa.schema(columns)


def _row(record: Record) -> dict[str, Any]:
    row: dict[str, Any] = {
        "image": _text(record.path),
        "bytes": record.bytes,
        "modified": record.modified,
        "version": record.version,
        "digest": record.digest,
        "scored": record.scored,
        "model_sha256": record.model_sha256,
        "view": record.view,
        "exact": record.exact,
    }
    if record.failure is not None:
        row |= {"error_kind": record.failure.kind, "error_cause": record.failure.cause, "error_cure": record.failure.cure}
    if record.assessment is not None:
        found = record.assessment.to_dict()
        row |= {name: found[name] for name in ("score", "model", "policy", "width", "height")}
        row["low"], row["high"] = found["interval"] or (None, None)
        row["warnings"] = [_text(warning) for warning in found["warnings"]]
        for name, defect in found["defects"].items():
            row |= {f"{_column(name)}_{figure}": value for figure, value in defect.items()}
    return row


def _column(defect: str) -> str:
    return re.sub(r"\W+", "_", defect)


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
