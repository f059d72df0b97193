"""Make a good photo worse on purpose: known type, known level.

Example:
    >>> from noref.lab import distortions
    >>> worse = distortions.get("motion_blur")(pixels, level=3, rng=np.random.default_rng(0))  # doctest: +SKIP
"""

# Each of these registers its own when imported.
from noref.lab.distortions import blur, color, compression, exposure, noise, structure  # noqa: F401
from noref.lab.distortions.levels import EXTREME_LEVELS, LEVELS
from noref.lab.distortions.registry import Distortion, distortion, get, names

__all__ = ["EXTREME_LEVELS", "LEVELS", "Distortion", "distortion", "get", "names"]
