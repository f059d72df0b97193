"""The examples in docstrings run and give the results that they state."""

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import noref

# By text, not by import: modules without examples may need libraries that are not installed.
MODULES = [
    module.name
    for module in pkgutil.walk_packages(noref.__path__, "noref.", onerror=lambda _: None)
    if ">>> " in Path(module.module_finder.find_spec(module.name).origin).read_text(encoding="utf-8")
]
METRICS = [name for name in MODULES if name.startswith("noref.lab.metrics.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted
    assert not found.failed


def test_every_public_function_of_the_metrics_has_an_example():
    package = importlib.import_module("noref.lab.metrics")
    assert [f"noref.lab.metrics.{module.name}" for module in pkgutil.iter_modules(package.__path__)] == METRICS
    modules = [importlib.import_module(name) for name in METRICS]
    functions = [
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__
    ]
    without = [f"{function.__module__}.{function.__name__}" for function in functions if ">>> " not in (function.__doc__ or "")]
    assert not without


def test_every_public_function_and_class_has_an_example():
    public = {name: getattr(noref, name) for name in noref.__all__ if name != "__version__"}
    with_examples = {name for name, thing in public.items() if ">>> " in thing.__doc__}
    bases = (noref.ImageError, noref.ModelError)  # their example serves all that derive from them
    derived = {name for name, thing in public.items() if isinstance(thing, type) and thing.__base__ in bases}
    assert with_examples == set(public) - derived
