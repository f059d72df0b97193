"""PIQE: distortion of 16 x 16 blocks, from the variance of their MSCN coefficients."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from noref.images import Source
from noref.lab.arrays import Map, Pixels, Values
from noref.lab.features import blocks, mscn
from noref.lab.features.planes import ArrayPlane, luma
from noref.lab.methods.handcrafted import measure
from noref.lab.methods.opinion_unaware import OpinionUnawareMethod, OpinionUnawareSettings
from noref.lab.methods.registry import register
from noref.lab.settings import settings

Mask = npt.NDArray[np.bool_]

BLOCK = 16
SEGMENT = 6  # coefficients along an edge of a block
ACTIVE = 0.1  # variance of a block above which it counts
UNIFORM = 0.1  # standard deviation of a segment below which the block has a visible artifact


@settings
class PiqeSettings(OpinionUnawareSettings):
    """Settings of PIQE."""


@dataclass(frozen=True)
class Blocks:
    """What PIQE finds in each block of a photo, rows x columns.

    Attributes:
        variance: Of the MSCN coefficients.
        active, artifact, noise: Whether the block counts, has a segment that is nearly uniform, and is noisy.
    """

    variance: Values
    active: Mask
    artifact: Mask
    noise: Mask

    @property
    def distortion(self) -> Values:
        """Distortion of each block; 0 where it does not count."""
        return self.active * (self.artifact * (1 - self.variance) + self.noise * self.variance)


@register("piqe")
class PiqeMethod(OpinionUnawareMethod[PiqeSettings]):
    """PIQE (Venkatanath et al. 2015): distortion of the blocks with texture; 0 (best) to 100, without any training.

    Sides that are no multiples of 16 are completed by mirrored pixels.
    """

    settings_type = PiqeSettings
    citation = "Venkatanath et al. (2015): Blind Image Quality Evaluation Using Perception Based Features"
    shortest = 32

    def value(self, pixels: Pixels) -> float:
        found = examine(pixels)
        return float(100 * (found.distortion.sum() + 1) / (np.count_nonzero(found.active) + 1))

    def explain(self, image: Source) -> dict[str, Map]:
        """Maps of one image, one value for 16 x 16 pixels: `distortion`, and 0 or 1 for `active`, `artifact` and `noise`.

        Raises:
            ImageError: The image cannot be read, or is too small.
        """

        def maps(pixels: Pixels) -> dict[str, Map]:
            self.check(pixels)
            found = examine(pixels)
            return {name: getattr(found, name).astype(np.float32) for name in ("distortion", "active", "artifact", "noise")}

        return measure(image, maps)


def examine(pixels: Pixels) -> Blocks:
    """The blocks of uint8 RGB pixels (H x W x 3)."""
    gray = luma(pixels)
    gray = np.pad(gray, [(0, -side % BLOCK) for side in gray.shape], "symmetric")
    brightest = int(gray.max()) or 1
    stretch = np.floor(np.minimum(np.arange(256) * 255 / brightest, 255) + 0.5).astype(np.uint8)
    rows = list(_rows(stretch[gray]))
    return Blocks(*(np.array(column) for column in zip(*rows, strict=True)))


def _rows(gray: Pixels) -> Iterator[tuple[Values, Mask, Mask, Mask]]:
    """The attributes of `Blocks`, one row of blocks at a time."""
    for strip, _ in mscn.strips(ArrayPlane(gray), BLOCK):
        found = blocks.of_strip(strip, BLOCK)
        variance = found.var(axis=(1, 2), ddof=1)
        yield variance, variance > ACTIVE, _has_uniform_segment(found), _is_noisy(found, np.sqrt(variance))


def _has_uniform_segment(found: Values) -> Mask:
    edges = np.stack([found[:, 0], found[:, -1], found[:, :, 0], found[:, :, -1]], axis=1)
    segments = np.lib.stride_tricks.sliding_window_view(edges, SEGMENT, axis=2)
    return (segments.std(axis=3, ddof=1) < UNIFORM).any(axis=(1, 2))


def _is_noisy(found: Values, deviation: Values) -> Mask:
    """Whether the deviation of a block exceeds twice its difference from the ratio of centre and surround, as a share.

    As in MATLAB's piqe, the surround lacks the second column beside the centre instead of the second column of the centre.
    """
    middle = BLOCK // 2
    centre = found[:, :, middle - 1 : middle + 1].std(axis=(1, 2), ddof=1)
    surround = np.delete(found, [middle - 1, middle + 1], axis=2).std(axis=(1, 2), ddof=1)
    ratio = np.divide(centre, surround, out=np.zeros_like(centre), where=surround > 0)
    larger = np.maximum(deviation, ratio)
    share = np.divide(np.abs(deviation - ratio), larger, out=np.zeros_like(larger), where=larger > 0)
    return deviation > 2 * share
