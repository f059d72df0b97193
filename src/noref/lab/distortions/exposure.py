"""Exposure errors, computed in linear light as they arise in a camera."""

import numpy as np

from noref.lab.arrays import Pixels
from noref.lab.distortions.arithmetic import from_linear, to_linear
from noref.lab.distortions.registry import distortion


@distortion
def under_exposure(pixels: Pixels, stops: float, rng: np.random.Generator) -> Pixels:
    """Under-exposure: darker, with loss of detail in the shadows."""
    return from_linear(to_linear(pixels) * 2.0**stops)


@distortion
def over_exposure(pixels: Pixels, stops: float, rng: np.random.Generator) -> Pixels:
    """Over-exposure: brighter, with clipped highlights."""
    return from_linear(to_linear(pixels) * 2.0**stops)


@distortion
def vignetting(pixels: Pixels, stops: float, rng: np.random.Generator) -> Pixels:
    """Vignetting: light falls off towards the corners."""
    height, width = pixels.shape[:2]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    fall = 2.0 ** (-stops * (x**2 + y**2) / 2)  # 1 in the centre, 2 ** -stops in the corners
    return from_linear(to_linear(pixels) * fall[..., None])
