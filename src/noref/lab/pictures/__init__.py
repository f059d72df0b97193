"""Pictures without a defect that photo databases lack: drawn from nothing, or composed of photos.

Models trained without them take a clear sky for a blurred photo, a product on white for an over-exposed one, and black bars for
under-exposure. All functions are deterministic: the result depends on the arguments and the state of the generator.

Examples:
    >>> import numpy as np
    >>> from noref.lab import pictures
    >>> rng = np.random.default_rng(0)
    >>> pictures.draw((96, 128), rng, kinds=["night"]).shape
    (96, 128, 3)
    >>> photos = [rng.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(3)]
    >>> composed, kind = pictures.compose(photos, rng)
    >>> composed.shape, kind in pictures.COMPOSED
    ((96, 128, 3), True)
"""

from noref.lab.pictures.composed import COMPOSED, compose
from noref.lab.pictures.drawn import DRAWN, draw

__all__ = ["COMPOSED", "DRAWN", "compose", "draw"]
