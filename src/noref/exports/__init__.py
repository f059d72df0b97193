"""Writes records of a results file: a table for people; CSV, JSON lines, Parquet and paths for programs."""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any, TextIO, TypeAlias

from noref.card import ModelCard
from noref.store import Record
from noref.writers import Table, as_record, csv

Export: TypeAlias = Callable[[Iterable[Record], ModelCard, TextIO], None]

FILE_COLUMNS = ("bytes", "modified", "version", "digest", "scored", "model_sha256", "view", "exact")
"""What an export states of a photo and its scoring beside the result."""


def as_table(records: Iterable[Record], card: ModelCard, out: TextIO) -> None:
    """As `noref score` prints results."""
    writer = Table(out, card)
    for record in records:
        writer.write(record.result)


def as_csv(records: Iterable[Record], _card: ModelCard, out: TextIO) -> None:
    """The columns of `noref score --format csv`, and those of the file."""
    columns = (*csv.COLUMNS, *FILE_COLUMNS)
    out.write(csv.heading(columns))
    out.writelines(csv.line({**csv.cells(record.result), **_of_file(record)}, columns) for record in records)


def as_json_lines(records: Iterable[Record], _card: ModelCard, out: TextIO) -> None:
    """The keys of `noref score --format jsonl`, and those of the file."""
    out.writelines(json.dumps({**as_record(record.result), **_of_file(record)}) + "\n" for record in records)


def as_parquet(records: Iterable[Record], card: ModelCard, out: TextIO) -> None:
    """Typed columns, two for each defect; see `parquet.write`.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
    """
    from noref.exports import parquet

    parquet.write(records, card, out.buffer)


def as_paths(records: Iterable[Record], _card: ModelCard, out: TextIO, end: bytes = b"\n") -> None:
    """The exact bytes of each path, ended by a newline or a null byte."""
    out.flush()
    out.buffer.writelines(os.fsencode(record.path) + end for record in records)


FORMATS: dict[str, Export] = {
    "table": as_table,
    "csv": as_csv,
    "jsonl": as_json_lines,
    "parquet": as_parquet,
    "paths": as_paths,
}
"""Every format by its name at the command line."""


def _of_file(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in FILE_COLUMNS} | {"scored": record.scored.isoformat()}
