"""Photos as batches of pixels."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, distributed
from torch.utils.data import DataLoader, Dataset, Sampler

from noref import images
from noref.errors import ImageTooSmall
from noref.lab.datasets.rated import RatedImages
from noref.lab.preprocessing import WorkingSize


def working_pixels(source: images.Source, size: WorkingSize) -> npt.NDArray[np.uint8]:
    """A photo as a network sees it, uint8 H x W x 3.

    Raises:
        ImageError: It cannot be read, or is smaller than the policy allows.
    """
    photo = images.read(source)
    height, width, _ = photo.pixels.shape
    if min(height, width) < size.shortest:
        raise ImageTooSmall(
            photo.name,
            f"{width} x {height} pixels",
            f"at least {size.shortest} on each side are needed; take it out, or lower that limit in the recipe",
        )
    return size.apply(photo.pixels)


def crop_at_random(
    arrays: Sequence[npt.NDArray[np.uint8]], side: int, rng: np.random.Generator, turn: bool = False
) -> list[npt.NDArray[np.uint8]]:
    """The same window of side x side pixels (or what there is of it) out of photos of one size, mirrored or not.

    With `turn`, upside down or not as well.
    """
    height, width = arrays[0].shape[:2]
    tall, wide = min(side, height), min(side, width)
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    step = int(rng.choice([-1, 1]))
    fall = int(rng.choice([-1, 1])) if turn else 1
    return [np.ascontiguousarray(array[top : top + tall, left : left + wide][::fall, ::step]) for array in arrays]


class RatedPhotos(Dataset[tuple[Tensor, Tensor]]):
    """Photos at working size with opinions in [0, 1]: uint8 H x W x 3, and a scalar.

    Indexed by (epoch, photo). With `crop`, each epoch yields another random window, mirrored or not (and turned or not, with
    `turn`), which depends on seed, epoch and photo only.
    """

    def __init__(
        self, rated: RatedImages, size: WorkingSize, crop: int | None = None, seed: int = 0, turn: bool = False
    ) -> None:
        self.paths, self.mos = rated.paths, rated.unit_mos.astype(np.float32)
        self.size, self.crop, self.seed, self.turn = size, crop, seed, turn

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, index = place
        pixels = working_pixels(self.paths[index], self.size)
        if self.crop:
            rng = np.random.default_rng((self.seed, epoch, index))
            (pixels,) = crop_at_random([pixels], self.crop, rng, self.turn)
        return torch.from_numpy(pixels), torch.tensor(self.mos[index])

    def shapes(self) -> list[tuple[int, ...]]:
        """Shape that each photo will have: those alike can be stacked."""
        return [cropped_shape(path, self.size, self.crop) for path in self.paths]


def cropped_shape(path: Path, size: WorkingSize, crop: int | None) -> tuple[int, ...]:
    """Shape of a photo at working size, cut to `crop`."""
    height, width, _ = working_pixels(path, size).shape
    return (min(height, crop or height), min(width, crop or width))


class SameSizeBatches(Sampler[list[tuple[int, int]]]):
    """Batches of (epoch, item) whose items share a shape, so that whole photos can be stacked.

    With a seed, shuffled anew for each epoch, as a function of seed and epoch only: a resumed run draws like an unbroken one.
    Without, always the same, and the epoch given out is 0.

    Where several processes train together, each is given its share of every batch, all shares alike in size: a batch that does
    not divide evenly is filled up with its own first items.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], batch: int, seed: int | None = None) -> None:
        groups: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, shape in enumerate(shapes):
            groups[shape].append(index)
        self.groups, self.batch, self.seed, self.epoch = list(groups.values()), batch, seed, 0
        self.sampler = self  # where Lightning looks for set_epoch

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before each epoch, and before the first after a resume."""
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(-(-len(group) // self.batch) for group in self.groups)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = 0 if self.seed is None else self.epoch
        rng = None if self.seed is None else np.random.default_rng((self.seed, epoch))
        groups = self.groups if rng is None else [[group[i] for i in rng.permutation(len(group))] for group in self.groups]
        batches = [group[start : start + self.batch] for group in groups for start in range(0, len(group), self.batch)]
        for i in range(len(batches)) if rng is None else rng.permutation(len(batches)):
            yield [(epoch, index) for index in _share(batches[i])]


class Photos(Protocol):
    """A data set whose items are asked for by (epoch, item), and which knows their shapes beforehand."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: tuple[int, int]) -> Any: ...

    def shapes(self) -> Sequence[tuple[int, ...]]:
        """Shape of each item: those alike can be stacked."""
        ...


def loader(photos: Photos, batch: int, seed: int | None, workers: int) -> DataLoader[Any]:
    """A loader of `SameSizeBatches`; its workers stay from epoch to epoch, since starting them costs seconds."""
    batches = SameSizeBatches(photos.shapes(), batch, seed)
    items: Any = photos
    return DataLoader(items, batch_sampler=batches, num_workers=workers, persistent_workers=workers > 0)


def _share(batch: list[int]) -> list[int]:
    """What this process takes of a batch."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return batch
    processes = distributed.get_world_size()
    whole = -(-len(batch) // processes) * processes
    return list(itertools.islice(itertools.cycle(batch), distributed.get_rank(), whole, processes))
