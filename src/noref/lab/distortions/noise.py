"""Sensor noise."""

import numpy as np

from noref.lab.distortions.arithmetic import YCC_TO_RGB, to_pixels, to_unit
from noref.lab.distortions.registry import Pixels, distortion


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_normal(shape, dtype=np.float32)


@distortion
def white_noise(pixels: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """White noise: Gaussian, independent and identically distributed in each channel."""
    return to_pixels(to_unit(pixels) + sigma * _normal(rng, pixels.shape))


@distortion
def color_noise(pixels: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Colour noise: Gaussian in the chroma planes only."""
    chroma = sigma * _normal(rng, pixels.shape)
    chroma[..., 0] = 0
    return to_pixels(to_unit(pixels) + chroma @ YCC_TO_RGB.T)


@distortion
def impulse_noise(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Impulse noise: dead and hot pixels."""
    hit = rng.random(pixels.shape[:2]) < share
    out = pixels.copy()
    out[hit] = rng.integers(0, 2, size=(int(hit.sum()), 3), dtype=np.uint8) * 255
    return out


@distortion
def speckle_noise(pixels: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Speckle noise: Gaussian, proportional to brightness."""
    unit = to_unit(pixels)
    return to_pixels(unit + unit * sigma * _normal(rng, pixels.shape))
