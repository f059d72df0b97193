"""Training data: rated images, and pristine ones that are distorted on the fly, wholly or in part."""

import itertools
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from noref.lab import distortions
from noref.lab.datasets.rated import RatedImages
from noref.lab.distortions.chains import FAMILIES, HIGHEST, Levels, distort
from noref.lab.distortions.registry import Pixels
from noref.lab.methods.unified.network import CELL
from noref.lab.networks.ordinal import at_least
from noref.lab.pictures import plain
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.distorted import chain_rng
from noref.lab.training.photos import Photos, RatedPhotos, crop_at_random
from noref.lab.training.working import WorkingPhotos

MOS_LOSS_BY_LEVEL = (0.0, 0.18, 0.34, 0.5, 0.65, 0.8)
"""Share of its opinion that a photo loses by one defect of level 0, 1 … 5; defects multiply what is left. There are
no subjective data. Levels look evenly spaced, and little is visible at the last."""
EXTREME_MOS_LOSS = 0.9
"""The same share past level 5, which is not the end of the scale."""
MILD_TYPES: Mapping[str, float] = {"desaturation": 0.25, "vignetting": 0.6}
"""Distortions that lower the MOS less, and the share of the loss that remains: a grey photo is not a bad one."""

AS_THEY_ARE = 0.15  # share of clean photos that are left clean, beside those whose chain has no defect
SINGLE = 0.5  # share of the others with one distortion of any kind; the rest have a chain of zero to three defects
IN_PART = 0.33  # share of distorted photos of which a part stays clean
ON_CLOUDS = ("focus blur", "motion blur", "noise", "pixelation", "banding", "compression")
"""Families that show on made clouds, whatever their light and colours."""
_BLOBS = 3  # places a side at which it is drawn whether a part is distorted


class Targets(NamedTuple):
    """What is known of N photos of H x W pixels; NaN stands for what is not.

    Attributes:
        opinion: N, from 0 to 1.
        quality: N x H/16 x W/16, same scale.
        answers: N x K x 5, whether the level of a defect is at least 1, 2 … 5.
    """

    mos: Tensor
    quality: Tensor
    answers: Tensor


Item = tuple[Tensor, Targets]


