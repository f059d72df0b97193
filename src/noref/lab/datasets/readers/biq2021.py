"""BIQ2021: 12,000 photos of 512 x 512 with authentic distortions (Ahmed and Asif, 2022).

About 30 ratings a photo, MOS in 0 to 1, higher is better. Three subsets, in `group`: ss01 personal archive, ss02 photos taken
with intentional defects, ss03 Unsplash. Two layouts are read:

- A folder with `labels.csv` (image, mos, subset, scene and, where there is a split, part) and the photos that it lists.
  `scene` becomes the content; `part` (train, validation or test) becomes the split of that table.
- As published: `Images/ss01 (1).jpg` and two files with the official split, 10,000 and 2,000 photos. It has no scenes, so each
  photo is its own content; `noref lab data check biq2021 FOLDER --scenes NEW.csv` finds series of one scene.

ss01 consists of series of one scene, numbered in a row. The official split separates the photos of a series: 108 of the 2,000
test photos are near-identical to training photos, and of the others all 308 of ss01 and 91 more have their scene in training.
So figures on its test part are too high, published ones included. To compare methods, split by scene. File names, columns and
values follow the authors' repository; its later Train.csv and Test.csv hold other values, some below 0, and are not read.
"""

from pathlib import Path

import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import columns, numbers, require
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import database
from noref.lab.files import read_csv

_SPLIT = {"train": "Train (Images and MOS).csv", "test": "Test (Images and MOS).csv"}
CARD = DatabaseCard(
    name="biq2021",
    title="BIQ2021, a large-scale blind image quality assessment database",
    citation="N. Ahmed and S. Asif, BIQ2021: a large-scale blind image quality assessment database, J. Electronic Imaging "
    "31(5), 2022",
    licence="none stated; research use",
    published_range=(0.0, 1.0),
    higher_is_better=True,
    images=12000,
    references=0,
    source="https://github.com/nisarahmedrana/BIQ2021",
    layout="a folder with labels.csv (image, mos, subset, scene and, optionally, part) and photos, or the published layout "
    "with Images, " + " and ".join(_SPLIT.values()),
    note="the official split has photos of the same scene on both sides (507 of the 2,000 test photos, all of ss01 among "
    "them, have their scene in training), so figures on it, published ones included, are too high; split by scene",
)


@database(CARD)
def read(folder: str | Path) -> RatedImages:
    """Read either layout.

    Raises:
        LabError: A file is missing; or it lacks a column, holds text instead of a number, lists a photo twice, or
            holds an unknown part.
    """
    folder = Path(folder)
    table = _published(folder) if (folder / _SPLIT["train"]).exists() else _labelled(folder)
    return RatedImages(CARD.name, folder, table, CARD.mos_range)


def _labelled(folder: Path) -> pd.DataFrame:
    file = require(folder, "labels.csv", layout=CARD.layout) / "labels.csv"
    table = read_csv(
        file, dtype={"image": str, "scene": str, "subset": str, "part": str}, keep_default_na=False, na_values=[""]
    )
    split = ["part"] if "part" in table else []
    table = columns(table, file, "image", "mos", "subset", "scene", *split)
    numbers(table, file, "mos")
    return table.rename(columns={"scene": "content", "subset": "group"})


def _published(folder: Path) -> pd.DataFrame:
    require(folder, "Images", *_SPLIT.values(), layout=CARD.layout)
    parts = [_part(folder / file).assign(part=part) for part, file in _SPLIT.items()]
    table = pd.concat(parts, ignore_index=True).rename(columns={"Image Name": "content", "MOS": "mos"})
    return table.assign(image="Images/" + table["content"], group=table["content"].str.split(" ").str[0])


def _part(file: Path) -> pd.DataFrame:
    table = columns(read_csv(file, dtype={"Image Name": str}), file, "Image Name", "MOS")
    numbers(table, file, "MOS")
    return table
