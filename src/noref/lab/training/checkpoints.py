"""Checkpoints without pickle: tensors as safetensors, and the rest of the state as JSON in the header of the same file."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO
from safetensors import SafetensorError, safe_open

from noref.lab.errors import LabError
from noref.lab.networks import weights


def _plain(state: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Convert state to JSON types; tensors are moved to `tensors`. Dictionaries become pairs, since keys may be numbers."""
    if isinstance(state, torch.Tensor):
        key = str(len(tensors))
        tensors[key] = state.detach().clone().contiguous()
        return {"tensor": key}
    if isinstance(state, dict):
        return {"pairs": [[key, _plain(value, tensors)] for key, value in state.items()]}
    if isinstance(state, (list, tuple)):
        return {"tuple" if isinstance(state, tuple) else "list": [_plain(value, tensors) for value in state]}
    if isinstance(state, Path):
        return str(state)
    if state is None or isinstance(state, (bool, int, float, str)):
        return state
    raise TypeError(f"a checkpoint cannot hold {type(state).__name__}: only tensors, numbers, text and containers of them")


def _restored(plain: Any, tensor: Callable[[str], torch.Tensor]) -> Any:
    if not isinstance(plain, dict):
        return plain
    ((kind, content),) = plain.items()
    if kind == "tensor":
        return tensor(content)
    if kind == "pairs":
        return {key: _restored(value, tensor) for key, value in content}
    values = [_restored(value, tensor) for value in content]
    return tuple(values) if kind == "tuple" else values


class SafeCheckpoints(CheckpointIO):
    """Lightning's checkpoints in files that cannot execute code when loaded, and that are never left incomplete."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None) -> None:
        """Write `path`, which appears when it is complete."""
        tensors: dict[str, torch.Tensor] = {}
        state = json.dumps(_plain(checkpoint, tensors))
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        weights.write(tensors, path, {"state": state})

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read what `save_checkpoint` wrote, on the CPU.

        Raises:
            LabError: The file is missing or damaged.
        """
        try:
            with safe_open(path, framework="pt") as file:
                return _restored(json.loads(file.metadata()["state"]), file.get_tensor)
        except (OSError, SafetensorError) as error:
            raise LabError(f"{path} is missing or damaged ({error}); delete its folder to train this stage again") from error

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Delete a checkpoint if it exists."""
        Path(path).unlink(missing_ok=True)
