"""Pristine images under random chains of distortions, applied on the fly."""

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
from noref.lab.arrays import Pixels
from noref.lab.distortions.chains import Levels, distort, draw, families, levels
from noref.lab.networks.ordinal import at_least
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.photos import crop_at_random
from noref.lab.training.working import WorkingPhotos


def chain_rng(working: Pixels, epoch: int, copy: int, seed: int) -> np.random.Generator:
    """The random generator of a chain, which depends on seed, epoch, copy and the pixels of the photo, not on its name."""
    key = hashlib.sha256(working.tobytes()).digest()[:8]
    return np.random.default_rng((seed, epoch, copy, int.from_bytes(key, "big")))


def chain_facts(copies: int, seed: int, types: Sequence[str]) -> dict[str, Any]:
    """Everything that the chains of epoch 0 depend on apart from the photos, JSON-serialisable."""
    drawn = families(types)
    kinds = [kind for family in drawn.values() for kind in family]
    return {
        "copies": copies,
        "seed": seed,
        "families": drawn,
        "strengths": {kind: distortions.get(kind).levels for kind in kinds},
    }


class DistortedImages(Dataset[tuple[Tensor, Tensor]]):
    """Every photo under several chains: uint8 H x W x 3, and the ordinal targets of `at_least`, K x 5.

    Indexed by (epoch, item); the copies of a photo are consecutive. Chain and crop depend on seed, epoch, photo and copy only.
    Photos are distorted at working size and cropped afterwards, so that a level has the same effect in a crop.

    Args:
        paths: Pristine photos.
        size: The size policy.
        copies: Number of chains for each photo.
        crop: Side of the random crops in pixels; None for whole photos.
        seed: Random seed.
        types: Names of the distortions to draw chains from.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        size: WorkingSize,
        copies: int,
        crop: int | None = None,
        seed: int = 0,
        types: Sequence[str] = distortions.VERSION_1,
    ) -> None:
        self.paths, self.copies, self.crop, self.seed, self.types = paths, copies, crop, seed, types
        self.photos = WorkingPhotos(size)
        self.photos.use(paths, copies + 1)  # one more for `levels`

    def __len__(self) -> int:
        return len(self.paths) * self.copies

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, index = place
        photo, copy = divmod(index, self.copies)
        working = self.photos.pixels(self.paths[photo])
        rng = chain_rng(working, epoch, copy, self.seed)
        pixels, levels = distort(working, rng, self.types)
        if self.crop:
            (pixels,) = crop_at_random([pixels], self.crop, rng)
        return torch.from_numpy(pixels), torch.from_numpy(at_least(levels))

    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each item, from the header of its photo; items of equal shape can be stacked."""
        return [shape for shape in self.photos.shapes(self.paths, self.crop) for _ in range(self.copies)]

    @cached_property
    def levels(self) -> Levels:
        """The levels of all items in epoch 0, n x K."""
        drawn = []
        for path in self.paths:
            working = self.photos.pixels(path)
            drawn += [levels(draw(chain_rng(working, 0, copy, self.seed), self.types)) for copy in range(self.copies)]
        return np.stack(drawn)
