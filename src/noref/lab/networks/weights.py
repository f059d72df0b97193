"""Weights in safetensors files, with errors that name the file; and their hash."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from noref.drafts import draft
from noref.lab.errors import LabError
from noref.lab.files import access


def read(file: str | Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file.

    Raises:
        LabError: The file cannot be read, or is not a safetensors file.
    """
    try:
        with access(file, "check the path of the weights"), open(file, "rb"):  # safetensors' own errors are less clear
            return load_file(file)
    except SafetensorError as error:
        raise LabError(f"{file} is not a safetensors file, or is damaged ({error}); convert the weights to one") from error


def write(tensors: Mapping[str, Tensor], file: Path, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file, which appears when it is complete.

    Raises:
        LabError: It cannot be written.
    """
    contiguous = {key: tensor.contiguous() for key, tensor in tensors.items()}
    try:
        with draft(file) as unfinished:
            save_file(contiguous, unfinished, metadata)
    except SafetensorError as error:
        if "I/O error" not in str(error):  # for a full disk or missing permissions, safetensors raises no OSError
            raise
        raise LabError(f"{file} cannot be written ({error}); free space or correct the permissions") from error


def digest(network: nn.Module, *facts: Any) -> str:
    """Hash of the architecture and weights of a network, and of further facts."""
    found = hashlib.sha256(repr((network, *facts)).encode())
    for tensor in network.state_dict().values():
        found.update(tensor.cpu().numpy().tobytes())
    return found.hexdigest()[:16]
