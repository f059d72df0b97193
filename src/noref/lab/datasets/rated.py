"""The one table that every database becomes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

COLUMNS = ("image", "opinion", "spread", "content", "reference", "type", "level", "group")
REQUIRED = ("image", "opinion", "content")


@dataclass(frozen=True, eq=False)
class RatedImages:
    """Photos with people's opinions.

    Attributes:
        name: The database.
        folder: Where the paths in `image` and `reference` start.
        table: One row a photo. `image` (path, unique), `opinion` (higher is better), `content` (the reference or scene that
            must not be split); where the database has them also `spread` (standard deviation of the opinions), `reference`
            (path), `type` and `level` of the distortion, and `group` (a part to report apart).
        scale: The lowest and highest opinion that the database's own scale allows.
    """

    name: str
    folder: Path
    table: pd.DataFrame
    scale: tuple[float, float]

    def __post_init__(self) -> None:
        missing = [column for column in REQUIRED if column not in self.table]
        if missing:
            raise ValueError(
                f"{self.name}: the table lacks {', '.join(missing)}; it has {', '.join(map(str, self.table.columns))}"
            )
        unknown = [str(column) for column in self.table if column not in COLUMNS]
        if unknown:
            raise ValueError(f"{self.name}: unknown columns {', '.join(unknown)}; known are {', '.join(COLUMNS)}")
        twice = self.table["image"][self.table["image"].duplicated()]
        if len(twice):
            raise ValueError(f"{self.name}: {twice.iloc[0]} is listed twice")
        opinions = self.opinions
        low, high = self.scale
        if not np.isfinite(opinions).all() or opinions.min(initial=low) < low or opinions.max(initial=high) > high:
            raise ValueError(f"{self.name}: opinions must be finite and within the scale {low:g} to {high:g}")

    def __len__(self) -> int:
        return len(self.table)

    @property
    def paths(self) -> list[Path]:
        """Full paths of the photos."""
        return [self.folder / image for image in self.table["image"]]

    @property
    def opinions(self) -> npt.NDArray[np.float64]:
        """Opinions on the database's own scale, higher is better."""
        return self.table["opinion"].to_numpy(np.float64)

    @property
    def unit_opinions(self) -> npt.NDArray[np.float64]:
        """Opinions with the scale's ends brought to 0 and 1."""
        low, high = self.scale
        return (self.opinions - low) / (high - low)

    def select(self, images: Sequence[str]) -> "RatedImages":
        """The rows of these images, in their order.

        Raises:
            KeyError: One of them is not in the table.
        """
        return replace(self, table=self.table.set_index("image").loc[list(images)].reset_index())

    def fingerprint(self) -> str:
        """A hash of the table and of every photo's size in bytes: tells apart what two results were measured on."""
        digest = hashlib.sha256(self.table.to_csv(index=False).encode())
        for path in self.paths:
            digest.update(str(path.stat().st_size).encode())
        return digest.hexdigest()[:16]
