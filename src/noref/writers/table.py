"""A table for people."""

import math
import textwrap

from noref.assessment import Assessment
from noref.printing import printable
from noref.writers.base import Result, Writer

_WIDTH = 100  # characters of a line of a summary, at most


class Table(Writer):
    """Score and name in columns, headed once, and the likely defects; failures in their place with cause and cure.

    Where the model gives intervals, they have a column after the score, headed by their coverage. Summaries stand below the
    photos, in lines of at most 100 characters.
    """

    def header(self) -> str:
        """The names of the columns."""
        return self._line("score", f"{self.model.coverage:.0%} in", "photo")

    def record(self, result: Result) -> str:
        """One line, and the summary below it."""
        if not isinstance(result, Assessment):
            return self._line("-", "", str(result))
        score = "n/a" if math.isnan(result.score) else f"{result.score:.1f}"
        interval = "{:.0f}-{:.0f}".format(*result.interval)
        defects = ", ".join(f"{name} {defect}" for name, defect in result.likely_defects.items())
        notes = f"  [{defects}]" if defects else ""
        notes += f"  ({'; '.join(result.warnings)})" if result.warnings else ""
        return self._line(score, interval, f"{result.name}{notes}") + (self._summary(result) if self.explain else "")

    def _summary(self, result: Assessment) -> str:
        indent = " " * len(self._line("", "", "").rstrip("\n"))
        return textwrap.fill(printable(result.summary()), _WIDTH, initial_indent=indent, subsequent_indent=indent) + "\n\n"

    def _line(self, score: str, interval: str, photo: str) -> str:
        line = f"{score:>5}  {interval:>7}  {photo}" if self.model.coverage else f"{score:>5}  {photo}"
        return printable(line) + "\n"
