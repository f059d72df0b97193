"""Photos with people's opinions: one module a database, one table (`rated.RatedImages`) out."""

import difflib
from collections.abc import Callable
from pathlib import Path

from noref.lab.datasets import biq2021
from noref.lab.datasets.rated import RatedImages

_READERS: dict[str, Callable[[Path], RatedImages]] = {"biq2021": biq2021.read}


def read(name: str, folder: str | Path) -> RatedImages:
    """Read the database of that name from a folder in the layout in which people download it.

    Raises:
        KeyError: There is no database of that name; the message suggests near names.
        FileNotFoundError: The folder lacks a file; the message says what was expected where.
    """
    if name not in _READERS:
        near = difflib.get_close_matches(name, _READERS, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(_READERS)}"
        raise KeyError(f"no database is called {name!r}; {hint}")
    return _READERS[name](Path(folder))
