"""Shared fixtures: images made by the tests, so that no other files are needed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings
from PIL import Image

import noref
from pictures import make_scene

settings.register_profile("noref", deadline=None)  # a busy machine is no failure
settings.load_profile("noref")


@pytest.fixture(scope="session")
def scene() -> npt.NDArray[np.uint8]:
    return make_scene()


@pytest.fixture(scope="session")
def scorer() -> noref.Scorer:
    """The default model, loaded once."""
    return noref.Scorer()


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Save pixels or bytes below tmp_path and return the path."""

    def write(name: str, content: npt.NDArray[np.uint8] | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            Image.fromarray(content).save(path)
        return path

    return write