class Rated(RatedPhotos):
    """Rated photos as in `RatedPhotos`, with nothing known of their defects and places."""

    def __getitem__(self, place: tuple[int, int]) -> Item:  # type: ignore[override]
        pixels, mos = super().__getitem__(place)
        grid = [side // CELL for side in pixels.shape[:2]]
        return pixels, Targets(mos, torch.full(grid, torch.nan), torch.full((len(FAMILIES), HIGHEST), torch.nan))


class DistortedPhotos(Dataset[Item]):
    """Every clean photo under several draws of defects; indexed by (epoch, item), the copies of a photo together.

    What is drawn depends on seed, epoch, photo and copy only. Photos are distorted at working size, then cut.

    Args:
        paths: Clean photos.
        mos: Their pseudo-MOS without distortion, from 0 to 1.
        size: How photos come to the network.
        copies: Draws of each photo.
        crop: Side of random windows, a multiple of 32; None for whole photos.
        seed: Another seed, other draws.
        in_part: Share of the distorted photos of which a part stays clean.
        types: Distortions that single ones are drawn from.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        mos: Sequence[float],
        size: WorkingSize,
        copies: int,
        crop: int | None = None,
        seed: int = 0,
        in_part: float = IN_PART,
        types: Sequence[str] = distortions.VERSION_1,
    ) -> None:
        self.paths, self.mos, self.copies = paths, mos, copies
        self.photos = WorkingPhotos(size)
        self.photos.use(paths, copies)
        self.crop, self.seed, self.in_part, self.types = crop, seed, in_part, types

    def __len__(self) -> int:
        return len(self.paths) * self.copies

    def __getitem__(self, place: tuple[int, int]) -> Item:
        epoch, index = place
        photo, copy = divmod(index, self.copies)
        clean = self._clean(self.paths[photo])
        rng = chain_rng(clean, epoch, copy, self.seed)
        distorted, left, levels = self._distort(clean, rng)
        if self.crop:
            clean, distorted = crop_at_random([clean, distorted], self.crop, rng, turn=True)
        grid = (clean.shape[0] // CELL, clean.shape[1] // CELL)
        share = np.ones(grid, np.float32)
        if left < 1 and rng.random() < self.in_part:
            share = _blobs(grid, rng)
            distorted, levels = _blend(clean, distorted, share), None
        quality = torch.from_numpy(self.mos[photo] * (1 - (1 - left) * share)).float()
        return torch.from_numpy(distorted), Targets(quality.mean(), quality, _answers(levels))

    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each item, from the header of its photo: those alike can be stacked."""
        return [shape for shape in self.photos.shapes(self.paths, self.crop) for _ in range(self.copies)]

    def _clean(self, path: Path) -> Pixels:
        return self.photos.pixels(path)

    def _distort(self, clean: Pixels, rng: np.random.Generator) -> tuple[Pixels, float, Levels | None]:
        """DistortedPhotos pixels, the share of the opinion that is left, and the levels of all defects where they are known."""
        if rng.random() < AS_THEY_ARE:
            return clean, 1.0, np.zeros(len(FAMILIES), np.int64)
        if rng.random() >= SINGLE:
            distorted, levels = distort(clean, rng)
            return distorted, float(np.prod([1 - MOS_LOSS_BY_LEVEL[level] for level in levels])), levels
        kind, level = str(rng.choice(self.types)), int(rng.integers(1, HIGHEST + 1))
        left = 1 - MOS_LOSS_BY_LEVEL[level] * MILD_TYPES.get(kind, 1.0)
        return distortions.get(kind)(clean, level, rng), left, _known(kind, level)


class HalvedPhotos(DistortedPhotos):
    """The same with photos that are taken as clean once their sides are halved: little noise, blur or compression survives.

    Light and colours stay as they are, so that they should be good ones to begin with. Mirrored copies fill them up to the size
    they had, so that a level means the same here as elsewhere.
    """

    def _clean(self, path: Path) -> Pixels:
        photo = Image.fromarray(super()._clean(path))
        half = photo.resize((photo.width // 2, photo.height // 2), Image.Resampling.BICUBIC)
        filled: Pixels = np.pad(np.asarray(half), ((0, half.height), (0, half.width), (0, 0)), "symmetric")
        return filled


class ExtremePhotos(DistortedPhotos):
    """The same with one defect past level 5: the level that is known of it stays 5, but it costs `EXTREME_MOS_LOSS`.

    A network that never saw such photos takes them for plain pictures. A window of one often is one: use whole photos.
    """

    def _distort(self, clean: Pixels, rng: np.random.Generator) -> tuple[Pixels, float, Levels | None]:
        kind = str(rng.choice(distortions.extreme_names()))
        return distortions.get(kind).extreme(clean, rng), 1 - EXTREME_MOS_LOSS, _known(kind, HIGHEST)


class PlainImages(Dataset[Item]):
    """Pictures of `plain.make`, which have no defects; indexed by (epoch, item).

    Args:
        count: In an epoch.
        opinion: Pseudo-MOS of each, from 0 to 1, before any distortion.
        shape: Height and width, multiples of 32.
        seed: Another seed, other pictures.
    """

    def __init__(self, count: int, mos: float, shape: tuple[int, int], seed: int = 0) -> None:
        self.count, self.mos, self.shape, self.seed = count, mos, shape, seed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: tuple[int, int]) -> Item:
        pixels, left, levels = self._make(np.random.default_rng((self.seed, *place)))
        mos = self.mos * left
        quality = torch.full([side // CELL for side in self.shape], mos)
        return torch.from_numpy(pixels.copy()), Targets(torch.tensor(mos), quality, _answers(levels))

    def shapes(self) -> list[tuple[int, int]]:
        """All alike."""
        return [self.shape] * self.count

    def _make(self, rng: np.random.Generator) -> tuple[Pixels, float, Levels | None]:
        """Pixels, the share of the opinion that is left, and the levels of all defects where they are known."""
        return plain.make(self.shape, rng), 1.0, np.zeros(len(FAMILIES), np.int64)


class CloudImages(PlainImages):
    """The same with clouds under one defect that shows on them, or none; for the opinion alone.

    Photo databases have few photos that are soft all over, and mild defects of those look worse to a network than they are.
    Whether made clouds are also too dark or too warm nobody knows, so that their defects count as not known.
    """

    def _make(self, rng: np.random.Generator) -> tuple[Pixels, float, Levels | None]:
        pixels = plain.clouds(self.shape, rng)
        if rng.random() < AS_THEY_ARE:
            return pixels, 1.0, None
        kind, level = str(rng.choice(FAMILIES[str(rng.choice(ON_CLOUDS))])), int(rng.integers(1, HIGHEST + 1))
        return distortions.get(kind)(pixels, level, rng), 1 - MOS_LOSS_BY_LEVEL[level], None


class Together(Dataset[Item]):
    """Several data sets as one; a photo of several of them is decoded once for all."""

    def __init__(self, *parts: Photos) -> None:
        self.parts = parts
        shared: dict[WorkingSize, WorkingPhotos] = {}
        for part in parts:
            if isinstance(part, (RatedPhotos, DistortedPhotos)):
                part.photos = shared.setdefault(part.photos.size, part.photos).joined(part.photos)
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


class Clean(NamedTuple):
    """Pristine images and their pseudo-MOS from 0 to 1."""

    paths: Sequence[Path]
    mos: Sequence[float]

    @property
    def mean_mos(self) -> float:
        """Their mean pseudo-MOS."""
        return float(np.mean(self.mos))


class TrainingData(NamedTuple):
    """What a network learns from, and what it is judged by while it does.

    Attributes:
        rated, validation: Photos that people rated, to learn from and to judge by.
        clean, checks: The same of photos taken as clean.
    """

    rated: RatedImages
    validation: RatedImages
    clean: Clean
    checks: Clean


def pristine_sources(pristine: Sequence[Path], rated: RatedImages, best: float) -> Clean:
    """Images taken as pristine, with their pseudo-MOS: the best-rated share of a database, and the pristine ones.

    Nobody was asked about the pristine ones; they are taken to be as good as the others on average.
    """
    rows = _best(rated, best)
    mos: list[float] = rated.unit_mos[rows].tolist()
    pseudo_mos = [*[float(np.mean(mos))] * len(pristine), *mos]
    return Clean([*pristine, *(rated.paths[row] for row in rows)], pseudo_mos)


def halved_sources(rated: RatedImages, best: float, mos: float) -> Clean:
    """Images taken as pristine once they are halved: the best-rated share of a database, and the pseudo-MOS of each."""
    paths = [rated.paths[row] for row in _best(rated, best)] if best else []
    return Clean(paths, [mos] * len(paths))


def _best(rated: RatedImages, share: float) -> list[int]:
    """Rows of the best-rated photos, one at least, the best first."""
    rows: list[int] = np.argsort(-rated.unit_mos, kind="stable")[: max(1, round(share * len(rated)))].tolist()
    return rows


def _answers(levels: Levels | None) -> Tensor:
    """As `Targets` has them."""
    unknown = np.full((len(FAMILIES), HIGHEST), np.nan, np.float32)
    return torch.from_numpy(unknown if levels is None else at_least(levels))


def _known(kind: str, level: int) -> Levels | None:
    """The levels of all defects after one distortion; None where it belongs to no family."""
    levels = np.array([level if kind in kinds else 0 for kinds in FAMILIES.values()])
    return levels if levels.any() else None


def _blobs(grid: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A share from 0 to 1 for each cell, in a few large areas with soft borders."""
    field = torch.from_numpy(rng.normal(size=(1, 1, _BLOBS, _BLOBS)).astype(np.float32))
    smooth = F.interpolate(field, grid, mode="bicubic", align_corners=True)[0, 0]
    share: npt.NDArray[np.float32] = torch.sigmoid(12 * smooth).numpy()
    return share


def _blend(clean: Pixels, distorted: Pixels, share: npt.NDArray[np.float32]) -> Pixels:
    fine = F.interpolate(torch.from_numpy(share)[None, None], clean.shape[:2], mode="bilinear")[0, 0].numpy()[..., None]
    blended: Pixels = np.rint(clean + (distorted.astype(np.float32) - clean) * fine).astype(np.uint8)
    return blended
