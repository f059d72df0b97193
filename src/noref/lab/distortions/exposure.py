"""Bad lighting: too little of it, too much, or unevenly spread. All in linear light, as in a camera."""

import numpy as np

from noref.lab.distortions.arithmetic import from_linear, to_linear
from noref.lab.distortions.registry import Pixels, distortion


@distortion("under-exposure")
def under_exposure(pixels: Pixels, stops: float, rng: np.random.Generator) -> Pixels:
    """Under-exposure: darker, with the shadows gone."""
    return from_linear(to_linear(pixels) * 2.0**stops)


@distortion("over-exposure")
def over_exposure(pixels: Pixels, stops: float, rng: np.random.Generator) -> Pixels:
    """Over-exposure: brighter, with the highlights gone."""
    return from_linear(to_linear(pixels) * 2.0**stops)


@distortion("under-exposure")
def vignetting(pixels: Pixels, stops: float, rng: np.random.Generator) -> Pixels:
    """Vignetting: corners that fade to black."""
    height, width = pixels.shape[:2]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    fall = 2.0 ** (-stops * (x**2 + y**2) / 2)  # 1 in the middle, the given stops in the corners
    return from_linear(to_linear(pixels) * fall[..., None])
