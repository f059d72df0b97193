"""Any photos with opinions, listed in a CSV: image, mos, and what else is known.

Optional columns: std, content, reference, type, level, group, part; and low and high, the ends of the scale of opinions, alike
in every row (else the lowest and highest opinion found are taken for them). Paths start at the CSV's folder. Where there is no
`content`, it is the reference; where a photo has no reference either, it is a content of its own.
"""

from pathlib import Path

import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import columns, numbers, require
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.files import read_csv

CARD = DatabaseCard(
    name="table",
    title="Your own CSV",
    citation="",
    licence="yours",
    published_range=(float("-inf"), float("inf")),
    higher_is_better=True,
    images=0,
    references=0,
    source="",
    layout="a CSV with the columns image, mos (higher is better) and, if known, std, content, reference, type, level, group, "
    "part, low and high (the ends of the scale, in every row); or a folder that holds it as labels.csv",
)
_TEXTS = ("image", "content", "reference", "type", "group", "part")


def read(path: str | Path) -> RatedImages:
    """Read a CSV of photos and opinions, higher is better.

    Args:
        path: The CSV, or a folder that holds it as labels.csv.

    Raises:
        LabError: There is no such file, a needed column is missing, one is not known, the scale has only one end or changes
            between rows, or values cannot be (see `RatedImages`).
    """
    path = Path(path)
    file = path / "labels.csv" if path.is_dir() else path
    require(file.parent, file.name, layout=CARD.layout)
    table = read_csv(file, dtype=dict.fromkeys(_TEXTS, str))
    columns(table, file, "image", "mos")
    numbers(table, file, "mos", "std", "level", "low", "high")
    table = table.rename(columns={"std": "mos_std"})
    if "content" not in table:
        table["content"] = table["reference"].fillna(table["image"]) if "reference" in table else table["image"]
    return RatedImages(path.stem, file.parent, table.drop(columns=["low", "high"], errors="ignore"), _scale(table, file))


def _scale(table: pd.DataFrame, file: Path) -> tuple[float, float]:
    if not {"low", "high"} & set(table):
        return float(table["mos"].min()), float(table["mos"].max())
    columns(table, file, "low", "high")
    ends = table[["low", "high"]].drop_duplicates()
    if len(ends) > 1:
        raise LabError(f"{file}: low and high are the ends of one scale, but change from row to row")
    return float(ends["low"].iloc[0]), float(ends["high"].iloc[0])
