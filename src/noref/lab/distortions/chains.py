"""Several distortions at once, in the order in which they arise: air and lens, sensor, processing, file.

Left out are distortions that nobody would call by one of these names, or that cannot be told from another: vignetting,
chromatic shift, denoising, enlarging (it reads as focus blur), sharpening, changed saturation (a matter of taste) and fast
fading (whose strength is luck).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from noref.lab.distortions.registry import Pixels, get

FAMILIES: Mapping[str, tuple[str, ...]] = {
    # Air and lens
    "low contrast": ("low_contrast", "haze"),
    "focus blur": ("gaussian_blur", "lens_blur"),
    "motion blur": ("motion_blur",),
    # Sensor
    "under-exposure": ("under_exposure",),
    "over-exposure": ("over_exposure",),
    "noise": ("white_noise", "color_noise", "impulse_noise", "speckle_noise"),
    # Processing
    "warm cast": ("warm_cast",),
    "cold cast": ("cold_cast",),
    "pixelation": ("pixelation",),
    "banding": ("banding",),
    # File
    "compression": ("jpeg", "jpeg2000", "webp"),
}
"""What people call a defect -> the distortions that show it; in the order of a chain."""

MOST = 3  # defects of one photo
HIGHEST = 5  # level
_CONTRADICTIONS = ({"under-exposure", "over-exposure"}, {"warm cast", "cold cast"})

Levels = npt.NDArray[np.int64]


class Defect(NamedTuple):
    """One link of a chain: a family, a distortion of it, and its level from 1 to 5."""

    family: str
    kind: str
    level: int


def draw(rng: np.random.Generator) -> list[Defect]:
    """A plausible chain of zero to three defects of different families; each number of defects is as likely as the others."""
    count = int(rng.integers(MOST + 1))
    while True:
        chosen = set(rng.choice(list(FAMILIES), count, replace=False).tolist())
        if not any(chosen >= pair for pair in _CONTRADICTIONS):
            break
    return [
        Defect(family, str(rng.choice(kinds)), int(rng.integers(1, HIGHEST + 1)))
        for family, kinds in FAMILIES.items()
        if family in chosen
    ]


def levels(defects: list[Defect]) -> Levels:
    """The level of each family, in the order of `FAMILIES`; 0 for those not there."""
    given = {defect.family: defect.level for defect in defects}
    return np.array([given.get(family, 0) for family in FAMILIES])


def distort(pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Levels]:
    """A photo under a chain of defects.

    The levels say what was done, not what can still be seen of it: heavy blur hides a little motion blur before it.

    Args:
        pixels: uint8, H x W x 3; left as they are.
        rng: What is drawn, and how it falls out, depends on its state only; `draw` with the same state tells the chain.

    Returns:
        Pixels of the same shape, and the level of each family, 0 to 5.
    """
    defects = draw(rng)
    for defect in defects:
        pixels = get(defect.kind)(pixels, defect.level, rng)
    return pixels, levels(defects)
