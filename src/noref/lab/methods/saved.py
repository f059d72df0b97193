"""How a fitted method lies in a folder: `weights.safetensors`, and everything else in `method.json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from torch import Tensor, nn

from noref.lab.errors import LabError
from noref.lab.files import make_folder, read_json
from noref.lab.networks import weights as weight_files

FOREIGN = "comes from another version of noref, with other settings or another network; train it again"


def write(method: BaseEstimator, folder: Path, weights: Mapping[str, Tensor], **facts: Any) -> None:
    """Write a method's weights, settings and facts (as JSON can hold them); `folder` is made where it is missing.

    Raises:
        LabError: The folder cannot be written.
    """
    make_folder(folder)
    weight_files.write(weights, folder / "weights.safetensors")
    params = {key: str(value) if isinstance(value, Path) else value for key, value in method.get_params().items()}
    state = {"method": method.name, "params": params, **facts}
    (folder / "method.json").write_text(json.dumps(state, indent=2) + "\n")


def read(folder: Path, kind: type[BaseEstimator]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What `write` wrote of a method of this kind: `method`, `params` and the facts; and the weights.

    Raises:
        LabError: The folder holds no method, or one of another version of noref.
    """
    state = read_json(folder / "method.json")
    if not set(state.get("params", ())) <= set(kind._get_param_names()):
        raise LabError(f"{folder} {FOREIGN}")
    return state, weight_files.read(folder / "weights.safetensors")


def fill(network: nn.Module, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Put weights that `read` found in `folder` into a network.

    Raises:
        LabError: They are of another network.
    """
    try:
        network.load_state_dict(dict(weights))
    except RuntimeError as error:  # lists missing, unknown and misshapen tensors
        raise LabError(f"{folder} {FOREIGN}") from error
