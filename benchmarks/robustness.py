"""How far scores move when nothing relevant changes: the photo mirrored, turned, or saved at another size.

    python benchmarks/robustness.py PHOTOS [--model NAME_OR_FILE] [--out FOLDER]

PHOTOS is a folder of pristine photos of about 512 x 512 pixels. Sizes are tried on mosaics of 48 of them, about 12 megapixels,
reduced to 3 and 1 (Lanczos, JPEG of quality 95), since few photos of 12 megapixels have a free licence.
"""

import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import pandas as pd
from common import Pixels, generator, out_option, photos_argument, photos_of, report
from PIL import Image, ImageOps

import noref
from noref.cli.options import model_option

TILE, ACROSS, DOWN = 512, 8, 6
MEGAPIXELS = (12.6, 3, 1)


def mosaic(photos: Sequence[Pixels]) -> Image.Image:
    """Photos side by side, as one scene."""
    sheet = Image.new("RGB", (TILE * ACROSS, TILE * DOWN))
    for (row, column), photo in zip(itertools.product(range(DOWN), range(ACROSS)), itertools.cycle(photos)):
        sheet.paste(ImageOps.fit(Image.fromarray(photo), (TILE, TILE)), (column * TILE, row * TILE))
    return sheet


def saved(photo: Image.Image, megapixels: float) -> bytes:
    """The photo as a JPEG of at most that many pixels."""
    scale = min(1.0, (megapixels * 1e6 / (photo.width * photo.height)) ** 0.5)
    stream = io.BytesIO()
    size = (round(photo.width * scale), round(photo.height * scale))
    photo.resize(size, Image.Resampling.LANCZOS).save(stream, "JPEG", quality=95)
    return stream.getvalue()


@click.command()
@photos_argument
@model_option()
@out_option("table")
@click.option("--mosaics", default=6, show_default=True)
def main(folder: Path, model: str, out: Path | None, mosaics: int) -> None:
    """Print the mean and largest change of the score, in points of 0 to 100."""
    scorer, photos = noref.Scorer(model, threads=1), list(photos_of(folder).values())
    changes: dict[str, list[float]] = {"mirrored": [], "turned by 180 degrees": []}
    for pixels in photos:
        score = scorer.score(pixels).score
        for name, other in zip(changes, (pixels[:, ::-1], pixels[::-1, ::-1]), strict=True):
            changes[name].append(abs(scorer.score(np.ascontiguousarray(other)).score - score))
    rng = generator("mosaics")
    for _ in range(mosaics):
        scene = mosaic([photos[i] for i in rng.permutation(len(photos))])
        whole, *smaller = [scorer.score(saved(scene, size)).score for size in MEGAPIXELS]
        for size, score in zip(MEGAPIXELS[1:], smaller, strict=True):
            changes.setdefault(f"{MEGAPIXELS[0]} megapixels saved at {size}", []).append(abs(score - whole))
    rows = [(name, float(np.mean(moves)), max(moves), len(moves)) for name, moves in changes.items()]
    table = pd.DataFrame(rows, columns=["the same photo", "mean change", "largest", "pictures"])
    report(f"{len(photos)} photos", scorer, table, out, "robustness")


if __name__ == "__main__":
    main()
