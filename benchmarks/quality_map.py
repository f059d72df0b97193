"""How well the quality map of a model locates a distortion, and whether it rates a sharp subject above a blurred background.

    python benchmarks/quality_map.py PHOTOS [--model NAME_OR_FILE] [--out FOLDER]

PHOTOS is a folder of pristine photos. Each is distorted in one region, a rectangle or a smooth shape of a quarter to a half of
the area, by every family of defects at levels 3 and 5. The AUC of the cells inside against those outside is taken for each
picture; cells on the border are left out. Composites have a sharp subject before a blurred background, of the same photo and of
the next one. Needs noref[lab].
"""

from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import pandas as pd
from common import (
    Mask,
    Pixels,
    blob,
    blurred,
    composed,
    distorted,
    generator,
    out_option,
    photos_argument,
    photos_of,
    rectangle,
    report,
    shares_of_cells,
    softened,
)
from sklearn.metrics import roc_auc_score

import noref
from noref.cli.options import model_option
from noref.lab.distortions import chains

LEVELS = (3, 5)
AREAS = (0.25, 0.5)
SIGMAS = (4, 12)  # of the blurred background, pixels
EDGE = 6.0  # pixels, softness of a subject's edge
INSIDE, OUTSIDE = 0.9, 0.1  # share of a cell that the region covers, at least and at most


def cells(quality: npt.NDArray[np.float32], mask: Mask) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Values of the map inside and outside a region."""
    share = shares_of_cells(mask, quality.shape)
    return quality[share >= INSIDE], quality[share <= OUTSIDE]


def located(photos: dict[str, Pixels], scorer: noref.Scorer) -> pd.DataFrame:
    """One row a picture that is distorted in one region: family, level and AUC."""
    rows = []
    for place, (name, photo) in enumerate(photos.items()):
        for number, (family, kinds) in enumerate(chains.FAMILIES.items()):
            rng = generator(name, "region", family)
            mask = (rectangle, blob)[(place + number) % 2](photo.shape[:2], rng.uniform(*AREAS), rng)
            for level in LEVELS:
                picture = composed(distorted(name, photo, str(rng.choice(kinds)), level), photo, mask)
                inside, outside = cells(scorer.score(picture).map, mask)
                truth = np.repeat([1, 0], [inside.size, outside.size])
                rows.append((family, level, roc_auc_score(truth, -np.concatenate([inside, outside]))))
    return pd.DataFrame(rows, columns=["family", "level", "auc"])


def by_family(table: pd.DataFrame) -> pd.DataFrame:
    """Mean AUC of each family at each level and over both, after the mean of the families."""
    wide = table.pivot_table(index="family", columns="level", values="auc", sort=False).add_prefix("level ")
    wide["mean"] = wide.mean(axis=1)
    return pd.concat([wide.mean().to_frame("mean").T, wide]).rename_axis("family").reset_index()


def subjects(photos: dict[str, Pixels], scorer: noref.Scorer) -> pd.DataFrame:
    """One row a composite: mean of the map over the subject and over the background."""
    rows, names = [], list(photos)
    for place, name in enumerate(names):
        photo, following = photos[name], photos[names[(place + 1) % len(names)]]
        for kind, ground in (("same photo", photo), ("another photo", following)):
            if ground.shape != photo.shape:
                continue
            rng = generator(name, "subject", kind)
            mask = softened(blob(photo.shape[:2], rng.uniform(*AREAS), rng), EDGE)
            picture = composed(photo, blurred(ground, rng.uniform(*SIGMAS)), mask)
            inside, outside = cells(scorer.score(picture).map, mask)
            rows.append((kind, float(inside.mean()), float(outside.mean())))
    return pd.DataFrame(rows, columns=["background", "subject mean", "background mean"])


def preferred(table: pd.DataFrame) -> pd.DataFrame:
    """Share of the composites whose subject's mean is at least the background's."""
    table = table.assign(share=table["subject mean"] >= table["background mean"], composites=1)
    both = pd.concat([table.assign(background="all"), table])
    how = {"composites": "sum", "share": "mean", "subject mean": "mean", "background mean": "mean"}
    return both.groupby("background", sort=False).agg(how).reset_index()


@click.command()
@photos_argument
@model_option()
@out_option("tables")
def main(folder: Path, model: str, out: Path | None) -> None:
    """Print the AUC of each family, and the share of subjects rated at least as high as their background."""
    scorer, photos = noref.Scorer(model, threads=1), photos_of(folder)
    report(f"AUC of map cells, {len(photos)} photos", scorer, by_family(located(photos, scorer)), out, "map-regions")
    report("sharp subject, blurred background", scorer, preferred(subjects(photos, scorer)), out, "map-subjects")


if __name__ == "__main__":
    main()
