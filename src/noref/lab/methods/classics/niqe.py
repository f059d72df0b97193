"""NIQE: distance of the statistics of a photo's blocks from those of pristine photos."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from noref.lab.arrays import Pixels, Values
from noref.lab.datasets.files import variables
from noref.lab.errors import LabError
from noref.lab.features import mscn
from noref.lab.features.blocks import of_strip
from noref.lab.features.natural import FEATURES, Normal, statistics
from noref.lab.features.planes import ArrayPlane, HalvedPlane, Plane, luma
from noref.lab.methods.pristine import BlockFeatures, PristineMethod, PristineSettings, normal, too_few_blocks
from noref.lab.methods.registry import register
from noref.lab.settings import settings

BLOCK = 96  # pixels; half of it at the second scale


@settings
class NiqeSettings(PristineSettings):
    """Settings of NIQE."""


@register("niqe")
class NiqeMethod(PristineMethod[NiqeSettings]):
    """NIQE (Mittal, Soundararajan and Bovik 2013): distance of the statistics of blocks from those of pristine photos.

    The rows and columns that fill no block of 96 x 96 pixels are left out, at the bottom and on the right.
    """

    settings_type = NiqeSettings
    citation = 'Mittal, Soundararajan and Bovik (2013): Making a "Completely Blind" Image Quality Analyzer'
    shortest = BLOCK

    @property
    def dimensions(self) -> int:
        return 2 * FEATURES

    def check(self, pixels: Pixels) -> None:
        super().check(pixels)
        if max(pixels.shape) < 2 * BLOCK:
            raise too_few_blocks(pixels, BLOCK)

    def blocks(self, pixels: Pixels) -> BlockFeatures:
        height, width = (side // BLOCK * BLOCK for side in pixels.shape[:2])
        plane: Plane = ArrayPlane(luma(pixels)[:height, :width])
        features, sharpness = zip(*_rows(plane, BLOCK), strict=True)
        halves = [found for found, _ in _rows(HalvedPlane(plane), BLOCK // 2)]
        return BlockFeatures(np.hstack([np.vstack(features), np.vstack(halves)]), np.concatenate(sharpness))

    def value(self, pixels: Pixels) -> float:
        pristine, own = normal(self.parameters_.arrays), Normal.of(self.blocks(pixels).features)
        apart = pristine.mean - own.mean
        return math.sqrt(max(float(apart @ pristine.precision(own) @ apart), 0.0))

    def model(self, rows: Values) -> Mapping[str, Values]:
        learned = Normal.of(rows)
        return {"mean": learned.mean, "covariance": learned.covariance}

    def released(self, file: Path) -> Mapping[str, Values]:
        mean, covariance = variables(file, "mu_prisparam", "cov_prisparam")
        count = self.dimensions
        if (mean.size, covariance.size) != (count, count**2):
            raise LabError(f"{file} is not a model of {count} features; give the modelparameters.mat of the authors")
        return {"mean": mean, "covariance": covariance.reshape(count, count)}


def _rows(plane: Plane, side: int) -> Iterator[tuple[Values, Values]]:
    """Features and sharpness of the blocks, one row of blocks at a time."""
    for coefficients, deviation in mscn.strips(plane, side):
        yield statistics(of_strip(coefficients, side)), of_strip(deviation, side).mean(axis=(1, 2))
