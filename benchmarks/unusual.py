"""How wide the prediction interval is on pictures unlike photos, and how many carry the warning.

    python benchmarks/unusual.py PHOTOS [--model NAME_OR_FILE] [--out FOLDER]

PHOTOS is a folder of pristine photos of about 512 x 512 pixels. Thumbnails (64 pixels), cut-outs on white, drawings,
documents and screenshots are made of them or drawn; the photos themselves come first, for comparison.
"""

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pandas as pd
from common import Pixels, blob, composed, generator, out_option, photos_argument, photos_of, report, resized
from drawn import document, screenshot

import noref
from noref.cli.options import model_option
from noref.lab.pictures.plain import drawing


def thumbnail(photo: Pixels, number: int) -> Pixels:
    """A copy with a long side of 64 pixels."""
    height, width = photo.shape[:2]
    scale = 64 / max(height, width)
    return resized(photo, round(width * scale), round(height * scale))


def cutout(photo: Pixels, number: int) -> Pixels:
    """A part of the photo on white."""
    return composed(photo, np.full_like(photo, 255), blob(photo.shape[:2], 0.3, generator("cutout", number)))


KINDS: dict[str, Callable[[Pixels, int], Pixels]] = {
    "photo": lambda photo, _: photo,
    "thumbnail": thumbnail,
    "product on white": cutout,
    "drawing": lambda _, number: drawing((512, 512), generator("drawing", number)),
    "document": lambda _, number: document(number),
    "screenshot": screenshot,
}


@click.command()
@photos_argument
@model_option()
@out_option("table")
def main(folder: Path, model: str, out: Path | None) -> None:
    """Print the mean width of the interval, and the share of pictures with the warning, for each kind of picture."""
    scorer, photos = noref.Scorer(model, threads=1), list(photos_of(folder).values())
    rows = []
    for kind, make in KINDS.items():
        found = [scorer.score(make(photo, number)) for number, photo in enumerate(photos)]
        width = float(np.mean([high - low for low, high in (one.interval for one in found)]))
        warned = float(np.mean([any("unlike" in warning for warning in one.warnings) for one in found]))
        rows.append((kind, len(found), float(np.mean([one.score for one in found])), width, warned))
    table = pd.DataFrame(rows, columns=["kind", "pictures", "mean score", "mean width", "share with the warning"])
    report(f"{len(photos)} photos", scorer, table, out, "unusual")


if __name__ == "__main__":
    main()
