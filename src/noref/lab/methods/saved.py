"""How a fitted method is stored in a folder: `weights.safetensors`, and everything else in `method.json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from noref.lab.errors import LabError
from noref.lab.files import access, make_folder, read_json
from noref.lab.networks import weights as weight_files

FOREIGN = "comes from another version of noref, with other settings or another network; train it again"
KEYS = {"method", "params", "seed", "facts"}


def write(folder: Path, state: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Write a method; `folder` is made where it is missing.

    Args:
        folder: To write into.
        state: `KEYS`, as JSON can hold them.
        weights: Tensors by name.

    Raises:
        LabError: The folder cannot be written.
    """
    make_folder(folder)
    weight_files.write(weights, folder / "weights.safetensors")
    file = folder / "method.json"
    with access(file, "free space or correct the permissions"):
        file.write_text(json.dumps(state, indent=2) + "\n")


def read(folder: Path, method: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """State and weights, as `write` takes them.

    Raises:
        LabError: The folder holds no method of this name, or one of another version of noref.
    """
    state = read_json(folder / "method.json")
    if set(state) != KEYS or not isinstance(state["params"], dict) or not isinstance(state["facts"], dict):
        raise LabError(f"{folder} {FOREIGN}")
    if state["method"] != method:
        raise LabError(f"{folder} holds the method {state['method']}, not {method}; give another folder")
    return state, weight_files.read(folder / "weights.safetensors")


def fill(network: nn.Module, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Load weights that `read` found in `folder` into a network.

    Raises:
        LabError: They belong to another network.
    """
    try:
        network.load_state_dict(dict(weights))
    except RuntimeError as error:  # lists missing, unknown and misshapen tensors
        raise LabError(f"{folder} {FOREIGN}") from error
