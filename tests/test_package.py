"""The public API, and the imports of `import noref`."""

import inspect
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

import noref

SURFACE = [
    "Assessment",
    "BadModel",
    "ClusterError",
    "ComparisonError",
    "DamagedImage",
    "Defect",
    "EmptyImage",
    "ExportError",
    "ImageError",
    "ImageNotFound",
    "ImageTooLarge",
    "ImageTooSmall",
    "InternalError",
    "ModelCard",
    "ModelError",
    "ModelNotFound",
    "NorefError",
    "NotAnImage",
    "Scorer",
    "ScoringFailed",
    "StoreError",
    "UnsupportedImage",
    "__version__",
    "score",
]


def test_the_public_names_are_these():
    assert noref.__all__ == SURFACE == sorted(SURFACE)
    assert all(hasattr(noref, name) for name in SURFACE)


def test_every_public_name_is_documented():
    things = [getattr(noref, name) for name in SURFACE if name != "__version__"]
    members = [vars(thing)[name] for thing in things if isinstance(thing, type) for name in vars(thing) if name[0] != "_"]
    documented = [*things, *(each for each in members if callable(each) or isinstance(each, (property, classmethod)))]
    assert all(inspect.getdoc(each) for each in documented)
    assert noref.Scorer.score_many in documented


def test_types_are_shipped():
    assert (Path(noref.__file__).parent / "py.typed").is_file()


def test_every_error_has_the_common_base():
    for name in SURFACE:
        thing = getattr(noref, name)
        if isinstance(thing, type) and issubclass(thing, Exception):
            assert issubclass(thing, noref.NorefError)


def test_little_is_installed_and_nothing_is_pinned():
    needed = [Requirement(text) for text in requires("noref") or ()]
    plain = {one.name: str(one.specifier) for one in needed if one.marker is None or "extra" not in str(one.marker)}
    assert set(plain) == {"click", "numpy", "onnxruntime", "pillow", "rich", "simplejpeg"}
    assert all(specifier.startswith(">=") and "," not in specifier for specifier in plain.values())


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


def test_importing_noref_defers_heavy_imports():
    loaded = run("import sys, noref; print(' '.join(sys.modules))").split()
    assert not {"click", "onnxruntime", "rich", "torch"} & set(loaded)
    assert not {"noref.batch", "noref.images.jpeg", "noref.images.tiff", "noref.sources", "simplejpeg"} & set(loaded)


def test_the_command_line_loads_what_an_extra_needs_only_where_it_is_used():
    loaded = run("import sys, noref.cli.score; print(' '.join(sys.modules))").split()
    assert not {"pyarrow", "ray", "fsspec", "jinja2", "fastapi", "torch"} & set(loaded)
    assert not {"noref.overlay", "urllib.request"} & set(loaded)
