"""BIQ2021: 12,000 camera photos of 512 x 512 with real faults (Ahmed and Asif, J. Electronic Imaging 31(5), 2022).

About 30 opinions a photo, mean in 0 to 1, higher is better. Three subsets: ss01 personal archive, ss02 faults made on purpose,
ss03 Unsplash. The authors state no licence; research use.
"""

from pathlib import Path

import pandas as pd

from noref.lab.datasets.rated import RatedImages


def read(folder: str | Path) -> RatedImages:
    """Read a folder with `labels.csv` (image, mos, subset, scene) beside the photos it names.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It lacks a column, or names a photo twice.
    """
    folder = Path(folder)
    labels = folder / "labels.csv"
    if not labels.is_file():
        raise FileNotFoundError(
            f"{labels} is missing: expected a folder with labels.csv (image, mos, subset, scene) and photos"
        )
    table = pd.read_csv(labels, dtype={"image": str, "scene": str, "subset": str})
    table = table.rename(columns={"mos": "opinion", "scene": "content", "subset": "group"})
    return RatedImages("biq2021", folder, table, scale=(0.0, 1.0))
