"""KADID-10k: 81 references, 25 distortions, five levels, rated by a crowd (Lin, Hosu and Saupe, 2019).

The column "dmos" is misnamed: it is a mean of degradation ratings from 1 (very annoying) to 5 (imperceptible), so higher is
better. "var" is a variance. The file names `Ixx_yy_zz.png` encode reference, type and level. This follows public readers of
the database, and agrees with the values, which fall with the level.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import columns, numbers, require
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import database
from noref.lab.errors import LabError
from noref.lab.files import read_csv

CARD = DatabaseCard(
    name="kadid10k",
    title="Konstanz Artificially Distorted Image quality Database (KADID-10k)",
    citation="H. Lin, V. Hosu and D. Saupe, KADID-10k: a large-scale artificially distorted IQA database, QoMEX 2019",
    licence="not confirmed; see the site",
    published_range=(1.0, 5.0),
    higher_is_better=True,
    images=10125,
    references=81,
    source="http://database.mmsp-kn.de/kadid-10k-database.html",
    layout="the folder kadid10k with images (Ixx.png, Ixx_yy_zz.png) and dmos.csv (dist_img, ref_img, dmos, var)",
)


@database(CARD)
def read(folder: str | Path) -> RatedImages:
    """Read KADID-10k.

    Raises:
        LabError: A file is missing; or `dmos.csv` lacks a column, holds text instead of a number, or lists a file name
            not of the form Ixx_yy_zz.png.
    """
    folder = require(folder, "dmos.csv", "images", layout=CARD.layout)
    file = folder / "dmos.csv"
    listed = columns(read_csv(file, dtype={"dist_img": str, "ref_img": str}), file, "dist_img", "ref_img", "dmos", "var")
    numbers(listed, file, "dmos", "var")
    address = listed["dist_img"].str.extract(r"^(I\d\d)_(\d\d)_(\d\d)\.png$")
    if address.isna().any(axis=None):
        wrong = listed["dist_img"][address[0].isna()].iloc[0]
        raise LabError(f"{file} names {wrong}; expected names like I01_01_01.png")
    table = pd.DataFrame(
        {
            "image": "images/" + listed["dist_img"],
            "mos": CARD.mos(listed["dmos"]),
            "mos_std": np.sqrt(listed["var"]),
            "content": address[0],
            "reference": "images/" + listed["ref_img"],
            "type": address[1],
            "level": address[2].astype(int),
        }
    )
    return RatedImages(CARD.name, folder, table, CARD.mos_range)
