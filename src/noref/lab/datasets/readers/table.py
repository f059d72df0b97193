"""Your own rated photos, listed in a CSV: image, mos, and optional columns.

Optional columns: std, content, reference, type, level, group, part; and low and high, the ends of the MOS range, equal in every
row (by default, the lowest and highest MOS of the table). Paths are relative to the CSV. Without a column `content`, the
content of a photo is its reference; a photo without a reference is its own content.
"""

import os
from pathlib import Path

import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import columns, numbers, require
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import database
from noref.lab.errors import LabError
from noref.lab.files import access, read_csv

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
    layout="a CSV with the columns image, mos (higher is better) and, optionally, std, content, reference, type, level, group, "
    "part, low and high (the ends of the MOS range, in every row); or a folder that holds it as labels.csv",
)
_COLUMNS = ("image", "mos", "std", "content", "reference", "type", "level", "group", "part", "low", "high")
_TEXTS = ("image", "content", "reference", "type", "group", "part")
_NUMBERS = ("mos", "std", "level", "low", "high")
_EMPTY = {name: [""] for name in _TEXTS} | {name: ["", "nan", "NaN", "NA"] for name in _NUMBERS}  # a content may be named NA


@database(CARD)
def read(path: str | Path) -> RatedImages:
    """Read a CSV of photos and their MOS, higher is better.

    Args:
        path: The CSV, or a folder that holds it as labels.csv.

    Raises:
        LabError: The file or a required column is missing, a column is unknown, the range has only one end or differs between
            rows, or a value is invalid (see `RatedImages`).
    """
    path = Path(path)
    file = path / "labels.csv" if path.is_dir() else path
    require(file.parent, file.name, layout=CARD.layout)
    table = read_csv(file, dtype=dict.fromkeys(_TEXTS, str), keep_default_na=False, na_values=_EMPTY)
    columns(table, file, "image", "mos")
    if unknown := [str(column) for column in table if column not in _COLUMNS]:
        raise LabError(f"{file}: unknown columns {', '.join(unknown)}; known are {', '.join(_COLUMNS)}")
    numbers(table, file, *_NUMBERS)
    if table.empty:
        raise LabError(f"{file} has a header but no rows; add a row for each photo")
    table = table.rename(columns={"std": "mos_std"})
    if "content" not in table:
        table["content"] = table["reference"].fillna(table["image"]) if "reference" in table else table["image"]
    return RatedImages(path.stem, file.parent, table.drop(columns=["low", "high"], errors="ignore"), _mos_range(table, file))


def write(rated: RatedImages, file: Path) -> None:
    """Write any database as a CSV that `read` reads, with paths relative to it and the MOS range in every row.

    Raises:
        LabError: The file cannot be written.
    """
    low, high = rated.mos_range
    table = rated.table.rename(columns={"mos_std": "std"}).assign(low=low, high=high)
    for column in {"image", "reference"} & set(table):
        table[column] = [path if pd.isna(path) else _seen_from(file.parent, rated.folder / path) for path in table[column]]
    with access(file, "choose another file"):
        table.to_csv(file, index=False)


def _seen_from(folder: Path, path: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _mos_range(table: pd.DataFrame, file: Path) -> tuple[float, float]:
    if not {"low", "high"} & set(table):
        return float(table["mos"].min()), float(table["mos"].max())
    columns(table, file, "low", "high")
    ends = table[["low", "high"]].drop_duplicates()
    if len(ends) > 1:
        raise LabError(f"{file}: low and high differ between rows; give the same MOS range in every row")
    return float(ends["low"].iloc[0]), float(ends["high"].iloc[0])
