"""Difficult pictures, each with a relation that the scores of a good model satisfy.

    python benchmarks/hard_cases.py PHOTOS [--model NAME_OR_FILE] [--out FOLDER]

PHOTOS is a folder of pristine photos; the pictures are made from them, or drawn (`drawn.py`). Needs noref[lab].

A relation holds if the measured figure reaches its limit; the limits are our choice. A share is that of the pictures which
satisfy the relation; points and ratios are means over the pictures. The last table has mean scores beyond level 5, of the
distortions that have such parameters: in four steps of equal ratio up to the last one in `noref.lab.distortions.levels.TABLE`,
and one step further.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import changes
import click
import drawn
import numpy as np
import numpy.typing as npt
import pandas as pd
from common import Pixels, blurred, distorted, out_option, photos_argument, photos_of, report
from PIL import Image

import noref
from noref.cli.options import model_option
from noref.lab import distortions

DRAWN = 12  # drawn pictures of a kind
STEPS = 4  # from level 5 to the most extreme parameter
Answers = list[noref.Assessment]


class Row(NamedTuple):
    """One relation: what is required, what was measured, and the limit that it must reach."""

    case: str
    relation: str
    measured: float
    limit: float
    at_least: bool = True

    @property
    def holds(self) -> bool:
        """Whether the limit is reached."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def as_cells(self) -> tuple[str, str, float, str, str]:
        """The row of a table."""
        limit = f"{'at least' if self.at_least else 'at most'} {self.limit:g}"
        return self.case, self.relation, self.measured, limit, "yes" if self.holds else "no"


