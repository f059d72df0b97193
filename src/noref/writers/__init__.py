"""Results as files: a table for people, JSON lines and CSV for programs; one record a photo, written as soon as it is ready."""

from noref.writers.base import Result, Writer, as_record
from noref.writers.csv import Csv
from noref.writers.jsonl import JsonLines
from noref.writers.table import Table

FORMATS: dict[str, type[Writer]] = {"table": Table, "jsonl": JsonLines, "csv": Csv}
"""Every output format by its name at the command line."""

__all__ = ["FORMATS", "Csv", "JsonLines", "Result", "Table", "Writer", "as_record"]
