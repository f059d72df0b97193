"""A tiny rated database and tiny pristine photos, made by the tests."""

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from noref.lab import datasets, distortions
from noref.lab.datasets.rated import RatedImages
from pictures import make_scene

torch.set_num_threads(1)  # tiny nets gain nothing from more, and lose much where the machine is shared


@contextlib.contextmanager
def _full() -> Iterator[None]:
    def refuse(file: Path) -> None:
        file.open("w").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    as_csv = pd.DataFrame.to_csv

    def to_csv(table: pd.DataFrame, file: Path | None = None, **options: Any) -> str | None:
        return as_csv(table, **options) if file is None else refuse(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", to_csv)
        patch.setattr(Path, "write_text", lambda file, *_, **__: refuse(file))
        patch.setattr(Path, "write_bytes", lambda file, _: refuse(file))
        yield


@pytest.fixture
def full_disk() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """A context in which files can be opened for writing, but nothing fits into them."""
    return _full


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine")
    for seed in range(6):
        Image.fromarray(make_scene(80, 96, seed)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 photos of 15 scenes in BIQ2021's layout: the MOS falls with the level of blur."""
    folder = tmp_path_factory.mktemp("database")
    rows = []
    for scene in range(15):
        for level in (0, 4):
            pixels = make_scene(80, 96 if scene % 4 else 100, 100 + scene)
            if level:
                pixels = distortions.get("gaussian_blur")(pixels, level, np.random.default_rng(0))
            name = f"{scene}-{level}.png"
            Image.fromarray(pixels).save(folder / name)
            rows.append((name, 0.8 - 0.15 * level + 0.005 * scene, "sharp" if level == 0 else "blurred", scene))
    pd.DataFrame(rows, columns=["image", "mos", "subset", "scene"]).to_csv(folder / "labels.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def rated(database: Path) -> RatedImages:
    return datasets.read("biq2021", database)
