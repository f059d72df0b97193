"""LIVE In the Wild (LIVE-C, CLIVE): camera photos with authentic distortions, rated by a crowd (Ghadiyaram and Bovik, 2016).

The first seven of the 1,169 rows are the photos that the raters were trained on; they are in `Images/trainingImages` and are
not read. Files, variables and the seven rows follow several public readers of the database.
"""

from pathlib import Path

import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import require, same_length, variables
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import database

CARD = DatabaseCard(
    name="livec",
    title="LIVE In the Wild Image Quality Challenge Database",
    citation="D. Ghadiyaram and A. C. Bovik, Massive online crowdsourced study of subjective and objective picture quality, "
    "IEEE Trans. Image Processing 25(1), 2016",
    licence="UT Austin notice: free to use, copy, modify and distribute with the notice and acknowledgement",
    published_range=(0.0, 100.0),
    higher_is_better=True,
    images=1162,
    references=0,
    source="https://live.ece.utexas.edu/research/ChallengeDB/index.html",
    layout="the folder ChallengeDB_release with Images and, in Data, AllImages_release.mat, AllMOS_release.mat and "
    "AllStdDev_release.mat",
)
_TRAINING = 7


@database(CARD)
def read(folder: str | Path) -> RatedImages:
    """Read LIVE In the Wild.

    Raises:
        LabError: A file is missing or lacks a variable, or their lengths differ.
    """
    data = {part: f"Data/{part}_release.mat" for part in ("AllImages", "AllMOS", "AllStdDev")}
    folder = require(folder, "Images", *data.values(), layout=CARD.layout)
    names, mos, mos_std = (variables(folder / file, f"{part}_release")[0] for part, file in data.items())
    same_length(folder, names=names, mos=mos, **{"standard deviations": mos_std})
    table = pd.DataFrame({"image": names, "mos": CARD.mos(mos), "mos_std": mos_std, "content": names})
    table["image"] = "Images/" + table["image"]
    return RatedImages(CARD.name, folder, table.iloc[_TRAINING:].reset_index(drop=True), CARD.mos_range)
