"""What reading photos costs where networks learn, each against the same work on pixels in memory, measured in the same run.

    python benchmarks/training.py [--count PHOTOS]

Needs noref[lab]. Photos are made on the spot, weights are random; nothing is fetched. Fewer photos than the 256 by default give
a quick look, but what is paid once for an experiment or an epoch then weighs more.
"""

import contextlib
import copy
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
from runtime import make_photo
from torch.utils.data import Dataset

import noref
from noref import images
from noref.lab.datasets.rated import RatedImages
from noref.lab.methods.regressor.method import RegressorMethod
from noref.lab.networks.cache import FeatureCache
from noref.lab.networks.pooled import ScoreNetwork
from noref.lab.settings import nested
from noref.lab.training.finetuning import OptimizerConfig, ScoreModule
from noref.lab.training.loop import Schedule, train
from noref.lab.training.photos import RatedPhotos

PHOTOS, BACKBONE, CROP, BATCH = 256, "mobilenetv2_100", 320, 16


class InMemory(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """The same windows in every epoch, read and cut beforehand."""

    def __init__(self, photos: RatedPhotos) -> None:
        self.mos, self.items = photos.mos, [photos[0, index] for index in range(len(photos))]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        return self.items[place[1]]

    def shapes(self) -> list[tuple[int, ...]]:
        """Shape of each item."""
        return [tuple(pixels.shape[:2]) for pixels, _ in self.items]


class Timed(ScoreModule):
    """Notes how long all steps of an epoch took, getting their photos included."""

    epoch_seconds = 0.0

    def on_train_epoch_start(self) -> None:
        """The clock starts before the first photo is asked for."""
        self.start = time.perf_counter()

    def on_validation_start(self) -> None:
        """The last epoch stands: in the first everything is cold."""
        self.epoch_seconds = time.perf_counter() - self.start


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def make_database(folder: Path, count: int) -> RatedImages:
    """Photos of 512 x 512 pixels with opinions out of thin air."""
    names = [f"{i}.jpg" for i in range(count)]
    for i, name in enumerate(names):
        make_photo(folder / name, 512, 512, seed=i)
    table = pd.DataFrame({"image": names, "mos": np.random.default_rng(0).random(count), "content": names})
    return RatedImages("made", folder, table, (0.0, 1.0))


def extraction(network: ScoreNetwork, paths: list[Path], folder: Path, rounds: int = 3) -> tuple[float, float]:
    """Photos a second of the bare forward pass, and from files to features on disk; medians of rounds taken in turns."""
    pixels = [torch.from_numpy(images.read(path).pixels)[None] for path in paths]
    bare, whole = [], []
    with torch.inference_mode():
        for i in range(rounds + 1):
            cache = FeatureCache(folder / f"{i}")
            bare.append(seconds(lambda: [network.backbone(photo) for photo in pixels]))
            whole.append(
                seconds(
                    lambda cache=cache: cache.vectors(  # type: ignore[misc]
                        paths, {}, lambda photo: network.describe(torch.from_numpy(photo)[None]).numpy()
                    )
                )
            )
    return len(paths) / statistics.median(bare[1:]), len(paths) / statistics.median(whole[1:])


def epoch(network: ScoreNetwork, photos: RatedPhotos, workers: int, folder: Path, in_memory: bool) -> float:
    """Seconds of a training epoch."""
    module = Timed(copy.deepcopy(network), {"mse": 0.5, "plcc": 0.5}, OptimizerConfig())
    training = InMemory(photos) if in_memory else photos
    few = copy.copy(photos)
    few.paths, few.mos = photos.paths[:2], photos.mos[:2]
    with contextlib.redirect_stdout(sys.stderr):  # the progress bar
        schedule = Schedule(epochs=2, batch=BATCH, patience=9, precision="bf16-mixed", workers=0 if in_memory else workers)
        train(module, training, few, folder, schedule, seed=0)
    return module.epoch_seconds


@click.command(context_settings={"show_default": True})
@click.option("--count", default=PHOTOS)
def main(count: int) -> None:
    """Print one line a measurement: what, value, limit."""
    print(f"noref {noref.__version__}, {BACKBONE}, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        rated = make_database(folder / "photos", count)
        method = RegressorMethod.configured(
            nested(
                {
                    "backbone.name": BACKBONE,
                    "features": "stages",
                    "schedule.epochs": 0,
                    "data.cache": str(folder / "cache"),
                }
            )
        )
        first, second = (seconds(lambda i=i: method.fit(rated, rated, folder / f"fit{i}")) for i in range(2))  # type: ignore[misc]
        print(f"head on features of {count} photos: {first:.1f} s, again from the cache {second:.2f} s")
        print(f"second experiment: {first / second:.0f} x as fast (limit 20 x)")

        some = count // 4
        bare, whole = extraction(method.network_, rated.paths[:some], folder / "again")
        print(f"features: {whole:.1f} photos/s, bare forward pass {bare:.1f}: ratio {whole / bare:.2f} (limit 0.85)")

        photos = RatedPhotos(rated, method.working_size, CROP)
        photos.paths, photos.mos = photos.paths[:some], photos.mos[:some]
        loaded, memory = (epoch(method.network_, photos, 1, folder / f"{kept}", kept) for kept in (False, True))
        print(f"training epoch: {loaded:.1f} s, from memory {memory:.1f} s: ratio {memory / loaded:.2f} (limit 0.90)")


if __name__ == "__main__":
    main()
