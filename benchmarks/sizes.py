"""How the score of a photo changes as it is saved in smaller sizes.

    python benchmarks/sizes.py PHOTOS [--model NAME_OR_FILE] [--out FOLDER]

PHOTOS is a folder of pristine photos. Those that score at least 60 are saved with a long side of 512, 256, 128 and 64 pixels
(Lanczos, lossless). A smaller copy holds less detail, so its score should be lower.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from common import Pixels, out_option, photos_argument, photos_of, report, resized

import noref
from noref.cli.options import model_option

LONG_SIDES = (512, 256, 128, 64)
LOWEST = 60  # score of a photo that is tried


def copies(photo: Pixels, shortest: int) -> dict[int, Pixels]:
    """Long side -> copy, for every size that is not larger than the photo nor too small for the model."""
    height, width = photo.shape[:2]
    sizes = {side: (round(width * side / max(width, height)), round(height * side / max(width, height))) for side in LONG_SIDES}
    return {side: resized(photo, *size) for side, size in sizes.items() if side <= max(width, height) and min(size) >= shortest}


@click.command()
@photos_argument
@model_option()
@out_option("table")
def main(folder: Path, model: str, out: Path | None) -> None:
    """Print mean scores at each size, the share of photos whose score falls, and the largest rise above the original."""
    scorer = noref.Scorer(model, threads=1)
    rows = []
    for photo in photos_of(folder).values():
        original = scorer.score(photo).score
        if original >= LOWEST:
            found = {side: scorer.score(copy).score for side, copy in copies(photo, scorer.card.shortest).items()}
            rows.append({"original": original, **found})
    scores = pd.DataFrame(rows)
    if scores.empty:
        raise click.BadParameter(f"no photo in {folder} scores {LOWEST} or more")
    previous, table = scores["original"], []
    for size in scores:
        column = scores[size]
        falls = np.nan if size in ("original", max(LONG_SIDES)) else (column < previous)[column.notna()].mean()
        rise = (column - scores["original"]).max()
        table.append((f"{size}", int(column.count()), column.mean(), falls, rise))
        previous = column
    shown = pd.DataFrame(table, columns=["long side", "photos", "mean score", "share that falls", "largest rise"])
    report(f"photos that score at least {LOWEST}", scorer, shown, out, "sizes")


if __name__ == "__main__":
    main()
