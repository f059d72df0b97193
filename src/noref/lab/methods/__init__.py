"""Methods, published or ours, one package or module each: one interface (`base.Method`), found by name."""

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from noref.lab.lookup import lookup

if TYPE_CHECKING:
    from noref.lab.methods.base import Method

MODULES = {
    "biecon": "biecon.method",
    "bliinds2": "classics.bliinds2",
    "brisque": "classics.brisque",
    "classifier": "classifier.method",
    "cnniqa": "cnniqa.method",
    "cnniqa-plus": "cnniqa.method",
    "dbcnn": "dbcnn.method",
    "deepbiq": "deepbiq.method",
    "defects": "defects.method",
    "diivine": "classics.diivine",
    "diqa": "diqa.method",
    "hosa": "classics.hosa",
    "ilniqe": "classics.ilniqe",
    "metaiqa": "metaiqa.method",
    "nima": "nima.method",
    "niqe": "classics.niqe",
    "piqe": "classics.piqe",
    "pqr": "pqr.method",
    "regressor": "regressor.method",
    "sfa": "sfa.method",
    "unified": "unified.method",
    "wadiqam": "wadiqam.method",
}
"""Method -> the module below this package that registers it."""


def names() -> list[str]:
    """Names of all methods, sorted."""
    return sorted(_registered(MODULES.values()))


def get(name: str) -> "type[Method[Any]]":
    """The class of the method of that name; its module is imported on demand.

    Raises:
        LabError: There is none; the message suggests similar names.
    """
    known = _registered([MODULES[name]] if name in MODULES else [])
    return known[name] if name in known else lookup("method", name, _registered(MODULES.values()))


def _registered(modules: Iterable[str]) -> "dict[str, type[Method[Any]]]":
    from noref.lab.methods.registry import REGISTRY

    for module in modules:
        importlib.import_module(f"noref.lab.methods.{module}")
    return REGISTRY
