"""Pairs of a pristine and a distorted photo, distorted on the fly or taken from a database; and pristine photos."""

import hashlib
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from noref.lab import distortions
from noref.lab.datasets.check import near_pairs_across
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.photos import Photos, crop_at_random
from noref.lab.training.working import WorkingPhotos
from noref.sources import images_below

HELD_OUT_SHARE = 0.15  # share of the pristine photos that is held out for validation


def find_photos(folder: str | Path | None) -> list[Path]:
    """All images in and below a folder, sorted by path; hidden files and links to folders are skipped. None for no folder.

    Raises:
        LabError: There are none in the folder.
    """
    if folder is None:
        return []
    photos = sorted(map(Path, images_below(folder))) if os.path.isdir(folder) else []
    if not photos:
        raise LabError(f"{folder} holds no images; give a folder of pristine photos")
    return photos


def hold_out(folder: str | Path, seed: int) -> tuple[list[Path], list[Path]]:
    """Split pristine photos at random into training photos and 15 % held-out ones, without near-identical photos across.

    Near-identical versions of held-out photos are held out as well, so that their share may be slightly larger.

    Args:
        folder: Folder to search recursively.
        seed: Random seed.

    Raises:
        LabError: There are fewer than four photos, or no training photos are left; or a photo cannot be read.
    """
    photos = find_photos(folder)
    count = round(HELD_OUT_SHARE * len(photos))
    order = [photos[place] for place in np.random.default_rng(seed).permutation(len(photos))]
    held_out, others = order[:count], order[count:]
    twins = {path for pair in near_pairs_across({"held out": held_out, "others": others}) for path in (pair.first, pair.second)}
    training = [path for path in others if path not in twins]
    if not held_out or not training:
        raise LabError(f"{folder} holds {len(photos)} photos, {len(training)} of them for training; at least 4 are needed")
    return training, held_out + [path for path in others if path in twins]


def best_rated(rated: RatedImages, share: float) -> tuple[list[Path], list[float]]:
    """Paths and MOS, from 0 to 1, of the best-rated share of a database, the best first; none for a share of 0."""
    rows = np.argsort(-rated.unit_mos, kind="stable")[: round(share * len(rated))].tolist()
    paths = rated.paths
    return [paths[row] for row in rows], rated.unit_mos[rows].tolist()


def pristine_parts(
    folder: str | Path | None, rated: RatedImages, validation: RatedImages, best: float, seed: int
) -> tuple[list[Path], list[Path]]:
    """Photos to be taken as pristine, for training and for validation, which share none.

    Args:
        folder: Folder of pristine photos, split by `hold_out`; None to take the best-rated photos of each part instead.
        rated: Training part.
        validation: Validation part.
        best: Share of each part to take without a folder; one photo at least.
        seed: Random seed of the split of the folder.

    Raises:
        LabError: As `hold_out`.
    """
    if folder is not None:
        return hold_out(folder, seed)
    training, checking = (best_rated(part, max(best, 1 / len(part)))[0] for part in (rated, validation))
    return training, checking


class DistortedPairs(Dataset[tuple[Tensor, Tensor]]):
    """Every photo under every type and level: reference and distorted pixels, both uint8 H x W x 3.

    Indexed by (epoch, pair). Random noise, directions and crops depend on seed, epoch, photo (its pixels, not its name), type
    and level only. The pairs of a photo are consecutive, so split the photos, not the index.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        types: Sequence[str],
        size: WorkingSize,
        crop: int | None = None,
        seed: int = 0,
        levels: Sequence[int] = (1, 2, 3, 4, 5),
    ) -> None:
        self.distortions = [distortions.get(name) for name in types]
        self.pairs = list(itertools.product(photos, self.distortions, levels))
        self.crop, self.seed = crop, seed
        self.photos = WorkingPhotos(size)
        self.photos.use(path for path, _, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, index = place
        path, distortion, level = self.pairs[index]
        reference = self.photos.pixels(path)
        key = hashlib.sha256(reference.tobytes() + f"{distortion.name} {level}".encode()).digest()[:8]
        rng = np.random.default_rng((self.seed, epoch, int.from_bytes(key, "big")))
        distorted = distortion(reference, level, rng)
        if self.crop:
            reference, distorted = crop_at_random([reference, distorted], self.crop, rng)
        return torch.from_numpy(reference), torch.from_numpy(distorted)

    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each pair, from the header of its reference; pairs of equal shape can be stacked."""
        return self.photos.shapes((path for path, _, _ in self.pairs), self.crop)


