"""What scores of 20, 50 and 80 look like, as one picture: photos, most of them distorted, that the model gives these scores.

Usage: python examples/scale.py OUT.jpg [MODEL]. Needs the extra `dev`. The photos are those of `sample_photos.py`, which names
their authors; each is distorted by every type at every level, and the version nearest to each score is shown.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import noref
from noref.lab import distortions

SCORES, LEVELS = (20, 50, 80), (1, 2, 3, 4, 5)
PHOTOS = {"portrait": data.astronaut, "cat": data.chelsea, "cup": data.coffee, "rocket": data.rocket}
SIDE, LINE = 300, 26


class Shown(NamedTuple):
    """A photo and its score."""

    what: str
    pixels: npt.NDArray[np.uint8]
    score: float


def candidates(name: str, scorer: noref.Scorer) -> list[Shown]:
    """A photo, and its versions under every distortion at every level."""
    clean = pixels_of(name)
    versions = [(name, clean)]
    for kind in distortions.names():
        for level in LEVELS:
            distorted = distortions.get(kind)(clean, level, np.random.default_rng(level))
            versions.append((f"{name}, {kind.replace('_', ' ')} {level}", distorted))
    return [Shown(what, pixels, scorer.score(pixels).score) for what, pixels in versions]


def pixels_of(name: str) -> npt.NDArray[np.uint8]:
    """Pixels of one of `PHOTOS`, uint8 H x W x 3."""
    return np.asarray(Image.fromarray(PHOTOS[name]()).convert("RGB"))


def draw(scorer: noref.Scorer) -> Image.Image:
    """A row for each of `SCORES`, a column for each of `PHOTOS`."""
    sheet = Image.new("RGB", (len(PHOTOS) * (SIDE + 8), len(SCORES) * (SIDE * 2 // 3 + LINE)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, name in enumerate(PHOTOS):
        versions = candidates(name, scorer)
        for row, wanted in enumerate(SCORES):
            shown = min(versions, key=lambda version: abs(version.score - wanted))
            photo = Image.fromarray(shown.pixels)
            photo.thumbnail((SIDE, SIDE * 2 // 3 - 4))
            left, top = column * (SIDE + 8), row * (SIDE * 2 // 3 + LINE)
            sheet.paste(photo, (left, top))
            pen.text((left, top + photo.height + 4), f"{shown.score:.0f}: {shown.what}", "black", font)
    return sheet


if __name__ == "__main__":
    model = [sys.argv[2]] if len(sys.argv) > 2 else []
    draw(noref.Scorer(*model)).save(Path(sys.argv[1]), quality=85)
