"""Synthetic databases: pristine photos under every distortion at every level, with full-reference scores.

Layout of the folder: `reference/NAME.png`, `distorted/NAME.TYPE.LEVEL.png`, and `images.csv` with one row per image: image,
reference, content, type ("pristine" for the references), level (0 for them), ms_ssim, vif, gmsd.
"""

import csv
import hashlib
import itertools
from collections import Counter
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
from noref.lab.arrays import Pixels
from noref.lab.datasets.files import columns, numbers
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.files import access, digest, make_folder, read_csv, read_text, write_text

COLUMNS = ("image", "reference", "content", "type", "level", "ms_ssim", "vif", "gmsd")
_TEXTS = ("image", "reference", "content", "type")  # file names such as 001 or NA are no numbers
HIGHER_IS_BETTER = {"ms_ssim": True, "vif": True, "gmsd": False}
SMALLEST = 161  # pixels on each side, for five scales of MS-SSIM with a window of 11
PRISTINE = "pristine"


def full_reference(reference: Pixels, distorted: Pixels) -> dict[str, float]:
    """Compute MS-SSIM, VIF (1 for equal photos) and GMSD (0 for equal photos) of a distorted photo, by piq with its defaults.

    Args:
        reference: The pristine photo, RGB, uint8, H x W x 3, at least `SMALLEST` pixels on each side.
        distorted: The distorted photo, of the same shape.

    Returns:
        The scores by the names in `HIGHER_IS_BETTER`; NaN where a metric is undefined, as for uniform photos.

    Examples:
        >>> import numpy as np
        >>> from noref.lab import distortions
        >>> from noref.lab.datasets import synthetic
        >>> photo = np.random.default_rng(0).integers(0, 256, (170, 170, 3), np.uint8)
        >>> synthetic.full_reference(photo, photo)["ms_ssim"]
        1.0
        >>> blurred = distortions.get("gaussian_blur")(photo, 3, np.random.default_rng(0))
        >>> synthetic.full_reference(photo, blurred)["vif"] < 0.5
        True
    """
    original, changed = (torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255 for pixels in (reference, distorted))
    with torch.inference_mode():
        return {
            "ms_ssim": float(piq.multi_scale_ssim(changed, original)),
            "vif": float(piq.vif_p(changed, original)),
            "gmsd": float(piq.gmsd(changed, original)),
        }