class ReferencePairs(Dataset[tuple[Tensor, Tensor]]):
    """The distorted photos of a database with their references; indexed as `DistortedPairs`.

    Raises:
        LabError: The database has no references; or, on access, the photos of a pair differ in size.
    """

    def __init__(self, rated: RatedImages, size: WorkingSize, crop: int | None = None, seed: int = 0) -> None:
        table = rated.table.dropna(subset=["reference"]) if "reference" in rated.table else rated.table[:0].assign(reference="")
        distorted = table[table["reference"] != table["image"]]
        if distorted.empty:
            cure = "give --pristine FOLDER, or leave out stage 1 (--set stage1.epochs=0)"
            raise LabError(f"{rated.name} has no references, which stage 1 needs; {cure}")
        pairs = zip(distorted["reference"], distorted["image"], strict=True)
        self.pairs = [(rated.folder / reference, rated.folder / image) for reference, image in pairs]
        self.crop, self.seed = crop, seed
        self.photos = WorkingPhotos(size)
        self.photos.use(itertools.chain.from_iterable(self.pairs))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, index = place
        both = [self.photos.pixels(path) for path in self.pairs[index]]
        if both[0].shape != both[1].shape:
            raise LabError("{} and its reference {} differ in size; leave the photo out".format(*reversed(self.pairs[index])))
        if self.crop:
            both = crop_at_random(both, self.crop, np.random.default_rng((self.seed, epoch, index)))
        reference, distorted = map(torch.from_numpy, both)
        return reference, distorted

    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each pair, from the header of its reference; pairs of equal shape can be stacked."""
        return self.photos.shapes((path for path, _ in self.pairs), self.crop)


def training_pairs(
    pristine: str | Path | None,
    types: Sequence[str],
    rated: RatedImages,
    validation: RatedImages,
    size: WorkingSize,
    crop: int | None,
    seed: int,
) -> tuple[Photos, Photos]:
    """Training and validation pairs: of a folder of pristine photos, 15 % of them held out, or of the parts of a database.

    Args:
        pristine: The folder; None for the references and distorted photos of `rated` and `validation`.
        types: Names of the distortions of the pristine photos.
        rated: The training part of the database.
        validation: Its validation part.
        size: The size policy.
        crop: Side of the random crops in pixels; None for whole photos.
        seed: Random seed.

    Raises:
        LabError: The folder has too few photos, or the database has no references.
    """
    if pristine is None:
        return ReferencePairs(rated, size, crop, seed), ReferencePairs(validation, size, crop, seed)
    training, held_out = hold_out(pristine, seed)
    checking = DistortedPairs(held_out, types, size, crop, seed, levels=(2, 4))
    return DistortedPairs(training, types, size, crop, seed), checking


class LabelledDistortions(DistortedPairs):
    """Distorted pixels, uint8 H x W x 3, with a number for their type and level; otherwise as `DistortedPairs`.

    Args:
        photos: Pristine photos.
        targets: (type, level) -> number; other combinations are left out.
        size: The size policy.
        crop: Side of the random crops in pixels; None for whole photos.
        seed: Random seed.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        targets: Mapping[tuple[str, int], float],
        size: WorkingSize,
        crop: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(photos, list(dict.fromkeys(kind for kind, _ in targets)), size, crop, seed)
        self.pairs = [pair for pair in self.pairs if (pair[1].name, pair[2]) in targets]
        self.targets = targets

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        _, distorted = super().__getitem__(place)
        _, distortion, level = self.pairs[place[1]]
        return distorted, torch.tensor(self.targets[distortion.name, level])