class Cases:
    """The cases, on one model and one set of photos.

    Args:
        scorer: The model.
        photos: Name -> pristine photo.
    """

    def __init__(self, scorer: noref.Scorer, photos: dict[str, Pixels]) -> None:
        self.scorer, self.photos = scorer, photos
        self.answers = cache(self._answers)
        self.original = self.all(list(photos.values()))

    def all(self, pictures: Sequence[Pixels | Image.Image]) -> Answers:
        """Score pictures."""
        return [self.scorer.score(picture) for picture in pictures]

    def _answers(self, change: changes.Change) -> Answers:
        return self.all([change(name, photo) for name, photo in self.photos.items()])

    def lost(self, change: changes.Change) -> npt.NDArray[np.float64]:
        """Points that each photo loses by a change."""
        return scores(self.original) - scores(self.answers(change))

    def rows(self) -> Iterator[Row]:
        """Every relation."""
        for group in (self.cut_outs, self.frames_and_collages, self.pages, self.partly_damaged, self.light_and_color):
            yield from group()
        for group in (self.soft_scenes, self.plain_frames, self.night_sky, self.little_left):
            yield from group()

    def cut_outs(self) -> Iterator[Row]:
        """Products on white and on transparency."""
        for ground, cut in (("white", changes.on_white), ("transparency", changes.on_transparency)):
            found = self.all([cut(name, photo) for name, photo in self.photos.items()])
            case = f"product on {ground}"
            yield Row(case, "share not over-exposed", share("over-exposure" not in one.likely_defects for one in found), 0.95)
            yield Row(case, "points lost", float(np.mean(scores(self.original) - scores(found))), 15, at_least=False)
        soft = self.all([changes.on_white(name, blurred(photo, 4)) for name, photo in self.photos.items()])
        sharp = scores(self.all([changes.on_white(name, photo) for name, photo in self.photos.items()]))
        yield Row("product on white", "share with sharp above blurred", share(sharp > scores(soft)), 0.95)

    def frames_and_collages(self) -> Iterator[Row]:
        """Black bars, and four photos on one sheet."""
        for name, bars in (("above and below", (0.125, 0)), ("left and right", (0, 0.125))):
            change = changes.with_bars(*bars)
            yield Row(f"black bars {name}", "points lost", float(self.lost(change).mean()), 5, at_least=False)
            named = share("under-exposure" not in one.likely_defects for one in self.answers(change))
            yield Row(f"black bars {name}", "share not under-exposed", named, 0.95)
        photos = list(self.photos.values())
        fours = [[(first + i) % len(photos) for i in range(4)] for first in range(0, len(photos), 2)]
        parts = scores(self.original)[fours].mean(axis=1)
        sharp = scores(self.all([changes.collage([photos[i] for i in four]) for four in fours]))
        soft = scores(self.all([changes.collage([blurred(photos[i], 4) for i in four]) for four in fours]))
        yield Row("collage", "points below the mean of its photos", float(np.mean(parts - sharp)), 10, at_least=False)
        yield Row("collage", "points that blur costs", float(np.mean(sharp - soft)), 20)

    def pages(self) -> Iterator[Row]:
        """Documents and screenshots: sharp, soft, and under strong JPEG compression."""
        photos = list(self.photos.values())
        kinds = {
            "document": [drawn.document(i) for i in range(DRAWN)],
            "screenshot": [drawn.screenshot(photos[i % len(photos)], i) for i in range(DRAWN)],
        }
        for case, pages in kinds.items():
            sharp = scores(self.all(pages))
            soft, coded = (scores(self.all([change(page) for page in pages])) for change in (changes.soft, changes.jpeg_5))
            yield Row(case, "mean score", float(sharp.mean()), 60)
            yield Row(case, "share with sharp above soft", share(sharp > soft), 0.95)
            yield Row(case, "points that JPEG quality 5 costs", float(np.mean(sharp - coded)), 25)

    def partly_damaged(self) -> Iterator[Row]:
        """Missing data, and blur in one half."""
        for name, color in (("grey", (128, 128, 128)), ("green", (0, 135, 0))):
            lost = self.lost(changes.missing(color))
            yield Row(f"lower half missing, {name}", "points lost", float(lost.mean()), 20)
            yield Row(f"lower half missing, {name}", "share that loses at least 10", share(lost >= 10), 0.9)
        whole, half = self.lost(changes.out_of_focus), self.lost(changes.half_blurred)
        yield Row("half blurred", "mean loss, as a ratio to that of the whole", float(half.mean() / whole.mean()), 0.25)
        yield Row("half blurred", "share with a ratio of at least a quarter", share(half >= 0.25 * whole), 0.9)

    def light_and_color(self) -> Iterator[Row]:
        """Darkness, colour casts, and photos without colour."""
        four_stops = changes.with_parameter("under_exposure", -4)
        kept = 1 - self.lost(four_stops) / scores(self.original)
        yield Row("four stops of darkness", "share of the score that is left", float(kept.mean()), 0.4, at_least=False)
        named = share("under-exposure" in one.likely_defects for one in self.answers(four_stops))
        yield Row("four stops of darkness", "share under-exposed", named, 0.95)
        for kind, family in (("warm_cast", "warm cast"), ("cold_cast", "cold cast")):
            change = changes.at_level(kind, 5)
            yield Row(f"strong {family}", "points lost", float(self.lost(change).mean()), 15)
            yield Row(
                f"strong {family}", "share named", share(family in one.likely_defects for one in self.answers(change)), 0.95
            )
        yield Row("strong green cast", "points lost", float(self.lost(changes.green_cast).mean()), 15)
        grey, soft = scores(self.answers(changes.grey)), scores(self.answers(changes.soft_grey))
        yield Row("black and white", "points lost", float(self.lost(changes.grey).mean()), 8, at_least=False)
        yield Row("black and white", "share with sharp above blurred", share(grey > soft), 0.95)

    def soft_scenes(self) -> Iterator[Row]:
        """Clouds under JPEG compression at levels 1 to 3."""
        pictures = {f"clouds {i}": drawn.clouds(i) for i in range(DRAWN)}
        levels = [scores(self.all(list(pictures.values())))]
        for level in (1, 2, 3):
            found = self.all([distorted(name, picture, "jpeg", level) for name, picture in pictures.items()])
            levels.append(scores(found))
        yield Row("clouds", "mean score", float(levels[0].mean()), 60)
        for level, limit in ((1, 2), (2, 8), (3, 15)):
            yield Row("clouds", f"points that JPEG level {level} costs", float(np.mean(levels[0] - levels[level])), limit)
        named = share("compression" in one.likely_defects for one in found)
        yield Row("clouds", "share with compression named at JPEG level 3", named, 0.9)

    def plain_frames(self) -> Iterator[Row]:
        """Frames of one colour: nothing can be seen, so none is a good photo."""
        for name, value in (("black", 0), ("white", 255), ("grey", 128)):
            (found,) = self.all([np.full((384, 512, 3), value, np.uint8)])
            yield Row(f"{name} frame", "score", found.score, 50, at_least=False)

    def night_sky(self) -> Iterator[Row]:
        """The moon, and stars."""
        for case, draw in (("moon", drawn.moon), ("stars", drawn.stars)):
            pictures = [draw(i) for i in range(DRAWN)]
            sharp, soft = self.all(pictures), self.all([blurred(picture, 3) for picture in pictures])
            yield Row(case, "mean score", float(scores(sharp).mean()), 50)
            yield Row(case, "share with sharp above blurred", share(scores(sharp) > scores(soft)), 0.95)
            yield Row(case, "share without noise", share("noise" not in one.likely_defects for one in sharp), 0.9)

    def little_left(self) -> Iterator[Row]:
        """Photos blurred past recognition, and thumbnails enlarged again."""
        for sigma in (12, 25, 40):
            found = scores(self.answers(changes.with_parameter("gaussian_blur", sigma)))
            yield Row(f"blurred, sigma {sigma} pixels", "mean score", float(found.mean()), 20, at_least=False)
        for factor, limit in ((2, 5), (4, 20), (8, 40)):
            change = changes.enlarged(factor)
            yield Row(f"thumbnail enlarged {factor} times", "points lost", float(self.lost(change).mean()), limit)


