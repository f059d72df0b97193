"""The examples in the docstrings run."""

import doctest
import importlib

import pytest

MODULES = ("card", "check", "folders", "labelled", "rated", "registry", "synthetic")


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    result = doctest.testmod(importlib.import_module(f"noref.lab.datasets.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
