"""The software that a result was computed with: versions, machine type and commit, in `environment.json`."""

import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from noref.lab.files import read_json, write_json

_RESUMED = "resumed at "
_PACKAGES = (
    *("noref", "numpy", "pillow", "onnxruntime", "torch", "torchvision", "timm", "lightning", "scikit-learn", "scipy"),
    *("pandas", "imagehash", "piq"),
)


def note(file: Path, facts: Mapping[str, str]) -> None:
    """Record versions, machine type and commit; if the file exists, only add the commit with which the run is resumed.

    Args:
        file: The JSON file.
        facts: Further values to record in a new file.
    """
    if file.exists():
        known = read_json(file)
        if known["commit"].rpartition(_RESUMED)[2] == _commit():
            return
        known["commit"] += f", {_RESUMED}{_commit()}"
    else:
        known = {**_versions(), **facts}
    write_json(file, known)


def _versions() -> dict[str, Any]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {"python": platform.python_version(), "machine": platform.machine(), "commit": _commit(), "versions": versions}


def _commit() -> str:
    """The commit of noref's source tree, with a mark for uncommitted changes; empty if noref was installed from a wheel."""
    here = Path(__file__)
    git = partial(subprocess.run, cwd=here.parent, capture_output=True, text=True, check=True)
    try:
        git(["git", "ls-files", "--error-unmatch", here.name])  # a wheel may be installed inside an unrelated repository
        return str(git(["git", "describe", "--always", "--dirty", "--abbrev=12"]).stdout).strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
