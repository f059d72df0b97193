"""Pristine images under chains of distortions, drawn on the fly."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from noref.lab import distortions
from noref.lab.distortions.chains import FAMILIES, Levels, distort, draw, levels
from noref.lab.distortions.registry import Pixels
from noref.lab.networks.ordinal import at_least
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.photos import crop_at_random
from noref.lab.training.working import WorkingPhotos


def chain_rng(working: Pixels, epoch: int, copy: int, seed: int) -> np.random.Generator:
    """What a chain depends on: seed, epoch, number of the copy, and the photo (uint8, at working size) whatever its name."""
    key = hashlib.sha256(working.tobytes()).digest()[:8]
    return np.random.default_rng((seed, epoch, copy, int.from_bytes(key, "big")))


def chain_facts(copies: int, seed: int) -> dict[str, Any]:
    """Everything that the chains of a fixed set depend on but the photos, as JSON can hold it."""
    kinds = [kind for family in FAMILIES.values() for kind in family]
    return {
        "copies": copies,
        "seed": seed,
        "families": {**FAMILIES},
        "strengths": {kind: distortions.get(kind).levels for kind in kinds},
    }


class DistortedImages(Dataset[tuple[Tensor, Tensor]]):
    """Every photo under several chains: uint8 H x W x 3, and the answers of `at_least`, K x 5.

    Indexed by (epoch, item); the copies of a photo stand together. Chain and window depend on seed, epoch, photo and copy only.
    Photos are distorted at working size, then cut: a level means the same in a window as in a whole photo.
    """

    def __init__(self, paths: Sequence[Path], size: WorkingSize, copies: int, crop: int | None = None, seed: int = 0) -> None:
        self.paths, self.copies, self.crop, self.seed = paths, copies, crop, seed
        self.photos = WorkingPhotos(size)
        self.photos.use(paths, copies + 1)  # for `levels` once more

    def __len__(self) -> int:
        return len(self.paths) * self.copies

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, index = place
        photo, copy = divmod(index, self.copies)
        working = self.photos.pixels(self.paths[photo])
        rng = chain_rng(working, epoch, copy, self.seed)
        pixels, levels = distort(working, rng)
        if self.crop:
            (pixels,) = crop_at_random([pixels], self.crop, rng)
        return torch.from_numpy(pixels), torch.from_numpy(at_least(levels))

    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each item, from the header of its photo: those alike can be stacked."""
        return [shape for shape in self.photos.shapes(self.paths, self.crop) for _ in range(self.copies)]

    @cached_property
    def levels(self) -> Levels:
        """Of all items in epoch 0, n x K."""
        drawn = []
        for path in self.paths:
            working = self.photos.pixels(path)
            drawn += [levels(draw(chain_rng(working, 0, copy, self.seed))) for copy in range(self.copies)]
        return np.stack(drawn)
