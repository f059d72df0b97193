"""`RatedImages`: the table that every database is read into."""

import hashlib
import os.path
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
    """Photos with their mean opinion scores (MOS).

    Attributes:
        name: Name of the database.
        folder: The folder that the paths in `image` and `reference` are relative to.
        table: One row per photo. `image` (path, unique), `mos` (higher is better), `content` (the reference or scene, which
            splits keep in one part); optionally `mos_std` (standard deviation of the ratings),
            `reference` (path), `type` and `level` of the distortion, `group` (a subset to report separately) and `part` (the
            official split: "train", "validation" or "test").
        mos_range: Lowest and highest MOS of the database's scale.

    Raises:
        LabError: A column is unknown, a photo is listed twice, or a value is invalid.
        ValueError: A required column is missing. Readers check that first, and name their file.

    Examples:
        >>> from pathlib import Path
        >>> import pandas as pd
        >>> from noref.lab.datasets import RatedImages
        >>> table = pd.DataFrame({"image": ["a.png", "b.png"], "mos": [2.0, 4.0], "content": ["beach", "forest"]})
        >>> rated = RatedImages("mine", Path("photos"), table, mos_range=(1, 5))
        >>> rated.unit_mos.tolist(), rated.select(["b.png"]).mos.tolist()
        ([0.25, 0.75], [4.0])
    """

    name: str
    folder: Path
    table: pd.DataFrame
    mos_range: tuple[float, float]

    def __post_init__(self) -> None:
        where = f"{self.name} at {self.folder}"
        missing = [column for column in REQUIRED if column not in self.table]
        if missing:
            raise ValueError(f"{where}: the table lacks {', '.join(missing)}; it has {', '.join(map(str, self.table.columns))}")
        unknown = [str(column) for column in self.table if column not in COLUMNS]
        if unknown:
            raise LabError(f"{where}: unknown columns {', '.join(unknown)}; known are {', '.join(COLUMNS)}")
        for column in ("image", "content"):
            if self.table[column].isna().any():
                raise LabError(f"{where}: {column} is empty in row {int(self.table[column].isna().argmax())}")
        if "part" in self.table and not (known := self.table["part"].isin(PARTS)).all():
            image, part = self.table.loc[~known, ["image", "part"]].iloc[0]
            raise LabError(f"{where}: the column part must be {', '.join(PARTS)} for every photo, not {part!r} as for {image}")
        twice = self.table["image"][self.table["image"].duplicated()]
        if len(twice):
            raise LabError(f"{where}: {twice.iloc[0]} is listed twice; remove one of the rows")
        spelled: dict[str, str] = {}
        for image in self.table["image"]:
            other = spelled.setdefault(os.path.abspath(self.folder / image), image)
            if other != image:
                raise LabError(f"{where}: {other} and {image} are the same file; remove one of the rows")
        if "mos_std" in self.table and (self.table["mos_std"] < 0).any():
            raise LabError(f"{where}: a standard deviation cannot be negative; correct the row")
        mos = self.mos
        self._refuse(~np.isfinite(mos), "finite")
        low, high = self.mos_range
        if not low < high:
            raise LabError(f"{where}: the MOS range must rise, not go from {low:g} to {high:g}; give its ends (low and high)")
        self._refuse((mos < low) | (mos > high), f"within the range {low:g} to {high:g}")

    def _refuse(self, wrong: npt.NDArray[np.bool_], needed: str) -> None:
        """Refuse a table with wrong MOS."""
        if wrong.any():
            image, value = self.table.loc[wrong, ["image", "mos"]].iloc[0]
            raise LabError(
                f"{self.name} at {self.folder}: the MOS must be {needed}, not {value:g} as for {image} "
                f"({wrong.sum()} in total); correct the rows or the range"
            )

    def __len__(self) -> int:
        return len(self.table)

    @property
    def paths(self) -> list[Path]:
        """Full paths of the photos."""
        return [self.folder / image for image in self.table["image"]]

    @property
    def references(self) -> list[Path]:
        """Full paths of the references, each once; none where they are not known."""
        names = self.table["reference"].dropna().unique() if "reference" in self.table else ()
        return [self.folder / name for name in names]

    @property
    def mos(self) -> npt.NDArray[np.float64]:
        """MOS on the scale of the database, higher is better; float64 of shape (N,)."""
        return self.table["mos"].to_numpy(np.float64)

    @property
    def unit_mos(self) -> npt.NDArray[np.float64]:
        """MOS scaled linearly from `mos_range` to [0, 1]; float64 of shape (N,)."""
        low, high = self.mos_range
        return (self.mos - low) / (high - low)

    def select(self, images: Sequence[str]) -> "RatedImages":
        """Select the rows of these images, in the given order.

        Raises:
            KeyError: One of them is not in the table.
        """
        return replace(self, table=self.table.set_index("image").loc[list(images)].reset_index())

    def fingerprint(self) -> str:
        """A hash of the table and of the files, which identifies the data. Reads every photo.

        Raises:
            LabError: A photo is missing or cannot be read.
        """
        digest = hashlib.sha256(self.table.to_csv(index=False).encode())
        for path in self.paths:
            with access(path, f"check {self.name} with `noref lab data check`"):
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]
