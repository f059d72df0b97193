"""A database from anyone's good photos: every photo at every distortion and level, with full-reference scores.

Layout of the folder: `reference/NAME.png`, `distorted/NAME.TYPE.LEVEL.png`, and `images.csv` with one row a picture: image,
reference, content, type ("pristine" for the references), level (0 for them), ms_ssim, vif, gmsd.
"""

import csv
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import piq
import torch
from PIL import Image

from noref import images
from noref.lab import distortions
from noref.lab.datasets.files import columns, numbers
from noref.lab.datasets.rated import RatedImages
from noref.lab.distortions.registry import Pixels
from noref.lab.errors import LabError
from noref.lab.files import access, make_folder, read_csv, read_text

COLUMNS = ("image", "reference", "content", "type", "level", "ms_ssim", "vif", "gmsd")
_TEXTS = ("image", "reference", "content", "type")  # a photo may be called 001 or NA
HIGHER_IS_BETTER = {"ms_ssim": True, "vif": True, "gmsd": False}
SMALLEST = 161  # pixels a side: five scales of MS-SSIM under a window of 11
PRISTINE = "pristine"


def full_reference(reference: Pixels, distorted: Pixels) -> dict[str, float]:
    """MS-SSIM and VIF (1 is perfect) and GMSD (0 is perfect) of a distorted photo, by piq at its own defaults.

    Args:
        reference: uint8, H x W x 3.
        distorted: The same photo made worse; same shape.
    """
    good, bad = (torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255 for pixels in (reference, distorted))
    with torch.inference_mode():
        return {
            "ms_ssim": float(piq.multi_scale_ssim(bad, good)),
            "vif": float(piq.vif_p(bad, good)),
            "gmsd": float(piq.gmsd(bad, good)),
        }


class Synthesis:
    """The making of a database; iterate over it to make one picture a step, so that progress can be shown.

    Interrupted and started again, it goes on where it stopped. Noise and directions depend on seed, photo and type only, so
    that the levels of one photo differ in strength alone.

    Args:
        photos: Sharp, clean photos; their file names without ending must differ.
        out: Folder to fill.
        types: Names of distortions.
        levels: From 1 to 5.
        seed: Another seed, another draw.

    Raises:
        LabError: Two photos share a name, there is no such type or level, or `out` holds a database made with other settings.
    """

    def __init__(
        self, photos: Sequence[Path], out: Path, types: Sequence[str], levels: Sequence[int] = (1, 2, 3, 4, 5), seed: int = 0
    ) -> None:
        names = [photo.stem for photo in photos]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise LabError(f"two photos are called {sorted(twice)[0]}; rename one")
        if not set(levels) <= {1, 2, 3, 4, 5}:
            raise LabError(f"levels are 1, 2, 3, 4 and 5, not {', '.join(map(str, levels))}")
        self.distortions = {name: distortions.get(name) for name in types}
        self.out, self.levels, self.seed = out, levels, seed
        self.jobs = [(photo, *job) for photo in photos for job in [(PRISTINE, 0), *itertools.product(types, levels)]]
        self._check_settings()

    def __len__(self) -> int:
        return len(self.jobs)

    def __iter__(self) -> Iterator[None]:
        make_folder(self.out)
        with access(self.out, "choose another folder"):
            (self.out / "settings.txt").write_text(self._settings())
        table = self.out / "images.csv"
        before = read_text(table) if table.is_file() else ""
        mended = table.with_suffix(".half")  # an interrupt may have left half a row at the end
        mended.write_text(before[: before.rfind("\n") + 1] or ",".join(COLUMNS) + "\n")
        mended.replace(table)
        done = set(read(self.out)["image"])
        with table.open("a", newline="") as stream:
            rows = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
            for photo, kind, level in self.jobs:
                image = _place(photo, kind, level)
                if image not in done:
                    rows.writerow(self._make(photo, kind, level, image))
                    stream.flush()
                yield

    def _make(self, photo: Path, kind: str, level: int, image: str) -> dict[str, Any]:
        reference = images.read(photo).pixels
        if min(reference.shape[:2]) < SMALLEST:
            raise LabError(f"{photo}: MS-SSIM needs at least {SMALLEST} pixels on each side; leave it out")
        pixels = reference
        if kind != PRISTINE:
            key = hashlib.sha256(f"{photo.stem} {kind}".encode()).digest()[:8]
            rng = np.random.default_rng((self.seed, int.from_bytes(key, "big")))
            pixels = self.distortions[kind](reference, level, rng)
        target = self.out / image
        target.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(target, compress_level=1)
        facts = {"image": image, "reference": _place(photo, PRISTINE, 0), "content": photo.stem, "type": kind, "level": level}
        return {**facts, **full_reference(reference, pixels)}

    def _settings(self) -> str:
        return f"types {' '.join(self.distortions)}\nlevels {' '.join(map(str, self.levels))}\nseed {self.seed}\n"

    def _check_settings(self) -> None:
        before = self.out / "settings.txt"
        if before.is_file() and read_text(before) != self._settings():
            raise LabError(f"{self.out} holds a database made with other settings; choose another folder")


def _place(photo: Path, kind: str, level: int) -> str:
    return f"reference/{photo.stem}.png" if kind == PRISTINE else f"distorted/{photo.stem}.{kind}.{level}.png"


def as_rated(folder: str | Path, name: str = "synthetic") -> RatedImages:
    """A synthetic database as `RatedImages`, for protocols and training.

    Nobody was asked: `opinion` is 5 less the level, a stand-in that is true within one photo and type only. `type` is missing
    for the references.

    Raises:
        LabError: As `read`.
    """
    rows = read(folder)
    table = rows[["image", "reference", "content", "type", "level"]].assign(mos=5.0 - rows["level"])
    table["type"] = table["type"].where(table["type"] != PRISTINE)
    return RatedImages(name, Path(folder), table, (0, 5))


def read(folder: str | Path) -> pd.DataFrame:
    """The table of a synthetic database, columns `COLUMNS`.

    Raises:
        LabError: There is no `images.csv`, it lacks a column, or holds text for a number.
    """
    table = Path(folder) / "images.csv"
    if not table.is_file():
        raise LabError(f"{table} is missing: expected a folder made by `noref lab synthesize`")
    rows = read_csv(
        table, dtype=dict.fromkeys(_TEXTS, str), keep_default_na=False, na_values={name: ["nan"] for name in HIGHER_IS_BETTER}
    )
    columns(rows, table, *COLUMNS)
    numbers(rows, table, "level", *HIGHER_IS_BETTER)
    return rows
