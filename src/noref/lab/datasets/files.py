"""Reading the files of a database, with errors that name the file and what was expected."""

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
    """Check that a folder holds these files and folders, and return it.

    Args:
        folder: The folder of a database.
        *relative: Paths relative to it.
        layout: What is expected, as a phrase that follows "expected".

    Raises:
        LabError: One of them is missing.
    """
    folder = Path(folder)
    for path in relative:
        if not (folder / path).exists():
            raise LabError(f"{folder / path} is missing: expected {layout}")
    return folder


def columns(table: pd.DataFrame, file: str | Path, *names: str) -> pd.DataFrame:
    """Select columns of the table that was read from `file`.

    Raises:
        LabError: One of them is missing.
    """
    missing = [name for name in names if name not in table]
    if missing:
        header = ", ".join(map(str, table.columns))
        marks = {";": "semicolons", "\t": "tabs"}
        used = next((name for mark, name in marks.items() if len(table.columns) == 1 and mark in header), None)
        hint = "" if used is None else f"; columns must be separated by commas, not by {used}"
        raise LabError(f"{file} lacks the column {', '.join(missing)}; it has {header}{hint}")
    return table[list(names)]


def numbers(table: pd.DataFrame, file: str | Path, *names: str) -> None:
    """Check that these columns, where the table has them, hold numbers or are empty.

    Raises:
        LabError: One of them holds text.
    """
    for name in names:
        if name in table:
            wrong = table[name][pd.to_numeric(table[name], errors="coerce").isna() & table[name].notna()]
            if len(wrong):
                raise LabError(
                    f"{file}: {wrong.iloc[0]!r} in the column {name} is not a number; correct it, or download the file again"
                )


def read_excel(file: Path, **options: Any) -> pd.DataFrame:
    """Read a sheet of an Excel file by pandas with these options.

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
    """Read variables of a MATLAB file, each flattened; a cell array of strings becomes an array of str.

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
    """Check that the lists in a database's files are of equal length.

    Args:
        folder: The database.
        **values: The lists, by their name in the message.

    Raises:
        LabError: The lengths differ.
    """
    lengths = {name: len(listed) for name, listed in values.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{length} of {name}" for name, length in lengths.items())
        raise LabError(f"{folder}: the lists differ in length: {found}; download the database again")


def on_disk(folder: Path, names: "pd.Series[str]") -> "pd.Series[str]":
    """Replace names by their spelling on disk, matched without regard to case; missing names are returned unchanged."""
    with access(folder, "expected a folder of photos"):
        spelled = {path.name.lower(): path.name for path in folder.iterdir()}
    return names.str.lower().map(spelled).fillna(names)
