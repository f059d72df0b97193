"""What loading photos costs without a network: processor time to the first batch, and of two epochs, in one process.

    python benchmarks/loading.py [--count PHOTOS]

Needs noref[lab]. Photos are made on the spot: JPEG of 1024 x 768 pixels, as in KonIQ-10k.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import typer
from noref.lab.methods.defects.photos import SpoiledPhotos
from runtime import make_photo

import noref
from noref.lab.datasets.rated import RatedImages
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.photos import Photos, RatedPhotos, loader

CROP, BATCH, COPIES, SIZE = 320, 16, 8, WorkingSize(multiple=32)


def measure(make: Callable[[], Photos]) -> list[float]:
    """Seconds from an unread data set to its first batch, of the whole first epoch, and of the second."""
    start = time.process_time()
    batches = loader(make(), BATCH, 0, workers=0)
    found = []
    for epoch in range(2):
        batches.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]
        for i, _ in enumerate(batches):
            if not epoch and not i:
                found.append(time.process_time() - start)
        found.append(time.process_time() - start)
        start = time.process_time()
    return found


def main(count: int = 256) -> None:
    """Print one line a data set."""
    print(f"noref {noref.__version__}, {count} photos, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        names = [f"{i}.jpg" for i in range(count)]
        for i, photo in enumerate(names):
            make_photo(Path(name) / photo, 1024, 768, seed=i)
        table = pd.DataFrame({"image": names, "mos": np.random.default_rng(0).random(count), "content": names})
        rated = RatedImages("made", Path(name), table, (0.0, 1.0))
        sets: dict[str, Callable[[], Photos]] = {
            "rated, whole": lambda: RatedPhotos(rated, SIZE),
            "rated, windows": lambda: RatedPhotos(rated, SIZE, CROP),
            f"{COPIES} distorted copies": lambda: SpoiledPhotos(rated.paths[: count // COPIES], SIZE, COPIES, CROP),
        }
        for what, make in sets.items():
            first, epoch, second = measure(make)
            print(f"{what}: first batch after {first:.2f} s, first epoch {epoch:.2f} s, second {second:.2f} s")


if __name__ == "__main__":
    typer.run(main)