class Synthesis:
    """The creation of a synthetic database, an iterable: each step writes one image, so that progress can be shown.

    An interrupted synthesis resumes where it stopped. Noise and directions depend on seed, photo and type only, so that the
    levels of one photo and type share them.

    Args:
        photos: Pristine photos, at least `SMALLEST` pixels on each side; their file names without suffix must differ.
        out: Folder of the database; created if missing.
        types: Names of distortions.
        levels: Levels from 1 to 5.
        seed: Random seed.

    Raises:
        LabError: Two photos share a name, a type or level is unknown, or `out` holds a database made with other settings or
            from other photos; while iterating, a photo is too small or a file cannot be written.
        ImageError: While iterating: a photo cannot be read.

    Examples:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from PIL import Image
        >>> from noref.lab.datasets import synthetic
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     photo = pathlib.Path(folder, "photo.png")
        ...     pixels = np.random.default_rng(0).integers(0, 256, (170, 180, 3), np.uint8)
        ...     Image.fromarray(pixels).save(photo)
        ...     for _ in synthetic.Synthesis([photo], pathlib.Path(folder, "out"), ["jpeg"], levels=(1, 5)):
        ...         pass
        ...     table = synthetic.read(pathlib.Path(folder, "out"))
        >>> table[["image", "type", "level"]].values.tolist()  # doctest: +NORMALIZE_WHITESPACE
        [['reference/photo.png', 'pristine', 0],
         ['distorted/photo.jpeg.1.png', 'jpeg', 1],
         ['distorted/photo.jpeg.5.png', 'jpeg', 5]]
    """

    def __init__(
        self, photos: Sequence[Path], out: Path, types: Sequence[str], levels: Sequence[int] = (1, 2, 3, 4, 5), seed: int = 0
    ) -> None:
        names = [photo.stem for photo in photos]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise LabError(f"two photos are named {min(twice)}; rename one")
        types, levels = list(dict.fromkeys(types)), list(dict.fromkeys(levels))  # each once
        if not set(levels) <= {1, 2, 3, 4, 5}:
            raise LabError(f"levels are 1, 2, 3, 4 and 5, not {', '.join(map(str, levels))}")
        self.distortions = {name: distortions.get(name) for name in types}
        self.out, self.photos, self.levels, self.seed = out, photos, levels, seed
        self.jobs = [(photo, *job) for photo in photos for job in [(PRISTINE, 0), *itertools.product(types, levels)]]
        self._check_settings()

    def __len__(self) -> int:
        return len(self.jobs)

    def __iter__(self) -> Iterator[None]:
        make_folder(self.out)
        settings = self.out / "settings.txt"
        if not settings.exists():
            with access(self.out, "choose another folder"):
                write_text(settings, self._settings())
        table = self.out / "images.csv"
        before = read_text(table) if table.is_file() else ""
        # Without the partial row that an interrupt may have left.
        write_text(table, before[: before.rfind("\n") + 1] or ",".join(COLUMNS) + "\n")
        done = set(read(self.out)["image"])
        with table.open("a", newline="", encoding="utf-8") as stream:
            rows = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
            for photo, kind, level in self.jobs:
                image = _path(photo, kind, level)
                if image not in done:
                    rows.writerow(self._write(photo, kind, level, image))
                    stream.flush()
                yield

    def _write(self, photo: Path, kind: str, level: int, image: str) -> dict[str, Any]:
        reference = images.read(photo).pixels
        if min(reference.shape[:2]) < SMALLEST:
            raise LabError(
                f"{photo}: MS-SSIM needs at least {SMALLEST} pixels on each side; remove the photo or use a larger copy"
            )
        pixels = reference
        if kind != PRISTINE:
            key = hashlib.sha256(f"{photo.stem} {kind}".encode()).digest()[:8]
            rng = np.random.default_rng((self.seed, int.from_bytes(key, "big")))
            pixels = self.distortions[kind](reference, level, rng)
        target = self.out / image
        target.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(target, compress_level=1)
        facts = {"image": image, "reference": _path(photo, PRISTINE, 0), "content": photo.stem, "type": kind, "level": level}
        return {**facts, **full_reference(reference, pixels)}

    def _settings(self) -> str:
        known = sorted((photo.stem, digest([photo])) for photo in self.photos)
        photos = hashlib.sha256(str(known).encode()).hexdigest()[:16]
        facts = {"types": " ".join(self.distortions), "levels": " ".join(map(str, self.levels)), "seed": self.seed}
        return "".join(f"{name} {value}\n" for name, value in {**facts, "photos": photos}.items())

    def _check_settings(self) -> None:
        before = self.out / "settings.txt"
        if before.is_file() and read_text(before) != self._settings():
            raise LabError(f"{self.out} holds a database made with other settings or photos; choose another folder")


def _path(photo: Path, kind: str, level: int) -> str:
    return f"reference/{photo.stem}.png" if kind == PRISTINE else f"distorted/{photo.stem}.{kind}.{level}.png"


def as_rated(folder: str | Path, name: str = "synthetic") -> RatedImages:
    """Read a synthetic database as `RatedImages`, for protocols and training.

    There are no subjective data: `mos` is a pseudo-MOS of 5 minus the level, which is valid only as an order within one photo
    and type. `type` is missing for the references.

    Args:
        folder: Folder of the database.
        name: Name of the result.

    Raises:
        LabError: As `read`.
    """
    rows = read(folder)
    table = rows[["image", "reference", "content", "type", "level"]].assign(mos=5.0 - rows["level"])
    table["type"] = table["type"].where(table["type"] != PRISTINE)
    return RatedImages(name, Path(folder), table, (0, 5))


def read(folder: str | Path) -> pd.DataFrame:
    """Read the table of a synthetic database, with the columns `COLUMNS`.

    Raises:
        LabError: There is no `images.csv`, it lacks a column, or it holds text instead of a number.
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
