"""Photos with the one distortion of each as its class: any database that tells types becomes such a set.

Two rules hold in every set: photos of one content keep one content, so that a split by content parts none of them; and no
pristine copy stands under a distortion's name, as a quarter of LIVE's folders `jp2k` and `jpeg` do.
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
from noref.lab.datasets import folders, live
from noref.lab.datasets.rated import RatedImages
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
"""Types of distortion whose class paper 004 calls otherwise; all others keep their name."""


class CopyWarning(UserWarning):
    """Pristine copies stood under a distortion's name."""


def read(name: str, folder: str | Path, classes: Sequence[str], levels: Sequence[int] | None = None) -> RatedImages:
    """Read a set of labelled photos.

    Args:
        name: "folders" (a folder for each class), "synthetic" (made by `noref lab synthesize`), "live" (LIVE release 2 with its
            hidden references, and with a folder `bad_lighting` if there is one), or another database that tells types.
        folder: Where it is.
        classes: See `label`.
        levels: Likewise.

    Raises:
        LabError: There is no database of that name (the message suggests near names); or as its reader and `label`.
        ImageError: A photo cannot be read.
    """
    return label(lookup("database", name, _readers())(Path(folder)), classes, levels)


def label(rated: RatedImages, classes: Sequence[str], levels: Sequence[int] | None = None) -> RatedImages:
    """The photos of these classes; `type` becomes the class.

    Photos without a type, and the references that the database names and has, are pristine. Nobody was asked for the class:
    `opinion` becomes 1 for pristine photos and 0 for the rest, a stand-in.

    Args:
        rated: A database that tells types.
        classes: To keep, as `CLASS_OF` calls them.
        levels: Of distortions, to keep; None for all. Photos whose level is not known are kept.

    Raises:
        LabError: There are no types, a class has no photo, or the same picture stands under two distortions' names.
        ImageError: A photo cannot be read.
    """
    if "type" not in rated.table:
        raise LabError(f"{rated.name} does not tell what is wrong with its photos; give a database with types of distortions")
    table = pd.concat([rated.table, _references(rated)], ignore_index=True)
    table["type"] = table["type"].fillna(PRISTINE).replace(CLASS_OF)
    found = sorted(table["type"].unique())
    kept = table["type"].isin(classes)
    if levels is not None and "level" in table:
        kept &= table["level"].isin(levels) | table["level"].isna() | (table["type"] == PRISTINE)
    table = table[kept].reset_index(drop=True)
    table["type"] = _without_copies(rated.folder, table)
    empty = [name for name in classes if name not in set(table["type"])]
    if empty:
        raise LabError(f"{rated.name} has no photo of class {', '.join(empty)}; its classes are {', '.join(found)}")
    columns = [column for column in ("image", "content", "type", "level") if column in table]
    stand_in = (table["type"] == PRISTINE).astype(float)
    return RatedImages(rated.name, rated.folder, table[columns].assign(mos=stand_in), (0, 1))


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
    """References that are not photos of the database themselves, as rows of their own."""
    if "reference" not in rated.table:
        return pd.DataFrame()
    named = rated.table.dropna(subset="reference").drop_duplicates("reference")
    new = named[~named["reference"].isin(rated.table["image"])]
    new = new[np.array([(rated.folder / reference).is_file() for reference in new["reference"]], bool)]
    return pd.DataFrame({"image": new["reference"], "content": new["content"], "type": PRISTINE})


def _without_copies(folder: Path, table: pd.DataFrame) -> "pd.Series[str]":
    """The classes, with every picture that equals a pristine one pixel by pixel moved to the pristine."""
    with ThreadPoolExecutor(available_processors()) as pool:
        picture = pd.Series(list(pool.map(_digest, [folder / image for image in table["image"]])), index=table.index)
    kind = table["type"].mask(picture.isin(picture[table["type"] == PRISTINE]), PRISTINE)
    moved = table["image"][kind != table["type"]]
    if len(moved):
        warnings.warn(
            f"{len(moved)} pristine copies stood under a distortion's name, such as {moved.iloc[0]}; they count as {PRISTINE}",
            CopyWarning,
            stacklevel=4,
        )
    two_names = kind.groupby(picture).transform("nunique") > 1
    if two_names.any():
        first = table["image"][two_names].iloc[0]
        same = table[picture == picture[two_names].iloc[0]]
        raise LabError(f"{first} is the same picture under two names: {', '.join(sorted(same['type'].unique()))}; keep one")
    return kind


def _digest(path: Path) -> str:
    pixels = images.read(path).pixels
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