def scores(answers: Answers) -> npt.NDArray[np.float64]:
    """Scores, as an array."""
    return np.array([one.score for one in answers])


def share(holds: Sequence[bool] | Iterator[bool] | npt.NDArray[np.bool_]) -> float:
    """Share of the pictures for which a relation holds."""
    return float(np.mean(list(holds)))


def beyond(cases: Cases) -> pd.DataFrame:
    """Mean scores, and the share in which the defect is named, from level 5 to one step past the most extreme parameter."""
    rows = []
    for kind in distortions.extreme_names():
        distort = distortions.get(kind)
        first, last = distort.levels[-1], distort.extreme_parameter
        for step in range(STEPS + 2):
            parameter = first * (last / first) ** (step / STEPS)
            found = cases.answers(changes.with_parameter(kind, parameter))
            named = share(distort.family in one.likely_defects for one in found)
            rows.append((distort.family, f"{parameter:.3g}", float(scores(found).mean()), named))
    return pd.DataFrame(rows, columns=["defect", "parameter", "mean score", "share named"])


@click.command()
@photos_argument
@model_option()
@out_option("tables")
def main(folder: Path, model: str, out: Path | None) -> None:
    """Print every relation with its figure and whether it holds, and the scores beyond level 5."""
    cases = Cases(noref.Scorer(model, threads=1), photos_of(folder))
    rows = list(cases.rows())
    table = pd.DataFrame([row.as_cells() for row in rows], columns=["case", "relation", "measured", "limit", "holds"])
    title = f"{sum(row.holds for row in rows)} of {len(rows)} relations hold, {len(cases.photos)} photos"
    report(title, cases.scorer, table, out, "hard-cases")
    report("beyond level 5", cases.scorer, beyond(cases), out, "hard-cases-beyond")


if __name__ == "__main__":
    main()
