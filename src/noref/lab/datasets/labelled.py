"""Photos labelled with the class of their distortion, from any database with types of distortion.

Photos keep their content, so that splits are content-disjoint. Copies of pristine photos are labelled as pristine: they make up
a quarter of the folders `jp2k` and `jpeg` of LIVE.
"""

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from noref import images
from noref.capacity import available_processors
from noref.lab import datasets
from noref.lab.datasets import folders
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.readers import live
from noref.lab.errors import LabError
from noref.lab.lookup import lookup

PRISTINE = "pristine"
BAD_LIGHTING = "bad_lighting"
CLASS_OF: Mapping[str, str] = {
    "under_exposure": BAD_LIGHTING,
    "over_exposure": BAD_LIGHTING,
    "fast_fading": "fastfading",
    "gaussian_blur": "gblur",
    "jpeg2000": "jp2k",
    "white_noise": "wn",
    "reference": PRISTINE,
    "refimgs": PRISTINE,
}
"""Type of distortion -> class, named as in LIVE; other types are classes of the same name."""


class CopyWarning(UserWarning):
    """Copies of pristine photos are listed as distorted."""


def read(name: str, folder: str | Path, classes: Sequence[str], levels: Sequence[int] | None = None) -> RatedImages:
    """Read photos with their classes.

    Args:
        name: "folders" (a folder for each class), "synthetic" (made by `noref lab synthesize`), "live" (LIVE release 2 with its
            hidden references, and with a folder `bad_lighting` if there is one), or another database with types.
        folder: Its folder.
        classes: As for `label`.
        levels: As for `label`.

    Raises:
        LabError: There is no database of that name (the message suggests similar names); or as its reader and `label`.
        ImageError: A photo cannot be read.

    Examples:
        >>> import pathlib, tempfile
        >>> from PIL import Image
        >>> from noref.lab.datasets import labelled
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, value in {"jpeg/a.png": 90, "pristine/a.png": 128, "noise/a.png": 200}.items():
        ...         path = pathlib.Path(folder, name)
        ...         path.parent.mkdir()
        ...         Image.new("RGB", (8, 8), (value,) * 3).save(path)
        ...     rated = labelled.read("folders", folder, classes=["jpeg", "pristine"])
        >>> rated.table[["image", "type", "mos"]].values.tolist()
        [['jpeg/a.png', 'jpeg', 0.0], ['pristine/a.png', 'pristine', 1.0]]
    """
    return label(lookup("database", name, _readers())(Path(folder)), classes, levels)


def label(rated: RatedImages, classes: Sequence[str], levels: Sequence[int] | None = None) -> RatedImages:
    """Select the photos of these classes; `type` becomes the class.

    Photos without a type, and references that exist, are pristine. `mos` is replaced by a placeholder: 1 for pristine and
    0 for distorted photos.

    Args:
        rated: A database with types.
        classes: Classes to keep, in the names of `CLASS_OF`.
        levels: Levels of distortions to keep; None for all. Photos of unknown level are kept.

    Raises:
        LabError: There are no types, a class has no photo, or the same pixels are listed under two distortions.
        ImageError: A photo cannot be read.
    """
    if "type" not in rated.table:
        raise LabError(f"{rated.name} has no types of distortions; use a database that has them")
    table = pd.concat([rated.table, _references(rated)], ignore_index=True)
    table["type"] = table["type"].fillna(PRISTINE).replace(CLASS_OF)
    found = sorted(table["type"].unique())
    kept = table["type"].isin([*classes, PRISTINE])  # pristine photos are needed to find copies of them
    if levels is not None and "level" in table:
        kept &= table["level"].isin(levels) | table["level"].isna() | (table["type"] == PRISTINE)
    table = table[kept].reset_index(drop=True)
    table["type"] = _without_copies(rated.folder, table)
    table = table[table["type"].isin(classes)].reset_index(drop=True)
    empty = [name for name in classes if name not in set(table["type"])]
    if empty:
        raise LabError(f"{rated.name} has no photo of class {', '.join(empty)}; its classes are {', '.join(found)}")
    columns = [column for column in ("image", "content", "type", "level") if column in table]
    placeholder = (table["type"] == PRISTINE).astype(float)
    return RatedImages(rated.name, rated.folder, table[columns].assign(mos=placeholder), (0, 1))


def _readers() -> dict[str, Callable[[Path], RatedImages]]:
    from noref.lab.datasets import synthetic

    known: dict[str, Callable[[Path], RatedImages]] = {name: partial(datasets.read, name) for name in datasets.names()}
    return {**known, "folders": folders.read, "live": _live, "synthetic": synthetic.as_rated}


def _live(folder: Path) -> RatedImages:
    rated = live.read(folder, hidden_references=True)
    if not (folder / BAD_LIGHTING).is_dir():
        return rated
    badly_lit = folders.read(folder, [BAD_LIGHTING]).table
    return RatedImages(rated.name, folder, pd.concat([rated.table, badly_lit], ignore_index=True), rated.mos_range)


def _references(rated: RatedImages) -> pd.DataFrame:
    """Rows for the references that are not among the photos."""
    if "reference" not in rated.table:
        return pd.DataFrame()
    named = rated.table.dropna(subset="reference").drop_duplicates("reference")
    new = named[~named["reference"].isin(rated.table["image"])]
    new = new[np.array([(rated.folder / reference).is_file() for reference in new["reference"]], bool)]
    return pd.DataFrame({"image": new["reference"], "content": new["content"], "type": PRISTINE})


def _without_copies(folder: Path, table: pd.DataFrame) -> "pd.Series[str]":
    """The classes, with every photo that has the pixels of a pristine one labelled as pristine."""
    with ThreadPoolExecutor(available_processors()) as pool:
        digest = pd.Series(list(pool.map(_digest, [folder / image for image in table["image"]])), index=table.index)
    kind = table["type"].mask(digest.isin(digest[table["type"] == PRISTINE]), PRISTINE)
    moved = table["image"][kind != table["type"]]
    if len(moved):
        warnings.warn(
            f"{len(moved)} pristine copies are listed as distorted, such as {moved.iloc[0]}; they are labelled {PRISTINE}",
            CopyWarning,
            stacklevel=4,
        )
    two_classes = kind.groupby(digest).transform("nunique") > 1
    if two_classes.any():
        first = table["image"][two_classes].iloc[0]
        same = table[digest == digest[two_classes].iloc[0]]
        raise LabError(f"{first} has the same pixels under two classes: {', '.join(sorted(same['type'].unique()))}; keep one")
    return kind


def _digest(path: Path) -> str:
    pixels = images.read(path).pixels
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
