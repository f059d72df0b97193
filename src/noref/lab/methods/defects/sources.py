"""The training images: a folder of pristine images, and the best-rated images of a database."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.training.pairs import find_photos


def sources(pristine: str | Path | None, rated: RatedImages | None, best: float) -> RatedImages:
    """Collect the images to be taken as pristine: all images of a folder, and the best-rated images of a database.

    `content` is that of the database. Images of the folder have no MOS; `mos` is 1 for all images and not used.

    Args:
        pristine: Folder of pristine images.
        rated: Database.
        best: Share of the database's images to take, from the highest MOS down.

    Raises:
        LabError: The folder holds no images, or neither is given.
    """
    found: list[tuple[Path, str]] = []
    names = []
    if pristine is not None:
        found += [(path.absolute(), f"pristine {path.stem}") for path in find_photos(pristine)]
        names.append("pristine")
    if rated is not None:
        order = np.argsort(-rated.mos, kind="stable")[: round(best * len(rated))]
        contents = rated.table["content"].tolist()
        found += [(rated.paths[row].absolute(), f"{rated.name} {contents[row]}") for row in order]
        names.append(f"best-rated {best:g} of {rated.name}")
    if not found:
        raise LabError("defects are learned from pristine images: give --pristine FOLDER, --data NAME=PATH or both")
    # Paths relative to the common folder do not change when the data are moved.
    folder = Path(os.path.commonpath([path.parent for path, _ in found]))
    table = pd.DataFrame(
        {
            "image": [path.relative_to(folder).as_posix() for path, _ in found],
            "mos": 1.0,
            "content": [content for _, content in found],
        }
    )
    return RatedImages(" and ".join(names), folder, table, (0.0, 1.0))
