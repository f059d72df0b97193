"""LIVE release 2: 29 references, five distortions (Sheikh, Sabir and Bovik, 2006).

The scores are the realigned DMOS (`dmos_realigned.mat`), which the authors recommend; some published results use the earlier
`dmos.mat`. Realigned values run from about -3 to 112, beyond the nominal 0 to 100; the range on the card includes them.
The rows follow the folders in the order of `_FOLDERS`, img1 to imgN. 203 of the 982 are hidden references, undistorted
copies among the distorted photos (`orgs` is 1); they are left out by default. There are no levels.
Files, variables and order follow several public readers of the database; info.txt in the folders is not read.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import require, variables
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import database
from noref.lab.errors import LabError

CARD = DatabaseCard(
    name="live",
    title="LIVE Image Quality Assessment Database, release 2",
    citation="H. R. Sheikh, M. F. Sabir and A. C. Bovik, A statistical evaluation of recent full reference image quality "
    "assessment algorithms, IEEE Trans. Image Processing 15(11), 2006",
    licence="UT Austin notice: free to use, copy, modify and distribute with the notice and acknowledgement",
    published_range=(-5.0, 115.0),
    higher_is_better=False,
    images=779,
    references=29,
    source="https://live.ece.utexas.edu/research/quality/subjective.htm",
    layout="the folder databaserelease2 with jp2k, jpeg, wn, gblur, fastfading (each img1.bmp …), refimgs, "
    "dmos_realigned.mat and refnames_all.mat",
)
_FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}


@database(CARD)
def read(folder: str | Path, hidden_references: bool = False) -> RatedImages:
    """Read LIVE release 2.

    Args:
        folder: As on the card.
        hidden_references: Include the undistorted copies, with type "reference".

    Raises:
        LabError: A file is missing, lacks a variable, or does not hold 982 scores.
    """
    folder = require(folder, "dmos_realigned.mat", "refnames_all.mat", *_FOLDERS, layout=CARD.layout)
    dmos, mos_std, originals = variables(folder / "dmos_realigned.mat", "dmos_new", "dmos_std", "orgs")
    (references,) = variables(folder / "refnames_all.mat", "refnames_all")
    images = [(f"{kind}/img{i + 1}.bmp", kind) for kind, count in _FOLDERS.items() for i in range(count)]
    if not len(images) == len(dmos) == len(references):
        raise LabError(
            f"{folder} has {len(dmos)} scores and {len(references)} reference names; expected {len(images)}: download it again"
        )
    hidden = originals.astype(bool)
    table = pd.DataFrame(images, columns=["image", "type"]).assign(
        mos=CARD.mos(dmos), mos_std=mos_std, content=references, reference="refimgs/" + references.astype(object)
    )
    table["type"] = table["type"].mask(hidden, "reference")
    kept = table if hidden_references else table[np.logical_not(hidden)]
    return RatedImages(CARD.name, folder, kept.reset_index(drop=True), CARD.mos_range)
