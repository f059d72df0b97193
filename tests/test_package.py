"""The public surface, and what an import may bring."""

import subprocess
import sys

import noref

SURFACE = [
    "Assessment",
    "BadModel",
    "DamagedImage",
    "Defect",
    "EmptyImage",
    "ImageError",
    "ImageNotFound",
    "ImageTooLarge",
    "ImageTooSmall",
    "ModelCard",
    "ModelError",
    "ModelNotFound",
    "NorefError",
    "NotAnImage",
    "Scorer",
    "UnsupportedImage",
    "__version__",
    "score",
]


def test_the_public_names_are_these():
    assert noref.__all__ == SURFACE
    assert all(hasattr(noref, name) for name in SURFACE)


def test_every_error_has_the_common_base():
    for name in SURFACE:
        thing = getattr(noref, name)
        if isinstance(thing, type) and issubclass(thing, Exception):
            assert issubclass(thing, noref.NorefError)


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_scoring_works_where_the_laboratory_cannot_be_imported():
    code = """
import sys
for name in ("torch", "scipy", "pandas", "sklearn", "lightning", "matplotlib", "onnx", "noref.lab"):
    sys.modules[name] = None   # importing it now fails
import numpy as np, noref, noref.cli
print(0 <= noref.score(np.zeros((64, 64, 3), np.uint8)).score <= 100)
"""
    assert run(code).strip() == "True"


def test_importing_noref_defers_what_is_heavy():
    loaded = run("import sys, noref; print(' '.join(sys.modules))").split()
    assert not {"onnxruntime", "typer", "rich", "torch"} & set(loaded)
