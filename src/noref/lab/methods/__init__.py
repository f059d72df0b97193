"""Published systems, each named as in its paper and alike from outside (`method.Method`)."""

import importlib

from noref.lab.lookup import lookup
from noref.lab.methods.method import Method

_WHERE = {
    "classifier": "noref.lab.methods.classifier.method:ClassifierMethod",
    "deepbiq": "noref.lab.methods.deepbiq.method:DeepBiqMethod",
    "diqa": "noref.lab.methods.diqa.method:DiqaMethod",
    "defects": "noref.lab.methods.defects.method:DefectsMethod",
    "regressor": "noref.lab.methods.regressor.method:RegressorMethod",
    "unified": "noref.lab.methods.unified.method:UnifiedMethod",
}


def names() -> list[str]:
    """Names of the methods, sorted."""
    return sorted(_WHERE)


def get(name: str) -> type[Method]:
    """The class of the method of that name, imported when asked for.

    Raises:
        LabError: There is none; the message suggests near names.
    """
    module, _, attribute = lookup("method", name, _WHERE).partition(":")
    found: type[Method] = getattr(importlib.import_module(module), attribute)
    return found
