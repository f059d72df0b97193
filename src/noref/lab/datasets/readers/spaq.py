"""SPAQ: 11,125 smartphone photos, rated in the laboratory (Fang, Zhu, Zeng, Ma and Wang, 2020).

Photos have their original size; publications usually resize the shorter side to 448 or 512. Sheets and columns follow public
readers of the database. No standard deviation is published.
"""

from pathlib import Path

import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import columns, numbers, read_excel, require
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import database

_SHEET = "Annotations/MOS and Image attribute scores.xlsx"
CARD = DatabaseCard(
    name="spaq",
    title="Smartphone Photography Attribute and Quality database (SPAQ)",
    citation="Y. Fang, H. Zhu, Y. Zeng, K. Ma and Z. Wang, Perceptual quality assessment of smartphone photography, CVPR 2020",
    licence="education and research with the copyright notice (for the authors' code; none found for the photos)",
    published_range=(0.0, 100.0),
    higher_is_better=True,
    images=11125,
    references=0,
    source="https://github.com/h4nwei/SPAQ",
    layout=f"a folder with TestImage (*.jpg) and {_SHEET}",
)


@database(CARD)
def read(folder: str | Path) -> RatedImages:
    """Read SPAQ.

    Raises:
        LabError: A file is missing; or the sheet lacks a column, or holds text instead of a number.
    """
    folder = require(folder, _SHEET, "TestImage", layout=CARD.layout)
    file = folder / _SHEET
    sheet = columns(read_excel(file, dtype={"Image name": str}), file, "Image name", "MOS")
    numbers(sheet, file, "MOS")
    names = sheet["Image name"]
    table = pd.DataFrame({"image": "TestImage/" + names, "mos": CARD.mos(sheet["MOS"]), "content": names})
    return RatedImages(CARD.name, folder, table, CARD.mos_range)
