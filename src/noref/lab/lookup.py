"""Finding a thing by its name, with help for those who mistyped it."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def lookup(kind: str, name: str, known: Mapping[str, T]) -> T:
    """The entry of that name.

    Raises:
        KeyError: There is none; the message suggests near names, or lists all.
    """
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(sorted(known))}"
        raise KeyError(f"no {kind} is called {name!r}; {hint}")
    return known[name]
