"""Reading what people downloaded, with errors that say what was expected where."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.io


def require(folder: str | Path, *relative: str, layout: str) -> Path:
    """The folder, if all of these files and folders are in it.

    Args:
        folder: A database's folder.
        *relative: Paths that start there.
        layout: What is expected, in words that follow "expected".

    Raises:
        FileNotFoundError: One of them is missing.
    """
    folder = Path(folder)
    for path in relative:
        if not (folder / path).exists():
            raise FileNotFoundError(f"{folder / path} is missing: expected {layout}")
    return folder


def columns(table: pd.DataFrame, file: Path, *names: str) -> pd.DataFrame:
    """These columns of the table that `file` held.

    Raises:
        ValueError: One of them is missing.
    """
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(f"{file} lacks the column {', '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    return table[list(names)]


def variables(file: Path, *names: str) -> list[npt.NDArray[Any]]:
    """These variables of a MATLAB file, each flat; a cell array of texts becomes an array of str.

    Raises:
        ValueError: One of them is missing.
    """
    content = scipy.io.loadmat(file, squeeze_me=True)
    missing = [name for name in names if name not in content]
    if missing:
        held = [name for name in content if not name.startswith("__")]
        raise ValueError(f"{file} lacks the variable {', '.join(missing)}; it has {', '.join(held)}")
    return [np.ravel(content[name]) for name in names]


def on_disk(folder: Path, names: "pd.Series[str]") -> "pd.Series[str]":
    """Names as the folder spells them, whatever their case; a name that is not there stays as it is."""
    spelled = {path.name.lower(): path.name for path in folder.iterdir()}
    return names.str.lower().map(spelled).fillna(names)
