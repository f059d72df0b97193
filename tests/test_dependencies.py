"""Imported packages are declared as dependencies, and declared ones are imported."""

import ast
import functools
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import noref

SOURCE = Path(noref.__file__).parent
INDIRECT = {"onnxscript": "torch.onnx", "openpyxl": "pandas.read_excel", "s3fs": "fsspec"}
"""Dependencies that another library imports when noref calls it."""


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*extras: str) -> set[str]:
    """Distributions that an installation with these extras requires; without any, those of the plain runtime."""
    every = [Requirement(text) for text in requires("noref") or ()]
    return {
        normalized(one.name)
        for one in every
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    }


def imported(file: Path) -> Iterator[str]:
    """Top-level modules that a file imports from outside noref and the standard library, on whatever line."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for_types = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    skipped = {id(node) for block in for_types for statement in block.body for node in ast.walk(statement)}
    for node in ast.walk(tree):
        if id(node) in skipped or not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        assert not getattr(node, "level", 0), f"{file}: a relative import"
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        tops = {name.partition(".")[0] for name in names}
        yield from tops - {"noref"} - sys.stdlib_module_names


installed = functools.cache(packages_distributions)


def distributions(files: list[Path]) -> dict[str, str]:
    """Distribution of each imported module -> a file that imports it."""
    modules = {module: str(file.relative_to(SOURCE)) for file in files for module in imported(file)}
    return {normalized(name): file for module, file in modules.items() for name in installed().get(module, [module])}


TABLES = [SOURCE / "store" / name for name in ("arrow.py", "part.py", "parts.py")]
"""Modules of the store that need pyarrow."""

PARTS = {
    "runtime": (
        [
            *SOURCE.glob("*.py"),
            *(
                file
                for name in ("cli", "comparison", "store", "writers")
                for file in (SOURCE / name).rglob("*.py")
                if file not in TABLES
            ),
        ],
        (),
    ),
    "exports": ([*(SOURCE / "exports").rglob("*.py"), *TABLES], ("parquet",)),
    "cluster": ([*(SOURCE / "ray").rglob("*.py")], ("ray",)),
    "images": ([*(SOURCE / "images").rglob("*.py")], ("heic", "jxl", "raw")),
    "report": ([*(SOURCE / "report").rglob("*.py")], ("report",)),
    "sources": ([*(SOURCE / "sources").rglob("*.py")], ("remote", "parquet")),
    "service": ([*(SOURCE / "web").rglob("*.py")], ("web",)),
    "torch": ([*(SOURCE / "lab" / "torch").rglob("*.py")], ("torch",)),
    "laboratory": ([file for file in (SOURCE / "lab").rglob("*.py") if file.parent.name != "torch"], ("lab", "diivine")),
}


def test_every_module_belongs_to_a_part():
    listed = [file for files, _ in PARTS.values() for file in files]
    assert sorted([*listed, SOURCE / "models" / "__init__.py"]) == sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("part", PARTS)
def test_what_is_imported_is_declared(part):
    files, extras = PARTS[part]
    allowed = declared(*extras) | ({"torchmetrics"} if part == "torch" else set())  # whoever uses it has it
    assert {name: file for name, file in distributions(files).items() if name not in allowed} == {}


@pytest.mark.parametrize(
    ("part", "extra"),
    [
        ("laboratory", "lab"),
        ("torch", "torch"),
        ("laboratory", "diivine"),
        ("report", "report"),
        ("service", "web"),
        ("exports", "parquet"),
        ("cluster", "ray"),
        ("sources", "remote"),
        *(("images", extra) for extra in ("heic", "jxl", "raw")),
    ],
)
def test_what_an_extra_declares_is_imported(part, extra):
    files, _ = PARTS[part]
    assert declared(extra) - declared() - set(INDIRECT) <= set(distributions(files))
    assert len(declared(extra)) > len(declared())


def test_what_the_runtime_declares_is_imported():
    files = [file for part in ("runtime", "images") for file in PARTS[part][0]]
    assert declared() <= set(distributions(files))
