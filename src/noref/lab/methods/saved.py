"""How a fitted method lies in a folder: `weights.safetensors`, and everything else in `method.json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from sklearn.base import BaseEstimator
from torch import Tensor


def write(method: BaseEstimator, folder: Path, weights: Mapping[str, Tensor], **facts: Any) -> None:
    """Write a method's weights, settings and facts (as JSON can hold them); `folder` is made where it is missing.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: tensor.contiguous() for key, tensor in weights.items()}, folder / "weights.safetensors")
    params = {key: str(value) if isinstance(value, Path) else value for key, value in method.get_params().items()}
    state = {"method": method.name, "params": params, **facts}
    (folder / "method.json").write_text(json.dumps(state, indent=2) + "\n")


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What `write` wrote: `method`, `params` and the facts; and the weights.

    Raises:
        FileNotFoundError: The folder holds no method.
    """
    state: dict[str, Any] = json.loads((folder / "method.json").read_text())
    return state, load_file(folder / "weights.safetensors")
