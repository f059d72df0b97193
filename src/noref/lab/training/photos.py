"""The data set of rated photos, and the batches and loader of all data sets of photos."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, distributed
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from noref.errors import NorefError
from noref.lab.datasets.rated import RatedImages
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.working import WorkingPhotos


def crop_at_random(
    arrays: Sequence[npt.NDArray[np.uint8]], side: int, rng: np.random.Generator, flip: bool = False
) -> list[npt.NDArray[np.uint8]]:
    """Take the same random crop of photos of equal size, mirrored at random and, with `flip`, flipped upside down at random.

    Args:
        arrays: uint8, H x W x 3 each.
        side: Side of the crop in pixels; shorter sides of a photo are not cropped.
        rng: Random generator.
        flip: Whether to mirror upside down at random.
    """
    height, width = arrays[0].shape[:2]
    tall, wide = min(side, height), min(side, width)
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    across = int(rng.choice([-1, 1]))
    down = int(rng.choice([-1, 1])) if flip else 1
    return [np.ascontiguousarray(array[top : top + tall, left : left + wide][::down, ::across]) for array in arrays]


class RatedPhotos(Dataset[tuple[Tensor, Tensor]]):
    """Photos at working size with their MOS in [0, 1]: uint8 H x W x 3, and a scalar.

    Indexed by (epoch, photo). With `crop`, every epoch has a new random crop of each photo, mirrored at random (and flipped,
    with `flip`), which depends on seed, epoch and photo only.

    Attributes:
        photos: Reads the photos; can be shared with other data sets.
    """

    def __init__(
        self, rated: RatedImages, size: WorkingSize, crop: int | None = None, seed: int = 0, flip: bool = False
    ) -> None:
        self.paths, self.mos = rated.paths, rated.unit_mos.astype(np.float32)
        self.crop, self.seed, self.flip = crop, seed, flip
        self.photos = WorkingPhotos(size)
        self.photos.use(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, index = place
        pixels = self.photos.pixels(self.paths[index])
        if self.crop:
            rng = np.random.default_rng((self.seed, epoch, index))
            (pixels,) = crop_at_random([pixels], self.crop, rng, self.flip)
        return torch.from_numpy(pixels), torch.tensor(self.mos[index])

    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each item, from the header of its photo; items of equal shape can be stacked."""
        return self.photos.shapes(self.paths, self.crop)


class SameSizeBatches(Sampler[list[tuple[int, int]]]):
    """Batches of (epoch, item) whose items have equal shapes, so that whole photos can be stacked.

    With a seed, the order is shuffled in each epoch; it depends on seed and epoch only, so that a resumed run has the order of
    an uninterrupted one. Without a seed, the order is fixed, and the epoch is always 0.

    If several processes train together, each takes an equal share of every batch; a batch that does not divide evenly is padded
    with its own first items.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], batch: int, seed: int | None = None) -> None:
        groups: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, shape in enumerate(shapes):
            groups[shape].append(index)
        self.groups, self.batch, self.seed, self.epoch = list(groups.values()), batch, seed, 0
        self.sampler = self  # Lightning looks for set_epoch here

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch.

        Lightning does so before each epoch, but asks for the first batches of a resumed run earlier; `loop.train` sets their
        epoch.
        """
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
    """A data set that is indexed by (epoch, item) and can return the shapes of its items without decoding them."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: tuple[int, int]) -> Any: ...

    def shapes(self) -> Sequence[tuple[int, ...]]:
        """Shape of each item, such as height and width; items of equal shape can be stacked."""
        ...


def loader(photos: Photos, batch: int, seed: int | None, workers: int) -> "PhotoLoader":
    """A loader of `SameSizeBatches`; its worker processes persist across epochs, since starting them takes seconds.

    Raises:
        ImageError: The header of a photo cannot be read, or a photo is too small.
    """
    batches = SameSizeBatches(photos.shapes(), batch, seed)  # before workers are forked: see WorkingPhotos.shapes
    return PhotoLoader(photos, batches, workers)


class PhotoLoader(DataLoader[Any]):
    """A loader of photos that raises the errors of the data set unchanged, with and without worker processes.

    Attributes:
        photos: The data set.
        batches: The order of its items.
    """

    def __init__(self, photos: Photos, batches: SameSizeBatches, workers: int) -> None:
        super().__init__(
            _WithErrors(photos),
            batch_sampler=batches,
            num_workers=workers,
            persistent_workers=workers > 0,
            collate_fn=_collated,
        )
        self.photos, self.batches = photos, batches

    def __iter__(self) -> Any:
        return map(_raised, super().__iter__())


class _WithErrors(Dataset[Any]):
    """A data set that returns errors as items, since torch would re-raise those of a worker as a RuntimeError."""

    def __init__(self, photos: Photos) -> None:
        self.photos = photos

    def __getitem__(self, place: tuple[int, int]) -> Any:
        try:
            return self.photos[place]
        except NorefError as error:
            return error


def _collated(items: list[Any]) -> Any:
    """A batch, or the first error among its items."""
    return next((item for item in items if isinstance(item, NorefError)), None) or default_collate(items)


def _raised(batch: Any) -> Any:
    if isinstance(batch, NorefError):
        raise batch
    return batch


def _share(batch: list[int]) -> list[int]:
    """The share of this process in a batch."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return batch
    processes = distributed.get_world_size()
    whole = -(-len(batch) // processes) * processes
    return list(itertools.islice(itertools.cycle(batch), distributed.get_rank(), whole, processes))
