"""Comma-separated values, safe to open in a spreadsheet."""

import csv
import io
import json

from noref.assessment import Assessment
from noref.writers.base import Result, Writer, as_record

COLUMNS = ("image", "score", "low", "high", "model", "policy", "width", "height", "warnings", "error", "defects")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet may take for a formula when a cell begins with it


class Csv(Writer):
    """A header and one row per photo; scores and the ends of the interval at full precision, defects as JSON in one cell.

    Text that a spreadsheet might run as a formula gets a leading apostrophe. Numbers stay as they are.
    """

    def header(self) -> str:
        """The names of the columns."""
        return heading(self._columns)

    def record(self, result: Result) -> str:
        """One row."""
        return line(cells(result, explain=self.explain), self._columns)

    @property
    def _columns(self) -> tuple[str, ...]:
        return (*COLUMNS, "summary") if self.explain else COLUMNS


def cells(result: Result, *, explain: bool = False) -> dict[str, object]:
    """The cells of a result by column, as `as_record` gives them."""
    if not isinstance(result, Assessment):
        return {"image": result.name, "error": f"{type(result).__name__}: {result.cause}; {result.cure}"}
    record = as_record(result, explain=explain)
    low, high = record.pop("interval") or ("", "")
    defects = json.dumps(record["defects"]) if result.defects else ""
    return {**record, "low": low, "high": high, "defects": defects, "warnings": "; ".join(result.warnings)}


def heading(columns: tuple[str, ...]) -> str:
    """The line of the columns' names."""
    return line({name: name for name in columns}, columns)


def line(row: dict[str, object], columns: tuple[str, ...]) -> str:
    """A row as a line; columns that it lacks are empty."""
    text = io.StringIO()
    # With this line end, csv quotes cells that hold either of its characters; alone, each would end the row for some readers.
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writerow({name: _neutral(cell) if isinstance(cell, str) else cell for name, cell in row.items()})
    return text.getvalue().removesuffix("\r\n") + "\n"


def _neutral(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
