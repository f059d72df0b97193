"""The one table that every database becomes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from noref.lab.errors import LabError
from noref.lab.files import access

COLUMNS = ("image", "mos", "mos_std", "content", "reference", "type", "level", "group", "part")
PARTS = ("train", "validation", "test")
REQUIRED = ("image", "mos", "content")


@dataclass(frozen=True, eq=False)
class RatedImages:
    """Photos with people's opinions.

    Attributes:
        name: The database.
        folder: Where the paths in `image` and `reference` start.
        table: One row a photo. `image` (path, unique), `opinion` (higher is better), `content` (the reference or scene that
            must not be split); where the database has them also `spread` (standard deviation of the opinions), `reference`
            (path), `type` and `level` of the distortion, `group` (a subset to report apart) and `part` (the official
            split: "train", "validation" or "test").
        mos_range: The lowest and highest opinion that the database's own scale allows.

    Raises:
        LabError: A column is unknown, a photo is listed twice, or a value cannot be.
        ValueError: A needed column is missing: readers name their file when they find that.
    """

    name: str
    folder: Path
    table: pd.DataFrame
    mos_range: tuple[float, float]

    def __post_init__(self) -> None:
        missing = [column for column in REQUIRED if column not in self.table]
        if missing:
            raise ValueError(
                f"{self.name}: the table lacks {', '.join(missing)}; it has {', '.join(map(str, self.table.columns))}"
            )
        unknown = [str(column) for column in self.table if column not in COLUMNS]
        if unknown:
            raise LabError(f"{self.name}: unknown columns {', '.join(unknown)}; known are {', '.join(COLUMNS)}")
        for column in ("image", "content"):
            if self.table[column].isna().any():
                raise LabError(f"{self.name}: {column} is empty in row {int(self.table[column].isna().argmax())}")
        if "part" in self.table and not self.table["part"].isin(PARTS).all():
            raise LabError(f"{self.name}: the column part must be {', '.join(PARTS)} for every photo")
        twice = self.table["image"][self.table["image"].duplicated()]
        if len(twice):
            raise LabError(f"{self.name}: {twice.iloc[0]} is listed twice; remove one of the rows")
        if "mos_std" in self.table and (self.table["mos_std"] < 0).any():
            raise LabError(f"{self.name}: a standard deviation of opinions cannot be negative")
        mos = self.mos
        low, high = self.mos_range
        if not low < high:
            raise LabError(f"{self.name}: the scale must rise, not go from {low:g} to {high:g}; give its ends (low and high)")
        if not np.isfinite(mos).all() or mos.min(initial=low) < low or mos.max(initial=high) > high:
            raise LabError(f"{self.name}: opinions must be finite and within the scale {low:g} to {high:g}")

    def __len__(self) -> int:
        return len(self.table)

    @property
    def paths(self) -> list[Path]:
        """Full paths of the photos."""
        return [self.folder / image for image in self.table["image"]]

    @property
    def mos(self) -> npt.NDArray[np.float64]:
        """Opinions on the database's own scale, higher is better."""
        return self.table["mos"].to_numpy(np.float64)

    @property
    def unit_mos(self) -> npt.NDArray[np.float64]:
        """Opinions with the scale's ends brought to 0 and 1."""
        low, high = self.mos_range
        return (self.mos - low) / (high - low)

    def select(self, images: Sequence[str]) -> "RatedImages":
        """The rows of these images, in their order.

        Raises:
            KeyError: One of them is not in the table.
        """
        return replace(self, table=self.table.set_index("image").loc[list(images)].reset_index())

    def fingerprint(self) -> str:
        """A hash of the table and of every photo's size in bytes: tells apart what two results were measured on.

        Raises:
            LabError: A photo is missing.
        """
        digest = hashlib.sha256(self.table.to_csv(index=False).encode())
        for path in self.paths:
            with access(path, f"check {self.name} with `noref lab data check`"):
                digest.update(str(path.stat().st_size).encode())
        return digest.hexdigest()[:16]
