"""Lookup by name, with suggestions for misspelled names."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from noref.lab.errors import LabError

T = TypeVar("T")

_READABLE = 60


def lookup(kind: str, name: str, known: Mapping[str, T]) -> T:
    """The entry of that name.

    Raises:
        LabError: There is none; the message suggests similar names, or lists all names if there are not too many.
    """
    name = str(name)  # values from recipes can have any type
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        names = sorted(known)
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        elif len(names) <= _READABLE:
            hint = f"there are: {', '.join(names)}"
        else:
            hint = f"there are {len(names)}, from {names[0]} to {names[-1]}"
        raise LabError(f"no {kind} is called {name!r}; {hint}")
    return known[name]
