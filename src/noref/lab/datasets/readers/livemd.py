"""LIVE Multiply Distorted: blur then JPEG (part 1), blur then noise (part 2), 15 references (Jayaraman et al., 2012).

File names such as `wheel_blur1_noise3.bmp` and `wheel_blur2.bmp` encode the distortions and their levels, 1 to 3: they give
the type ("blur", "jpeg", "noise", "blur+jpeg", "blur+noise") and, for a single distortion, the level. `group` is the folder of
the part; the parts were rated in separate sessions. `ref4dist` counts references from 1. Files, variables and names follow
public readers of the database; no standard deviation is read.
"""

from pathlib import Path

import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import require, same_length, variables
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import database

CARD = DatabaseCard(
    name="livemd",
    title="LIVE Multiply Distorted Image Quality Database",
    citation="D. Jayaraman, A. Mittal, A. K. Moorthy and A. C. Bovik, Objective quality assessment of multiply distorted "
    "images, Asilomar Conf. Signals, Systems and Computers, 2012",
    licence="UT Austin notice: free to use, copy, modify and distribute with the notice and acknowledgement",
    published_range=(0.0, 100.0),
    higher_is_better=False,
    images=450,
    references=15,
    source="https://live.ece.utexas.edu/research/quality/live_multidistortedimage.html",
    layout="the folder LIVEmultidistortiondatabase with Part 1/blurjpeg and Part 2/blurnoise, and Imagelists.mat and "
    "Scores.mat in each part",
)
_PARTS = {"Part 1": "blurjpeg", "Part 2": "blurnoise"}


@database(CARD)
def read(folder: str | Path) -> RatedImages:
    """Read both parts of LIVE Multiply Distorted.

    Raises:
        LabError: A file is missing or lacks a variable, or their lengths differ.
    """
    needed = (f"{part}/{file}" for part, kind in _PARTS.items() for file in (kind, "Imagelists.mat", "Scores.mat"))
    folder = require(folder, *needed, layout=CARD.layout)
    tables = [_part(folder, part, kind) for part, kind in _PARTS.items()]
    return RatedImages(CARD.name, folder, pd.concat(tables, ignore_index=True), CARD.mos_range)


def _part(folder: Path, part: str, kind: str) -> pd.DataFrame:
    names, references, which = variables(folder / part / "Imagelists.mat", "distimgs", "refimgs", "ref4dist")
    (dmos,) = variables(folder / part / "Scores.mat", "DMOSscores")
    same_length(folder / part, names=names, references=which, mos=dmos)
    table = pd.DataFrame({"image": names, "mos": CARD.mos(dmos), "content": references[which.astype(int) - 1]})
    done = table["image"].str.extract(r"_([a-z]+)(\d)(?:_([a-z]+)\d)?\.bmp$")
    table["type"] = done[0].str.cat(done[2], sep="+").fillna(done[0])
    table["level"] = pd.to_numeric(done[1]).where(done[2].isna())
    table["reference"] = f"{part}/{kind}/" + table["content"]
    table["image"] = f"{part}/{kind}/" + table["image"]
    return table.assign(group=kind)
