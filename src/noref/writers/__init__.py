"""Output formats, one module each: a table for people, JSON lines and CSV for programs. Each record is written at once."""

from typing import TextIO

from noref.card import ModelCard
from noref.writers.base import Result, Writer, as_record
from noref.writers.csv import Csv
from noref.writers.jsonl import JsonLines
from noref.writers.table import Table

FORMATS: dict[str, type[Writer]] = {"table": Table, "jsonl": JsonLines, "csv": Csv}
"""Every output format by its name at the command line."""


def opened(form: str, out: TextIO, model: ModelCard, *, explain: bool = False) -> Writer:
    """A writer of the format `form` on a text stream."""
    return FORMATS[form](out, model, explain=explain)


__all__ = ["FORMATS", "Csv", "JsonLines", "Result", "Table", "Writer", "as_record", "opened"]
