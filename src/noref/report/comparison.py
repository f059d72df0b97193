"""The page of a comparison: a summary, plots of the differences, and the most different pictures side by side."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from noref.assessment import Assessment
from noref.comparison import Comparison, Pair, Picture, System, texts
from noref.report import document
from noref.report.embedding import picture_url
from noref.resampling import Floats
from noref.store import Record

_BINS = 41  # odd, so that equal scores are in the middle of a bin
_FAILURES = 200  # that are listed


class Bar(NamedTuple):
    """One bin of the differences of all pictures; positions in percent of the plot.

    Attributes:
        left: Of its left end.
        height: Of the bar.
        kind: "worse", "even" or "better".
        text: What it shows, in words.
    """

    left: float
    height: float
    kind: str
    text: str


class Plot(NamedTuple):
    """The differences of one pair of systems; positions in percent of the plot.

    Attributes:
        pair: Its figures.
        bars: Of the bins that hold pictures.
        mean: The mean difference.
        low: Low end of its interval; NaN if there is none.
        high: High end.
    """

    pair: Pair
    bars: list[Bar]
    mean: float
    low: float
    high: float


class Side(NamedTuple):
    """One picture in one system.

    Attributes:
        system: Name of the system.
        path: Of the file.
        image: A data URL; empty if no thumbnail is stored.
        assessment: The result.
        best: Whether its score is the highest of the picture, and alone so.
        gained: Names of likely defects that the picture does not have in the first system.
    """

    system: str
    path: str
    image: str
    assessment: Assessment
    best: bool
    gained: frozenset[str]


def write(comparison: Comparison, systems: Sequence[System], path: Path, *, most: int) -> None:
    """Write the report of a comparison.

    Args:
        comparison: What to show.
        systems: The systems that were compared; their records are read again, for the thumbnails.
        path: The HTML file; replaced if there is one.
        most: Pictures that are shown, those first on which the systems differ most.

    Raises:
        OSError: The file cannot be written.
    """
    pictures = list(comparison.pictures(most))
    reach, step = _reach(max(map(abs, _differences(comparison).ravel()), default=0.0))
    sides = _sides(comparison, systems, pictures)
    document.write(
        "comparison.html.j2",
        path,
        ["report.css", "comparison.css"],
        comparison=comparison,
        card=systems[0].card,
        texts=texts,
        plots=_plots(comparison, reach),
        ticks=[(_place(tick, reach), f"{tick:+g}" if tick else "0") for tick in _ticks(reach, step)],
        bin_width=100 / _BINS,
        shown_pictures=list(zip(pictures, sides, strict=True)),
        pictured=any(side.image for each in sides for side in each),
        failures=comparison.failed[:_FAILURES],
    )


def _differences(comparison: Comparison) -> Floats:
    """Pictures x pairs, second system minus first."""
    scores = dict(zip([system.name for system in comparison.systems], comparison.paired.scores.T, strict=True))
    return np.stack([scores[pair.second] - scores[pair.first] for pair in comparison.pairs], axis=1)


def _reach(most: float) -> tuple[float, float]:
    """The end of the axis, at least 1, and the step between ticks, 1, 2 or 5 times a power of ten: at most four to a side."""
    most = max(most, 1.0)
    power = 10.0 ** math.floor(math.log10(most / 4))
    step = next(factor * power for factor in (1, 2, 5, 10) if most <= 4 * factor * power)
    return step * math.ceil(most / step), step


def _plots(comparison: Comparison, reach: float) -> list[Plot]:
    plots = []
    edges = np.linspace(-reach, reach, _BINS + 1)
    for pair, values in zip(comparison.pairs, _differences(comparison).T, strict=True):
        counts, _ = np.histogram(values, edges)
        bars = [
            Bar(
                left=100 * number / _BINS,
                height=100 * count / counts.max(),
                kind="even" if number == _BINS // 2 else "better" if number > _BINS // 2 else "worse",
                text=f"{edges[number]:+.1f} to {edges[number + 1]:+.1f}: {texts.counted(count)}",
            )
            for number, count in enumerate(counts.tolist())
            if count
        ]
        plots.append(Plot(pair, bars, *(_place(value, reach) for value in (pair.difference, pair.low, pair.high))))
    return plots


def _ticks(reach: float, step: float) -> list[float]:
    count = round(reach / step)
    return [step * number for number in range(-count, count + 1)]


def _place(value: float, reach: float) -> float:
    """Where a difference stands on the axis, in percent."""
    return 50 + 50 * value / reach


def _sides(comparison: Comparison, systems: Sequence[System], pictures: Sequence[Picture]) -> list[list[Side]]:
    """The systems' versions of each picture."""
    found = [_records(system, {picture.paths[number] for picture in pictures}) for number, system in enumerate(systems)]
    sides = []
    for picture in pictures:
        best = sorted(picture.scores)[-2] < max(picture.scores)
        sides.append(
            [
                Side(
                    system.name,
                    path,
                    picture_url(records[path].thumbnail),
                    assessment,
                    best and score == max(picture.scores),
                    frozenset(assessment.likely_defects) - frozenset(picture.defects[0]),
                )
                for system, records, path, score in zip(systems, found, picture.paths, picture.scores, strict=True)
                if path in records and (assessment := records[path].assessment) is not None  # not gone from the store since
            ]
        )
    return sides


def _records(system: System, paths: set[str]) -> dict[str, Record]:
    return {record.path: record for record in system.records(True) if record.path in paths} if paths else {}
