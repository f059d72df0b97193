"""`noref threshold`: which score separates the photos that people keep from those that they reject."""

import csv
import io
import math
import os
from collections.abc import Iterator
from pathlib import Path

import click

from noref import sources, thresholds, urls
from noref.cli.options import PATH, Within, debug_option, settings_option
from noref.cli.output import require_local, say, stop, stops
from noref.cli.results import chosen
from noref.store import opened

PHOTOS = ("path", "image")  # names of the column of photos; "image" as in CSV files of `noref score`
LABEL = "label"
LABELS = {"keep": False, "reject": True}

_STEP = 5  # points between the rows of the table


@click.command(short_help="Measure thresholds on photos labelled keep or reject.")
@click.argument("file", type=PATH, metavar="FILE", help="A file or folder that noref score --out wrote.")
@click.argument(
    "labels", type=PATH, metavar="LABELS", help="A CSV with the columns path (or image) and label (keep or reject)."
)
@click.option("--precision", type=Within(0, 1), metavar="P", help="The threshold of highest recall with this precision.")
@click.option(
    "--recall",
    type=Within(0, 1),
    metavar="R",
    help="The lowest threshold with this recall (in the middle of those that reject the same photos).",
)
@settings_option
@debug_option
def threshold(file: Path, labels: Path, precision: float | None, recall: float | None, number: int, debug: bool) -> None:
    """Measure thresholds of the score on photos labelled keep or reject.

    Photos with a score below the threshold are rejected. Precision: share of rejected photos labelled reject. Recall: share of
    photos labelled reject that are rejected. In brackets: 95 % bootstrap intervals. Paths in LABELS are relative to its folder.
    """
    require_local(file, labels)
    with stops(debug), opened(file) as store:
        labelled = _read(labels)
        found = store.records(failed=False, settings=chosen(store, number), pictures=False)
        scores = {record.path: record.assessment.score for record in found if record.assessment is not None}
    both = [path for path in labelled if not math.isnan(scores.get(path, math.nan))]
    if len({labelled[path] for path in both}) < 2:
        counts = ", ".join(f"{sum(labelled[path] == reject for path in both)} {name}" for name, reject in LABELS.items())
        stop(f"{labels}: too few photos with a score in {file} ({counts}); both labels are needed, with paths of scored photos")
    curve = thresholds.curve([scores[path] for path in both], [labelled[path] for path in both])
    points = list(_wanted(curve, precision, recall))
    if not points:
        rows = [curve.at(value) for value in range(_STEP, 101, _STEP)]
        points = [("", point) for point in rows if 0 < point.rejected < 1]
        if not points:  # all scores lie between two rows
            points = [*_wanted(curve, None, 1)]
    click.echo("threshold  rejected  precision             recall")
    for wish, point in points:
        row = f"{point.threshold:>9.1f}  {point.rejected:>8.1%}  {_text(point.precision)}  {_text(point.recall)}  {wish}"
        click.echo(row.rstrip())
    reject = sum(labelled[path] for path in both)
    without = f"; {len(labelled) - len(both)} labelled without a score" if len(labelled) > len(both) else ""
    say(f"{len(both)} photos: {len(both) - reject} keep, {reject} reject{without}")


def _wanted(curve: thresholds.Curve, precision: float | None, recall: float | None) -> Iterator[tuple[str, thresholds.Point]]:
    """The thresholds asked for, each with the option that asked."""
    if precision is not None:
        point = curve.with_precision(precision)
        if point is None:
            stop(f"no threshold has a precision of {precision:g}; ask for less, or label more photos")
        yield f"--precision {precision:g}", point
    if recall is not None:
        point = curve.with_recall(recall)
        if point is None:
            stop(f"no threshold has a recall of {recall:g}; ask for less")
        yield f"--recall {recall:g}", point


def _text(share: thresholds.Range) -> str:
    return f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]".replace("nan", "  -  ")


def _read(path: Path) -> dict[str, bool]:
    """Whether each photo is labelled "reject", by absolute path."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            text = stream.read()
            if "\0" in text:
                stop(f"{path}: it is not text in UTF-8; give a CSV of paths and labels in UTF-8")
            rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (OSError, csv.Error) as error:
        stop(f"{path}: it cannot be read ({getattr(error, 'strerror', None) or error}); give a CSV of paths and labels")
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if len(header) == 1 and (between := next((each for each in (";", "\t") if each in header[0]), None)):
        stop(f"{path}: its columns are separated by {between!r}; save it with commas between them")
    mark = header.index(LABEL) if LABEL in header else 1
    name = next((header.index(each) for each in PHOTOS if each in header), 0 if mark else 1)
    found: dict[str, bool] = {}
    for number, row in enumerate(rows[LABEL in header :], 1):
        photo, label = (row[column].strip() if column < len(row) else "" for column in (name, mark))
        if label.lower() not in LABELS:
            cure = f"write keep or reject, in a CSV with the columns {PHOTOS[0]} and {LABEL}"
            stop(f"{path}: photo {number} ({photo}) has the label {label!r}; {cure}")
        reject = LABELS[label.lower()]
        photo = urls.as_path(photo)
        place = sources.shown(photo) if sources.is_url(photo) else os.path.abspath(path.parent / photo)
        if found.setdefault(place, reject) != reject:
            stop(f"{path}: {photo} has both labels; keep one of the rows")
    return found
