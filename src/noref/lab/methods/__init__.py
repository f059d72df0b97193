"""Published systems, each named as in its paper and alike from outside (`method.Method`)."""

import difflib
import importlib

from noref.lab.methods.method import Method

_WHERE = {"diqa": "noref.lab.methods.diqa.method:DiqaMethod"}


def get(name: str) -> type[Method]:
    """The class of the method of that name, imported when asked for.

    Raises:
        KeyError: There is none; the message suggests near names.
    """
    if name not in _WHERE:
        near = difflib.get_close_matches(name, _WHERE, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(_WHERE)}"
        raise KeyError(f"no method is called {name!r}; {hint}")
    module, _, attribute = _WHERE[name].partition(":")
    found: type[Method] = getattr(importlib.import_module(module), attribute)
    return found
