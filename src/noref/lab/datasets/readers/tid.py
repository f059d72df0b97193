"""TID2008 and TID2013: 25 references, 17 or 24 distortions, 4 or 5 levels (Ponomarenko et al., 2009 and 2015).

The file names `iXX_YY_Z.bmp` encode reference, type and level. `type` is the two digits YY, numbered as in the papers. The
text files and the disk differ in case (`i01_01_1.bmp`, `I01.BMP`, but `i25.bmp`), so names are matched without regard to case.
Files and names follow public readers of both databases and the readme of TID2008.
"""

from pathlib import Path

import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import numbers, on_disk, require, same_length
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import database
from noref.lab.errors import LabError
from noref.lab.files import read_csv

_LAYOUT = "the folder {} with distorted_images (iXX_YY_Z.bmp), reference_images (IXX.BMP), mos_with_names.txt and mos_std.txt"
TID2008 = DatabaseCard(
    name="tid2008",
    title="Tampere Image Database 2008",
    citation="N. Ponomarenko, V. Lukin, A. Zelensky, K. Egiazarian, M. Carli and F. Battisti, TID2008 - a database for "
    "evaluation of full-reference visual quality assessment metrics, Advances of Modern Radioelectronics 10, 2009",
    licence="free for education and research with the copyright notice; not to be modified without permission",
    published_range=(0.0, 9.0),
    higher_is_better=True,
    images=1700,
    references=25,
    source="http://www.ponomarenko.info/tid2008.htm",
    layout=_LAYOUT.format("tid2008"),
)
TID2013 = DatabaseCard(
    name="tid2013",
    title="Tampere Image Database 2013",
    citation="N. Ponomarenko et al., Image database TID2013: peculiarities, results and perspectives, Signal Processing: Image "
    "Communication 30, 2015",
    licence="free download; terms as TID2008's, by the same authors, not confirmed",
    published_range=(0.0, 9.0),
    higher_is_better=True,
    images=3000,
    references=25,
    source="http://www.ponomarenko.info/tid2013.htm",
    layout=_LAYOUT.format("tid2013"),
)


@database(TID2008)
def read_tid2008(folder: str | Path) -> RatedImages:
    """Read TID2008; raises as `read_tid2013`."""
    return _read(TID2008, folder)


@database(TID2013)
def read_tid2013(folder: str | Path) -> RatedImages:
    """Read TID2013.

    Raises:
        LabError: A file is missing, a file name is not of the form iXX_YY_Z.bmp, or the two text files differ in length or hold
            text instead of a number.
    """
    return _read(TID2013, folder)


def _read(card: DatabaseCard, folder: str | Path) -> RatedImages:
    folder = require(folder, "mos_with_names.txt", "mos_std.txt", "distorted_images", "reference_images", layout=card.layout)
    file = folder / "mos_with_names.txt"
    listed = read_csv(file, sep=r"\s+", names=["mos", "image"], dtype={"image": str})
    numbers(listed, file, "mos")
    address = listed["image"].str.lower().str.extract(r"^(i\d\d)_(\d\d)_(\d)\.bmp$")
    if address.isna().any(axis=None):
        wrong = listed["image"][address[0].isna()].iloc[0]
        raise LabError(f"{file} names {wrong}; expected names like i01_01_1.bmp")
    table = pd.DataFrame(
        {
            "image": "distorted_images/" + on_disk(folder / "distorted_images", listed["image"]),
            "mos": card.mos(listed["mos"]),
            "content": address[0],
            "reference": "reference_images/" + on_disk(folder / "reference_images", address[0] + ".bmp"),
            "type": address[1],
            "level": address[2].astype(int),
        }
    )
    mos_std = read_csv(folder / "mos_std.txt", sep=r"\s+", names=["std"])
    numbers(mos_std, folder / "mos_std.txt", "std")
    same_length(folder, **{f"scores in {file.name}": table["mos"], "standard deviations in mos_std.txt": mos_std})
    return RatedImages(card.name, folder, table.assign(mos_std=mos_std["std"]), card.mos_range)
