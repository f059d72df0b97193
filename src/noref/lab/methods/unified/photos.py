"""Training data: rated photos, and images without visible defects that are distorted on the fly: in full, in part, in pairs."""

import itertools
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from noref.lab import distortions
from noref.lab.arrays import Pixels
from noref.lab.distortions import Distortion
from noref.lab.distortions.chains import FAMILIES, HIGHEST, Levels, distort
from noref.lab.methods.unified.sources import ComposedSource, PhotoSource, Source
from noref.lab.networks.ordinal import at_least
from noref.lab.networks.pooled import CELL
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.photos import Photos, RatedPhotos, crop_at_random
from noref.lab.training.working import WorkingPhotos

MOS_LOSS_BY_LEVEL = (0.0, 0.18, 0.34, 0.5, 0.65, 0.8)
"""Share of its MOS that an image loses by one distortion of level 0, 1 … 5 (there are no subjective data). Several multiply."""
EXTREME_MOS_LOSS = 0.9
"""The same beyond level 5, up to a black frame."""
MILD_TYPES: Mapping[str, float] = {"desaturation": 0.25, "vignetting": 0.6, "film_grain": 0.6}
"""Types that lower the MOS less: the factor on the loss."""

UNDISTORTED = 0.15  # share of images that stay as they are, beside those whose chain is empty
EXTREME = 0.05  # share of the others with one distortion beyond level 5
SINGLE = 0.5  # share with one distortion of any type; the rest have a chain of zero to three
IN_PART = 0.4  # share of distorted images of which a region stays as it was
VISIBLE = 0.7  # root mean square of the change, in grey levels, below which an image counts as undistorted
STEP = 2  # levels between the two images of a pair
_BLOBS = 3  # random values a side from which a smooth region is interpolated


class Targets(NamedTuple):
    """What is known of N images of H x W pixels; NaN where it is not.

    Attributes:
        mos: N, from 0 to 1.
        quality: N x H/16 x W/16, the same for each cell.
        answers: N x K x 5, whether the level of a defect is at least 1, 2 … 5.
    """

    mos: Tensor
    quality: Tensor
    answers: Tensor


Item = tuple[Tensor, Targets]


