"""The examples in the docstrings of the runtime run, and every public function and class has one."""

import doctest
import importlib
import pkgutil

import pytest

import noref
from noref import images, writers

MODULES = [
    importlib.import_module(f"{package.__name__}.{module.name}")
    for package in (noref, images, writers)
    for module in pkgutil.iter_modules(package.__path__)
    if module.name not in ("lab", "models")
]
FOUND = [example for module in (noref, *MODULES) for example in doctest.DocTestFinder().find(module)]
EXAMPLES = [example for example in FOUND if example.examples]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_examples_of_docstrings_run(example):
    runner = doctest.DebugRunner(verbose=False)
    runner.run(example)
    assert runner.summarize(verbose=False).attempted == len(example.examples)


def test_every_public_function_and_class_has_an_example():
    public = {name: getattr(noref, name) for name in noref.__all__ if name != "__version__"}
    with_examples = {name for name, thing in public.items() if ">>> " in thing.__doc__}
    bases = (noref.ImageError, noref.ModelError)  # their example serves all that derive from them
    derived = {name for name, thing in public.items() if isinstance(thing, type) and thing.__base__ in bases}
    assert with_examples == set(public) - derived
