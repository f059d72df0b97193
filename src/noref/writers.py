"""Results as text, one record a photo, written as they come: table for people, jsonl and csv for programs."""

import csv
import json
import math
from collections.abc import Callable
from typing import TextIO

from noref.assessment import Assessment
from noref.card import ModelCard
from noref.errors import ImageError

Result = Assessment | ImageError
Writer = Callable[[Result], None]

CSV_COLUMNS = ("image", "score", "low", "high", "model", "policy", "width", "height", "warnings", "error", "defects")


def as_record(result: Result) -> dict[str, object]:
    """A result as plain JSON types; a failure has `error` with kind, cause and cure, and no score."""
    if isinstance(result, Assessment):
        return result.to_dict()
    return {"image": result.name, "error": {"kind": type(result).__name__, "cause": result.cause, "cure": result.cure}}


def table(out: TextIO, model: ModelCard) -> Writer:
    """Score and name in columns, headed once, and the likely defects; failures in their place with cause and cure.

    Where the model gives intervals, they have a column after the score, headed by their coverage.
    """

    def line(score: str, interval: str, photo: str) -> str:
        return f"{score:>5}  {interval:>7}  {photo}\n" if model.coverage else f"{score:>5}  {photo}\n"

    out.write(line("score", f"{model.coverage:.0%} in", "photo"))

    def write(result: Result) -> None:
        if isinstance(result, Assessment):
            score = "n/a" if math.isnan(result.score) else f"{result.score:.1f}"
            interval = "{:.0f}-{:.0f}".format(*result.interval)
            defects = ", ".join(f"{name} {defect}" for name, defect in result.likely_defects.items())
            notes = f"  [{defects}]" if defects else ""
            notes += f"  ({'; '.join(result.warnings)})" if result.warnings else ""
            out.write(line(score, interval, f"{result.name}{notes}"))
        else:
            out.write(line("-", "", str(result)))
        out.flush()

    return write


def jsonl(out: TextIO, _: ModelCard) -> Writer:
    """One JSON object a line."""

    def write(result: Result) -> None:
        out.write(json.dumps(as_record(result)) + "\n")
        out.flush()

    return write


def comma_separated(out: TextIO, _: ModelCard) -> Writer:
    """CSV with the header `CSV_COLUMNS`; scores and the interval's ends at full precision, defects as JSON in one cell."""
    rows = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n")
    rows.writeheader()

    def write(result: Result) -> None:
        if isinstance(result, Assessment):
            record = result.to_dict()
            low, high = record.pop("interval") or ("", "")
            defects = json.dumps(record["defects"]) if result.defects else ""
            rows.writerow({**record, "low": low, "high": high, "defects": defects, "warnings": "; ".join(result.warnings)})
        else:
            rows.writerow({"image": result.name, "error": f"{type(result).__name__}: {result.cause}; {result.cure}"})
        out.flush()

    return write


FORMATS: dict[str, Callable[[TextIO, ModelCard], Writer]] = {"table": table, "jsonl": jsonl, "csv": comma_separated}
