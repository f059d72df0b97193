"""KonIQ-10k: 10,073 photos of YFCC100M, rated by a crowd, with an official split (Hosu, Lin, Sziranyi and Saupe, 2020).

Each photo has two scores on two scales, which are no linear function of one another, so they are two databases here:
`koniq10k` has the MOS from 0 to 100 that most publications use, `koniq10k-acr` the mean of the ratings from 1 to 5. They come
from one of two files:

- `koniq10k_distributions_sets.csv` (the authors' repository): shares c1 to c5 of each rating, MOS **from 0 to 100**, SD of the
  1 to 5 ratings, and the official split in `set` (7,058 training, 1,000 validation, 2,015 test). Preferred if both exist.
- `koniq10k_scores_and_distributions.csv` (the database's site): counts c1 to c5, MOS **from 1 to 5**, SD, MOS_zscore from 0 to
  100. It has no split.

SD is in units of the 1 to 5 ratings, so only `koniq10k-acr` has `mos_std`. Columns follow both sources.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import columns, numbers, require
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import database
from noref.lab.errors import LabError
from noref.lab.files import read_csv

_SETS, _SCORES = "koniq10k_distributions_sets.csv", "koniq10k_scores_and_distributions.csv"
CARD = DatabaseCard(
    name="koniq10k",
    title="KonIQ-10k, MOS from 0 to 100",
    citation="V. Hosu, H. Lin, T. Sziranyi and D. Saupe, KonIQ-10k: an ecologically valid database for deep learning of blind "
    "image quality assessment, IEEE Trans. Image Processing 29, 2020",
    licence="photos of YFCC100M, which holds Creative Commons photos; for the scores see the site",
    published_range=(0.0, 100.0),
    higher_is_better=True,
    images=10073,
    references=0,
    source="http://database.mmsp-kn.de/koniq-10k-database.html and https://github.com/subpic/koniq (metadata)",
    layout=f"a folder with 1024x768 or 512x384 (*.jpg), and beside it {_SETS} (has the official split) or {_SCORES}",
)
ACR_CARD = replace(CARD, name="koniq10k-acr", title="KonIQ-10k, mean of the ratings from 1 to 5", published_range=(1.0, 5.0))
_PARTS = {"training": "train", "validation": "validation", "test": "test"}
_RATINGS = ["c1", "c2", "c3", "c4", "c5"]


@database(CARD)
def read(folder: str | Path) -> RatedImages:
    """Read KonIQ-10k with the MOS from 0 to 100; the larger photos where both sizes are there.

    Raises:
        LabError: A file is missing; or it lacks a column, holds text instead of a number, or its MOS is not on a scale
            from 0 to 100.
    """
    return _read(CARD, folder)


@database(ACR_CARD)
def read_acr(folder: str | Path) -> RatedImages:
    """Read KonIQ-10k with the mean ratings from 1 to 5 and their standard deviation; raises as `read`."""
    return _read(ACR_CARD, folder)


def _read(card: DatabaseCard, folder: str | Path) -> RatedImages:
    folder = Path(folder)
    file = folder / (_SCORES if (folder / _SCORES).exists() and not (folder / _SETS).exists() else _SETS)
    size = "1024x768" if (folder / "1024x768").exists() else "512x384"
    require(folder, file.name, size, layout=card.layout)
    listed = read_csv(file, dtype={"image_name": str, "set": str})
    hundred = "MOS_zscore" if file.name == _SCORES else "MOS"
    columns(listed, file, "image_name", hundred, "SD", *_RATINGS)
    numbers(listed, file, hundred, "SD", *_RATINGS)
    ratings = listed[_RATINGS].to_numpy(np.float64)
    if listed[hundred].max() <= 5:
        raise LabError(f"{file}: {hundred} reaches only {listed[hundred].max():g}; expected a scale from 0 to 100")
    table = pd.DataFrame({"image": size + "/" + listed["image_name"], "content": listed["image_name"]})
    if card is CARD:
        table["mos"] = card.mos(listed[hundred])
    else:
        table["mos"] = card.mos(ratings @ np.arange(1, 6) / ratings.sum(axis=1))
        table["mos_std"] = listed["SD"]
    if file.name == _SETS:
        table["part"] = columns(listed, file, "set")["set"].map(_PARTS)
    return RatedImages(card.name, folder, table, card.mos_range)
