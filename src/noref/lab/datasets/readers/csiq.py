"""CSIQ: 30 references, six distortions, four or five levels (Larson and Chandler, 2010).

The sheet and the files name the types differently ("noise" is `awgn/…AWGN…`, "jpeg 2000" is `jpeg2000/…`); `type` is the
name of the folder. Sheet, columns and file names follow public readers of the database.
"""

from pathlib import Path

import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import columns, numbers, read_excel, require
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import database
from noref.lab.errors import LabError

CARD = DatabaseCard(
    name="csiq",
    title="Categorical Subjective Image Quality database (CSIQ)",
    citation="E. C. Larson and D. M. Chandler, Most apparent distortion: full-reference image quality assessment and the role "
    "of strategy, J. Electronic Imaging 19(1), 2010",
    licence="none found; ask the authors",
    published_range=(0.0, 1.0),
    higher_is_better=False,
    images=866,
    references=30,
    source="http://vision.okstate.edu/csiq (stored pages only; it may have moved)",
    layout="a folder with src_imgs (*.png), dst_imgs/<type> (*.png) and csiq.DMOS.xlsx",
)
# Type in the sheet, without spaces -> folder, part of the file name.
_TYPES = {
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg2000": ("jpeg2000", "jpeg2000"),
}


@database(CARD)
def read(folder: str | Path) -> RatedImages:
    """Read CSIQ.

    Raises:
        LabError: A file is missing; or the sheet lacks a column, holds text instead of a number or an unknown type.
    """
    folder = require(folder, "csiq.DMOS.xlsx", "src_imgs", "dst_imgs", layout=CARD.layout)
    file = folder / "csiq.DMOS.xlsx"
    sheet = read_excel(file, sheet_name="all_by_image", header=3, usecols="D:I", dtype={"image": str, "dst_type": str})
    sheet = columns(sheet, file, "image", "dst_type", "dst_lev", "dmos_std", "dmos").dropna()
    numbers(sheet, file, "dst_lev", "dmos_std", "dmos")
    words = sheet["dst_type"].str.lower().str.replace(" ", "")
    unknown = sorted(set(words) - set(_TYPES))
    if unknown:
        raise LabError(f"{file} names the types {', '.join(unknown)}; known are {', '.join(_TYPES)}")
    kind, token = words.map(lambda word: _TYPES[word][0]), words.map(lambda word: _TYPES[word][1])
    level = sheet["dst_lev"].astype(int)
    table = pd.DataFrame(
        {
            "image": "dst_imgs/" + kind + "/" + sheet["image"] + "." + token + "." + level.astype(str) + ".png",
            "mos": CARD.mos(sheet["dmos"]),
            "mos_std": sheet["dmos_std"],
            "content": sheet["image"],
            "reference": "src_imgs/" + sheet["image"] + ".png",
            "type": kind,
            "level": level,
        }
    )
    return RatedImages(CARD.name, folder, table.reset_index(drop=True), CARD.mos_range)
