"""What a model says where next to nothing of a photo is left, and of pictures that show next to nothing and are well.

    python benchmarks/ruin.py PHOTOS [--model NAME_OR_FILE]

PHOTOS is a folder of sharp photos. Each is distorted at level 5, in four steps of equal ratio up to the last parameter in
`noref.lab.distortions.levels.TABLE`, and one step further. Mean scores should not rise. Needs the extra `lab`.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageDraw, ImageFont

import noref
from noref import images, sources
from noref.card import DEFAULT
from noref.lab import distortions
from noref.lab.distortions import Distortion, Pixels

STEPS = 4
SHAPE = (384, 512)


def parameters(distort: Distortion) -> list[float]:
    """From that of level 5 to the most extreme one, and one step further."""
    first, last = distort.levels[-1], distort.extreme_level
    assert last is not None
    ratio = (last / first) ** (1 / STEPS)
    return [first * ratio**step for step in range(STEPS + 2)]


def flat(*colour: int) -> Pixels:
    """One colour all over."""
    return np.full((*SHAPE, 3), colour, np.uint8)


def code(side: int) -> Pixels:
    """Black and white squares by chance, `side` pixels each, as in a QR code."""
    squares = np.random.default_rng(0).integers(0, 2, (SHAPE[0] // side, SHAPE[1] // side, 1), np.uint8)
    return 255 * squares.repeat(side, axis=0).repeat(side, axis=1).repeat(3, axis=2)


def bars() -> Pixels:
    """A bar chart."""
    page = Image.new("RGB", SHAPE[::-1], "white")
    pen = ImageDraw.Draw(page)
    for place, height in enumerate((120, 250, 90, 310, 200, 160)):
        pen.rectangle((50 + 75 * place, 350 - height, 100 + 75 * place, 350), (31, 119, 180))
    pen.line((40, 20, 40, 350, 500, 350), "black", 2)
    return np.asarray(page)


def words(size: int, ink: str, ground: str) -> Pixels:
    """Lines of words in a font of that size."""
    paper = Image.new("RGB", SHAPE[::-1], ground)
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(size)
    for top in range(20, SHAPE[0] - size, int(1.5 * size)):
        pen.text((20, top), "the quick brown fox jumps over the lazy dog", ink, font)
    return np.asarray(paper)


PLAIN = {
    "black": flat(0, 0, 0),
    "white": flat(255, 255, 255),
    "middle grey": flat(128, 128, 128),
    "sky blue": flat(120, 170, 220),
    "night blue": flat(25, 30, 60),
    "cream": flat(250, 245, 235),
    "red": flat(255, 0, 0),
    "code, squares of 8 pixels": code(8),
    "code, squares of 16 pixels": code(16),
    "bar chart": bars(),
    "words, 24 pixels, black on white": words(24, "black", "white"),
    "words, 12 pixels, black on white": words(12, "black", "white"),
    "words, 16 pixels, light on dark": words(16, "#dddddd", "#202020"),
}


def main(folder: Path, model: Annotated[str, typer.Option()] = DEFAULT) -> None:
    """Print mean scores, and how many photos have the defect named, from level 5 on; then plain pictures."""
    scorer = noref.Scorer(model)
    photos = [images.read(path).pixels for path in sorted(sources.images_below(folder))]
    for kind in distortions.extreme_names():
        distort = distortions.get(kind)
        row = []
        for parameter in parameters(distort):
            found = [scorer.score(distort.function(photo, parameter, np.random.default_rng(0))) for photo in photos]
            named = sum(distort.family in one.likely_defects for one in found)
            row.append(f"{parameter:.3g}: {np.mean([one.score for one in found]):.0f} ({named} named)")
        typer.echo(f"{distort.family:16} {',  '.join(row)}  of {len(photos)}")
    for name, pixels in PLAIN.items():
        found = scorer.score(pixels)
        typer.echo(f"{name:34} {found.score:3.0f}  {', '.join(found.likely_defects) or 'no defect named'}")


if __name__ == "__main__":
    typer.run(main)
