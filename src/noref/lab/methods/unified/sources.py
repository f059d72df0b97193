"""Sources of images without visible defects: pristine photos, reduced ones, and composed and drawn pictures."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from noref.lab import pictures
from noref.lab.arrays import Pixels
from noref.lab.datasets.rated import RatedImages
from noref.lab.distortions.chains import FAMILIES
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.pairs import best_rated
from noref.lab.training.working import WorkingPhotos

COMPOSED = tuple(kind for kind in pictures.COMPOSED if kind != "background_blur")  # whose cells differ in quality
PHOTOS_COMPOSED = 4
ON_DRAWN = ("focus blur", "motion blur", "noise", "pixelation", "compression")
"""Families that show on drawn pictures, whose light and colours are arbitrary."""


class Source(ABC):
    """Images without visible defects, each with a pseudo-MOS from 0 to 1.

    Attributes:
        mos: Pseudo-MOS of each.
        families: Families of distortions that show on them.
        stream: A number from 1 that random seeds contain, so that sources of different kinds are distorted differently.
    """

    mos: list[float]
    families: Sequence[str] = tuple(FAMILIES)
    stream = 1

    @abstractmethod
    def pixels(self, index: int, rng: np.random.Generator) -> Pixels:
        """One of them, at working size."""

    @abstractmethod
    def shapes(self, crop: int | None) -> list[tuple[int, int]]:
        """Height and width of each, cut to `crop`."""


class PhotoSource(Source):
    """Photos on disk, `copies` times each.

    Args:
        paths: n photos.
        mos: n pseudo-MOS.
        size: The size policy.
        copies: Times that each is used in an epoch.
    """

    def __init__(self, paths: Sequence[Path], mos: Sequence[float], size: WorkingSize, copies: int = 1) -> None:
        self.paths = [path for path in paths for _ in range(copies)]
        self.mos = [one for one in mos for _ in range(copies)]
        self.photos = WorkingPhotos(size)
        self.photos.use(self.paths)

    def pixels(self, index: int, rng: np.random.Generator) -> Pixels:
        return self.photos.pixels(self.paths[index])

    def shapes(self, crop: int | None) -> list[tuple[int, int]]:
        return self.photos.shapes(self.paths, crop)


class HalvedSource(PhotoSource):
    """Photos whose sides are halved, after which little noise, blur or compression remains.

    Mirrored copies fill them up to their size before, so that a level means the same as in other images.
    """

    stream = 2

    def pixels(self, index: int, rng: np.random.Generator) -> Pixels:
        photo = Image.fromarray(super().pixels(index, rng))
        half = photo.resize((photo.width // 2, photo.height // 2), Image.Resampling.BICUBIC)
        rows, columns = photo.height - half.height, photo.width - half.width
        filled: Pixels = np.pad(np.asarray(half), ((0, rows), (0, columns), (0, 0)), "symmetric")
        return filled


class ComposedSource(Source):
    """Photos composed into cut-outs, collages, letterboxes and other pictures that databases lack.

    Args:
        photos: Photos to compose.
        count: Pictures in an epoch.
        side: Their height and width.
    """

    stream = 3

    def __init__(self, photos: PhotoSource, count: int, side: int) -> None:
        self.photos, self.side = photos, side
        self.mos = [float(np.mean(photos.mos))] * count

    def pixels(self, index: int, rng: np.random.Generator) -> Pixels:
        chosen = rng.choice(len(self.photos.paths), PHOTOS_COMPOSED)
        return pictures.compose([_square(self.photos.pixels(int(one), rng), self.side) for one in chosen], rng, COMPOSED)[0]

    def shapes(self, crop: int | None) -> list[tuple[int, int]]:
        return [(min(crop or self.side, self.side),) * 2] * len(self.mos)


class DrawnSource(Source):
    """Pictures of `pictures.draw`: documents, screenshots, charts, skies.

    Args:
        count: Pictures in an epoch.
        mos: Pseudo-MOS of each.
        side: Their height and width.
    """

    families = ON_DRAWN
    stream = 4

    def __init__(self, count: int, mos: float, side: int) -> None:
        self.mos, self.side = [mos] * count, side

    def pixels(self, index: int, rng: np.random.Generator) -> Pixels:
        return pictures.draw((self.side, self.side), rng)

    def shapes(self, crop: int | None) -> list[tuple[int, int]]:
        return [(min(crop or self.side, self.side),) * 2] * len(self.mos)


def pristine_sources(pristine: Sequence[Path], rated: RatedImages, best: float) -> tuple[list[Path], list[float]]:
    """Paths and pseudo-MOS of images taken as pristine: pristine ones, and the best-rated share of a database.

    The pristine ones, which have no MOS, get the mean of the others, of which there is one at least.
    """
    paths, mos = best_rated(rated, max(best, 1 / len(rated)))
    return [*pristine, *paths], [*[float(np.mean(mos))] * len(pristine), *mos]


def _square(pixels: Pixels, side: int) -> Pixels:
    """A photo resized to a square."""
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))