class Rated(RatedPhotos):
    """Rated photos as in `RatedPhotos`; their defects and the quality of their cells are unknown."""

    def __getitem__(self, place: tuple[int, int]) -> Item:  # type: ignore[override]
        pixels, mos = super().__getitem__(place)
        grid = [side // CELL for side in pixels.shape[:2]]
        return pixels, Targets(mos, torch.full(grid, torch.nan), torch.full((len(FAMILIES), HIGHEST), torch.nan))


class PseudoRated(Dataset[Item]):
    """The images of a source under random distortions, with their pseudo-MOS; indexed by (epoch, item).

    What is drawn depends on seed, epoch, item and kind of source only. Images are distorted at working size, then cropped.

    Args:
        source: Images without visible defects.
        types: Distortions to draw from.
        crop: Side of random windows, a multiple of 32; None for whole images.
        seed: Random seed.
        in_part: Share of the distorted images of which a region stays as it was.
    """

    def __init__(
        self, source: Source, types: Sequence[str], crop: int | None = None, seed: int = 0, in_part: float = IN_PART
    ) -> None:
        self.source, self.crop, self.seed, self.in_part = source, crop, seed, in_part
        self.types = _visible_on(types, source)
        self.extreme = [one for one in self.types if one.extreme_parameter is not None]
        self.chains = tuple(types) if len(source.families) == len(FAMILIES) else None

    def __len__(self) -> int:
        return len(self.source.mos)

    def __getitem__(self, place: tuple[int, int]) -> Item:
        epoch, index = place
        rng = np.random.default_rng((self.seed, epoch, index, self.source.stream))
        clean = self.source.pixels(index, rng)
        distorted, kept, levels = self._distort(clean, rng)
        kept, levels = _as_seen(clean, distorted, kept, levels)
        if self.crop:
            clean, distorted = crop_at_random([clean, distorted], self.crop, rng, flip=True)
        grid = (clean.shape[0] // CELL, clean.shape[1] // CELL)
        share = np.ones(grid, np.float32)
        if kept < 1 and rng.random() < self.in_part:
            share = _region(grid, rng)
            distorted, levels = _blend(clean, distorted, share), None
        quality = torch.from_numpy(self.source.mos[index] * (1 - (1 - kept) * share)).float()
        return torch.from_numpy(distorted), Targets(quality.mean(), quality, _answers(levels))

    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each item, known from the headers: those alike can be stacked."""
        return self.source.shapes(self.crop)

    def _distort(self, clean: Pixels, rng: np.random.Generator) -> tuple[Pixels, float, Levels | None]:
        """Pixels, the share of the MOS that is kept, and the levels of all defects where they are known."""
        if rng.random() < UNDISTORTED:
            return clean, 1.0, np.zeros(len(FAMILIES), np.int64)
        if self.extreme and rng.random() < EXTREME:
            extreme = self.extreme[int(rng.integers(len(self.extreme)))]
            return extreme.extreme(clean, rng), 1 - EXTREME_MOS_LOSS, _known(extreme.family, HIGHEST)
        if self.chains and rng.random() >= SINGLE:
            distorted, levels = distort(clean, rng, self.chains)
            return distorted, float(np.prod([1 - MOS_LOSS_BY_LEVEL[level] for level in levels])), levels
        single, level = self.types[int(rng.integers(len(self.types)))], int(rng.integers(1, HIGHEST + 1))
        return _single(clean, single, level, rng)


class LevelPairs(Dataset[Item]):
    """Pairs of images: one under a distortion at two levels, the lower one first; indexed by (epoch, item).

    The levels differ by `STEP`; level 0 is the image itself. Both images have the same noise and the same crop. Pixels and
    targets have an additional first axis of length 2. What is drawn depends on seed, epoch, item and kind of source only.

    Args:
        source: Images without visible defects.
        types: Distortions to draw from.
        crop: Side of the random windows, a multiple of 32; None for whole images.
        seed: Random seed.
    """

    def __init__(self, source: Source, types: Sequence[str], crop: int | None = None, seed: int = 0) -> None:
        self.source, self.crop, self.seed = source, crop, seed
        self.types = _visible_on(types, source)

    def __len__(self) -> int:
        return len(self.source.mos)

    def __getitem__(self, place: tuple[int, int]) -> Item:
        epoch, index = place
        rng = np.random.default_rng((self.seed, epoch, index, self.source.stream, 1))  # not the numbers of PseudoRated
        clean, mos = self.source.pixels(index, rng), self.source.mos[index]
        kind, lower = self.types[int(rng.integers(len(self.types)))], int(rng.integers(HIGHEST - STEP + 1))
        noise = int(rng.integers(2**32))
        made = [_single(clean, kind, level, np.random.default_rng(noise)) for level in (lower, lower + STEP)]
        seen = [_as_seen(clean, *each) for each in made]
        crops = [pixels for pixels, _, _ in made]
        if self.crop:
            crops = crop_at_random(crops, self.crop, rng, flip=True)
        grid = [side // CELL for side in crops[0].shape[:2]]
        quality = torch.stack([torch.full(grid, mos * kept) for kept, _ in seen])
        answers = torch.stack([_answers(levels) for _, levels in seen])
        return torch.from_numpy(np.stack(crops)), Targets(quality.mean(dim=(1, 2)), quality, answers)

    def shapes(self) -> list[tuple[int, ...]]:
        """Shape of each item, known from the headers: those alike can be stacked."""
        return [(2, *shape) for shape in self.source.shapes(self.crop)]


class Together(Dataset[Item]):
    """Several data sets as one; a photo of several of them is decoded once."""

    def __init__(self, *parts: Photos) -> None:
        self.parts = parts
        shared: dict[WorkingSize, WorkingPhotos] = {}
        for part in parts:
            reader: object = part.source if isinstance(part, (PseudoRated, LevelPairs)) else part
            if isinstance(reader, ComposedSource):
                reader = reader.photos
            if isinstance(reader, (RatedPhotos, PhotoSource)):
                reader.photos = shared.setdefault(reader.photos.size, reader.photos).joined(reader.photos)
        self.starts = [0, *itertools.accumulate(map(len, parts))]

    def __len__(self) -> int:
        return self.starts[-1]

    def __getitem__(self, place: tuple[int, int]) -> Item:
        epoch, index = place
        part = bisect_right(self.starts, index) - 1
        item: Item = self.parts[part][epoch, index - self.starts[part]]
        return item

    def shapes(self) -> list[tuple[int, ...]]:
        """Shape that each item will have: those alike can be stacked."""
        return [shape for part in self.parts for shape in part.shapes()]


def _visible_on(types: Sequence[str], source: Source) -> list[Distortion]:
    """The distortions that are visible on the images of a source."""
    drawn = [distortions.get(name) for name in types]
    return [one for one in drawn if one.family in source.families or one.family not in FAMILIES]


def _single(clean: Pixels, kind: Distortion, level: int, rng: np.random.Generator) -> tuple[Pixels, float, Levels | None]:
    """One distortion: pixels, the share of the MOS that is kept, and the levels of all defects where they are known."""
    if level == 0:
        return clean, 1.0, np.zeros(len(FAMILIES), np.int64)
    kept = 1 - MOS_LOSS_BY_LEVEL[level] * MILD_TYPES.get(kind.name, 1.0)
    return kind(clean, level, rng), kept, _known(kind.family, level) if kind.chain else None


def _as_seen(clean: Pixels, distorted: Pixels, kept: float, levels: Levels | None) -> tuple[float, Levels | None]:
    """The share of the MOS that is kept, and the levels; a change that is not visible costs nothing."""
    change = float(np.sqrt(np.mean(np.square(distorted.astype(np.float32) - clean))))
    return (1.0, np.zeros(len(FAMILIES), np.int64)) if change < VISIBLE else (kept, levels)


def _answers(levels: Levels | None) -> Tensor:
    """As `Targets` has them."""
    unknown = np.full((len(FAMILIES), HIGHEST), np.nan, np.float32)
    return torch.from_numpy(unknown if levels is None else at_least(levels))


def _known(family: str, level: int) -> Levels | None:
    """The levels of all defects after one distortion; None where it belongs to none of the predicted families."""
    levels = np.array([level if each == family else 0 for each in FAMILIES])
    return levels if levels.any() else None


def _region(grid: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """The share, 0 to 1, to which each cell is distorted: smooth areas with soft borders, or a rectangle."""
    if rng.random() < 0.5:
        field = torch.from_numpy(rng.normal(size=(1, 1, _BLOBS, _BLOBS)).astype(np.float32))
        smooth = F.interpolate(field, grid, mode="bicubic", align_corners=True)[0, 0]
        blobs: npt.NDArray[np.float32] = torch.sigmoid(12 * smooth).numpy()
        return blobs
    share = np.zeros(grid, np.float32)
    tall, wide = (max(1, round(side * rng.uniform(0.3, 1.0))) for side in grid)
    top, left = int(rng.integers(grid[0] - tall + 1)), int(rng.integers(grid[1] - wide + 1))
    share[top : top + tall, left : left + wide] = 1
    return share


def _blend(clean: Pixels, distorted: Pixels, share: npt.NDArray[np.float32]) -> Pixels:
    fine = F.interpolate(torch.from_numpy(share)[None, None], clean.shape[:2], mode="bilinear")[0, 0].numpy()[..., None]
    blended: Pixels = np.rint(clean + (distorted.astype(np.float32) - clean) * fine).astype(np.uint8)
    return blended
