"""Functions that degrade a photo by a known type and level (1 to 5), with one table of levels and families.

A new distortion is one function with the decorator `distortion` and one row of `levels.TABLE`.

Examples:
    >>> import numpy as np
    >>> from noref.lab import distortions
    >>> pixels = np.tile(np.arange(96, dtype=np.uint8), (64, 1))[..., None].repeat(3, axis=2)
    >>> distorted = distortions.get("motion_blur")(pixels, level=3, rng=np.random.default_rng(0))
    >>> distorted.shape
    (64, 96, 3)
"""

# Importing these modules registers their distortions.
from noref.lab.arrays import Pixels
from noref.lab.distortions import blur, color, compression, exposure, noise, structure, upscaling  # noqa: F401
from noref.lab.distortions.levels import DEFECTS, OTHER_FAMILIES, VERSION_1, VERSION_2
from noref.lab.distortions.registry import Distortion, distortion, extreme_names, get, names

__all__ = [
    "DEFECTS",
    "OTHER_FAMILIES",
    "VERSION_1",
    "VERSION_2",
    "Distortion",
    "Pixels",
    "distortion",
    "extreme_names",
    "get",
    "names",
]
