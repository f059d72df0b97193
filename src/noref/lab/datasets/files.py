"""Reading what people downloaded, with errors that say what was expected where."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.io
from scipy.io.matlab import MatReadError

from noref.lab.errors import LabError
from noref.lab.files import access


def require(folder: str | Path, *relative: str, layout: str) -> Path:
    """The folder, if all of these files and folders are in it.

    Args:
        folder: A database's folder.
        *relative: Paths that start there.
        layout: What is expected, in words that follow "expected".

    Raises:
        LabError: One of them is missing.
    """
    folder = Path(folder)
    for path in relative:
        if not (folder / path).exists():
            raise LabError(f"{folder / path} is missing: expected {layout}")
    return folder


def columns(table: pd.DataFrame, file: str | Path, *names: str) -> pd.DataFrame:
    """These columns of the table that `file` held.

    Raises:
        LabError: One of them is missing.
    """
    missing = [name for name in names if name not in table]
    if missing:
        raise LabError(f"{file} lacks the column {', '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    return table[list(names)]


def numbers(table: pd.DataFrame, file: str | Path, *names: str) -> None:
    """Check that these columns, where the table has them, hold numbers or nothing.

    Raises:
        LabError: One of them holds something else.
    """
    for name in names:
        if name in table:
            wrong = table[name][pd.to_numeric(table[name], errors="coerce").isna() & table[name].notna()]
            if len(wrong):
                raise LabError(
                    f"{file}: {wrong.iloc[0]!r} in the column {name} is not a number; correct it, or download the file again"
                )


def read_excel(file: Path, **options: Any) -> pd.DataFrame:
    """A sheet of an Excel file, read by pandas with these options.

    Raises:
        LabError: The file cannot be read, or lacks the sheet or its columns.
    """
    try:
        with access(file, "check the path"):
            table: pd.DataFrame = pd.read_excel(file, engine="openpyxl", **options)
            return table
    except (ValueError, LookupError, zipfile.BadZipFile, SyntaxError) as error:  # SyntaxError: the XML in it is damaged
        raise LabError(f"{file} is not the expected Excel file ({error}); download it again") from error


def variables(file: Path, *names: str) -> list[npt.NDArray[Any]]:
    """These variables of a MATLAB file, each flat; a cell array of texts becomes an array of str.

    Raises:
        LabError: The file cannot be read, or lacks one of them.
    """
    with access(file, "check the path"), file.open("rb") as stream:
        try:
            content = scipy.io.loadmat(stream, squeeze_me=True)
        except (OSError, ValueError, LookupError, TypeError, NotImplementedError, MatReadError, zlib.error) as error:
            raise LabError(f"{file} is not the expected MATLAB file ({error}); download it again") from error
    missing = [name for name in names if name not in content]
    if missing:
        held = [name for name in content if not name.startswith("__")]
        raise LabError(f"{file} lacks the variable {', '.join(missing)}; it has {', '.join(held)}")
    return [np.ravel(content[name]) for name in names]


def same_length(folder: Path, **values: npt.NDArray[Any]) -> None:
    """Check that what a database's files list is of one length.

    Args:
        folder: The database.
        **values: By the name under which the message shows them.

    Raises:
        LabError: The lengths differ.
    """
    lengths = {name: len(listed) for name, listed in values.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{length} of {name}" for name, length in lengths.items())
        raise LabError(f"{folder}: the files do not belong together: {found}; download the database again")


def on_disk(folder: Path, names: "pd.Series[str]") -> "pd.Series[str]":
    """Names as the folder spells them, whatever their case; a name that is not there stays as it is."""
    with access(folder, "expected a folder of photos"):
        spelled = {path.name.lower(): path.name for path in folder.iterdir()}
    return names.str.lower().map(spelled).fillna(names)
