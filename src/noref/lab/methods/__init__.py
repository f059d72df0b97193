"""Methods, published or ours, one package each: one interface (`base.Method`), found by name."""

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from noref.lab.lookup import lookup

if TYPE_CHECKING:
    from noref.lab.methods.base import Method

MODULES = ("classifier", "dbcnn", "deepbiq", "defects", "diqa", "metaiqa", "pqr", "regressor", "sfa", "unified")
"""Packages whose module `method` registers methods."""


def names() -> list[str]:
    """Names of all methods, sorted."""
    return sorted(_registered(MODULES))


def get(name: str) -> "type[Method[Any]]":
    """The class of the method of that name; its package is imported on demand.

    Raises:
        LabError: There is none; the message suggests similar names.
    """
    known = _registered([name] if name in MODULES else [])
    return known[name] if name in known else lookup("method", name, _registered(MODULES))


def _registered(modules: Sequence[str]) -> "dict[str, type[Method[Any]]]":
    from noref.lab.methods.registry import REGISTRY

    for module in modules:
        importlib.import_module(f"noref.lab.methods.{module}.method")
    return REGISTRY
