"""Photos as batches of pixels."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from noref import images
from noref.lab.datasets.rated import RatedImages
from noref.lab.working_size import WorkingSize


def crop_at_random(arrays: Sequence[npt.NDArray[np.uint8]], side: int, rng: np.random.Generator) -> list[npt.NDArray[np.uint8]]:
    """The same window of side x side pixels (or what there is of it) out of photos of one size, mirrored or not."""
    height, width = arrays[0].shape[:2]
    tall, wide = min(side, height), min(side, width)
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    step = int(rng.choice([-1, 1]))
    return [np.ascontiguousarray(array[top : top + tall, left : left + wide][:, ::step]) for array in arrays]


class RatedPhotos(Dataset[tuple[Tensor, Tensor]]):
    """Photos at working size with opinions in [0, 1]: uint8 H x W x 3, and a scalar.

    With `crop`, each visit yields another random window, mirrored or not, which depends on seed, epoch and photo only.
    """

    def __init__(self, rated: RatedImages, size: WorkingSize, crop: int | None = None, seed: int = 0) -> None:
        self.paths, self.opinions = rated.paths, rated.unit_opinions.astype(np.float32)
        self.size, self.crop, self.seed, self.epoch = size, crop, seed, 0

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        pixels = self.size.apply(images.read(self.paths[index]).pixels)
        if self.crop:
            rng = np.random.default_rng((self.seed, self.epoch, index))
            (pixels,) = crop_at_random([pixels], self.crop, rng)
        return torch.from_numpy(pixels), torch.tensor(self.opinions[index])


class SameSizeBatches(Sampler[list[int]]):
    """Batches of photos that share a working size, so that whole photos can be stacked; shuffled by seed and epoch."""

    def __init__(self, paths: Sequence[Path], size: WorkingSize, batch: int, seed: int | None) -> None:
        groups: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, path in enumerate(paths):
            groups[size.apply(images.read(path).pixels).shape].append(index)
        self.groups, self.batch, self.seed, self.epoch = list(groups.values()), batch, seed, 0

    def _batches(self) -> list[list[int]]:
        rng = None if self.seed is None else np.random.default_rng((self.seed, self.epoch))
        groups = self.groups if rng is None else [[group[i] for i in rng.permutation(len(group))] for group in self.groups]
        batches = [group[start : start + self.batch] for group in groups for start in range(0, len(group), self.batch)]
        return batches if rng is None else [batches[i] for i in rng.permutation(len(batches))]

    def __len__(self) -> int:
        return sum(-(-len(group) // self.batch) for group in self.groups)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches())
