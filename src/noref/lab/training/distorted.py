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

from noref.lab.distortions import LEVELS
from noref.lab.distortions.chains import FAMILIES, Levels, distort, draw, levels
from noref.lab.distortions.registry import Pixels
from noref.lab.networks.ordinal import at_least
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.photos import crop_at_random, cropped_shape, working_pixels

TYPES_1 = (
    *("jpeg", "jpeg2000", "webp", "fast_fading"),
    *("white_noise", "color_noise", "impulse_noise", "speckle_noise"),
    *("gaussian_blur", "lens_blur", "motion_blur", "denoise"),
    *("under_exposure", "over_exposure", "vignetting"),
    *("low_contrast", "haze", "desaturation", "over_saturation", "warm_cast", "cold_cast", "chromatic_shift"),
    *("banding", "pixelation", "resampling", "over_sharpening"),
)
"""The distortions that training draws single ones from, version 1. A new distortion needs a new version: published recipes keep
theirs."""

EXTREME_TYPES_1 = (
    *("gaussian_blur", "motion_blur", "under_exposure", "over_exposure"),
    *("low_contrast", "pixelation"),
)
"""The same of distortions beyond level 5."""


def chain_rng(working: Pixels, epoch: int, copy: int, seed: int) -> np.random.Generator:
    """What a chain depends on: seed, epoch, number of the copy, and the photo (uint8, at working size) whatever its name."""
    key = hashlib.sha256(working.tobytes()).digest()[:8]
    return np.random.default_rng((seed, epoch, copy, int.from_bytes(key, "big")))


def chain_facts(copies: int, seed: int) -> dict[str, Any]:
    """Everything that the chains of a fixed set depend on but the photos, as JSON can hold it."""
    kinds = [kind for family in FAMILIES.values() for kind in family]
    return {"copies": copies, "seed": seed, "families": {**FAMILIES}, "strengths": {kind: LEVELS[kind] for kind in kinds}}


class DistortedImages(Dataset[tuple[Tensor, Tensor]]):
    """Every photo under several chains: uint8 H x W x 3, and the answers of `at_least`, K x 5.

    Indexed by (epoch, item); the copies of a photo stand together. Chain and window depend on seed, epoch, photo and copy only.
    Photos are distorted at working size, then cut: a level means the same in a window as in a whole photo.
    """

    def __init__(self, paths: Sequence[Path], size: WorkingSize, copies: int, crop: int | None = None, seed: int = 0) -> None:
        self.paths, self.size, self.copies, self.crop, self.seed = paths, size, copies, crop, seed

    def __len__(self) -> int:
        return len(self.paths) * self.copies

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, index = place
        photo, copy = divmod(index, self.copies)
        working = working_pixels(self.paths[photo], self.size)
        rng = chain_rng(working, epoch, copy, self.seed)
        pixels, levels = distort(working, rng)
        if self.crop:
            (pixels,) = crop_at_random([pixels], self.crop, rng)
        return torch.from_numpy(pixels), torch.from_numpy(at_least(levels))

    def shapes(self) -> list[tuple[int, ...]]:
        """Shape that each item will have: those alike can be stacked."""
        return [shape for path in self.paths for shape in [cropped_shape(path, self.size, self.crop)] * self.copies]

    @cached_property
    def levels(self) -> Levels:
        """Of all items in epoch 0, n x K."""
        drawn = []
        for path in self.paths:
            working = working_pixels(path, self.size)
            drawn += [levels(draw(chain_rng(working, 0, copy, self.seed))) for copy in range(self.copies)]
        return np.stack(drawn)
