"""The files of a fitted method: `weights.safetensors`, and `method.json` with everything else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from noref.lab.errors import LabError
from noref.lab.files import access, make_folder, read_json, write_json
from noref.lab.methods.base import Method
from noref.lab.networks import weights as weight_files

M = TypeVar("M", bound=Method[Any])

FOREIGN = "comes from another version of noref, with other settings or another network; train it again"
KEYS = {"method", "params", "seed", "facts"}


def write(folder: Path, state: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Write a method; `folder` is created if missing.

    Args:
        folder: To write into.
        state: Values for all of `KEYS`, JSON-serialisable.
        weights: Tensors by name.

    Raises:
        LabError: The folder cannot be written.
    """
    make_folder(folder)
    weight_files.write(weights, folder / "weights.safetensors")
    file = folder / "method.json"
    with access(file, "free space or correct the permissions"):
        write_json(file, state)


def read(folder: Path, method: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read the state and the weights that `write` wrote.

    Raises:
        LabError: The folder holds another method, or was written by another version of noref.
    """
    state = read_json(folder / "method.json")
    if set(state) != KEYS or not isinstance(state["params"], dict) or not isinstance(state["facts"], dict):
        raise LabError(f"{folder} {FOREIGN}")
    if state["method"] != method:
        raise LabError(f"{folder} holds the method {state['method']}, not {method}; give another folder")
    return state, weight_files.read(folder / "weights.safetensors")


def restored(kind: type[M], folder: Path) -> tuple[M, dict[str, Any], dict[str, Tensor]]:
    """A method with the settings and the seed that are in a folder, not yet fitted, with the facts and the weights there.

    Raises:
        LabError: See `read`; or the settings do not exist.
    """
    state, weights = read(folder, kind.name)
    try:
        return kind.configured(state["params"], state["seed"]), state["facts"], weights
    except LabError as error:
        raise LabError(f"{folder} {FOREIGN} ({error})") from error


def fill(network: nn.Module, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Load the weights that were read from `folder` into a network.

    Raises:
        LabError: The weights do not fit the network.
    """
    try:
        network.load_state_dict(dict(weights))
    except RuntimeError as error:  # lists missing, unknown and misshapen tensors
        raise LabError(f"{folder} {FOREIGN}") from error
