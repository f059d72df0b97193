"""Cost of loading photos for training: processor time to the first batch, and of two epochs, in one process.

    python benchmarks/loading.py [--count PHOTOS] [--network mobilenetv2_100]

With `--network`, each batch is followed by a training step of that backbone (random weights), so that the time is that of whole
epochs. Needs noref[lab]. The photos are generated: JPEG of 1024 x 768 pixels, as in KonIQ-10k.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
from runtime import make_photo
from torch import Tensor

import noref
from noref.lab.datasets.rated import RatedImages
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.pooled import ScoreNetwork
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.distorted import DistortedImages
from noref.lab.training.photos import Photos, RatedPhotos, loader

CROP, BATCH, COPIES, SIZE = 320, 16, 8, WorkingSize(multiple=32)

Step = Callable[[Tensor], None]


def training_step(name: str) -> Step:
    """A training step of a network on a batch of pixels; the loss is arbitrary."""
    network = ScoreNetwork(Backbone(name), "last").train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-6)

    def step(pixels: Tensor) -> None:
        optimizer.zero_grad()
        network(pixels).square().mean().backward()
        optimizer.step()

    return step


def measure(make: Callable[[], Photos], step: Step | None) -> list[float]:
    """Seconds until the first batch of a new data set, of the whole first epoch, and of the second."""
    start = time.process_time()
    batches = loader(make(), BATCH, 0, workers=0)
    found = []
    for epoch in range(2):
        batches.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]
        for i, (pixels, _) in enumerate(batches):
            if not epoch and not i:
                found.append(time.process_time() - start)
            if step is not None:
                step(pixels)
        found.append(time.process_time() - start)
        start = time.process_time()
    return found


@click.command(context_settings={"show_default": True})
@click.option("--count", default=256)
@click.option("--network", default="", show_default="none")
def main(count: int, network: str) -> None:
    """Print one line for each data set."""
    print(f"noref {noref.__version__}, {count} photos, network {network or 'none'}, load {os.getloadavg()[0]:.1f}")
    step = training_step(network) if network else None
    with tempfile.TemporaryDirectory() as name:
        names = [f"{i}.jpg" for i in range(count)]
        for i, photo in enumerate(names):
            make_photo(Path(name) / photo, 1024, 768, seed=i)
        table = pd.DataFrame({"image": names, "mos": np.random.default_rng(0).random(count), "content": names})
        rated = RatedImages("made", Path(name), table, (0.0, 1.0))
        sets: dict[str, Callable[[], Photos]] = {
            "rated, whole": lambda: RatedPhotos(rated, SIZE),
            "rated, crops": lambda: RatedPhotos(rated, SIZE, CROP),
            f"{COPIES} distorted copies": lambda: DistortedImages(rated.paths[: count // COPIES], SIZE, COPIES, CROP),
        }
        for title, make in sets.items():
            first, epoch, second = measure(make, step)
            print(f"{title}: first batch after {first:.2f} s, first epoch {epoch:.2f} s, second {second:.2f} s")


if __name__ == "__main__":
    main()
