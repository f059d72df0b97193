"""Noise of sensors and film."""

import numpy as np
from scipy import ndimage

from noref.lab.arrays import Pixels
from noref.lab.distortions.arithmetic import RGB_TO_YCC, YCC_TO_RGB, scale_of, to_pixels, to_unit
from noref.lab.distortions.registry import distortion


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


@distortion
def film_grain(pixels: Pixels, sigma_toned: tuple[float, float], rng: np.random.Generator) -> Pixels:
    """Film grain: coarse grain in a picture that fades to grey or one tone.

    The grain is the same in all channels and strongest in the mid-tones.
    """
    sigma, toned = sigma_toned
    tint = rng.choice([[0.0, 0.0], [-0.06, 0.04], [0.03, -0.02]])  # grey, sepia, selenium: chroma of the mid-tones
    size = rng.uniform(0.7, 1.1) * scale_of(pixels)
    grain = ndimage.gaussian_filter(_normal(rng, pixels.shape[:2]), size, mode="wrap")
    ycc = to_unit(pixels) @ RGB_TO_YCC.T
    mid = np.clip(4 * ycc[..., 0] * (1 - ycc[..., 0]), 0.25, 1)  # 1 in the mid-tones
    ycc[..., 1:] += toned * (tint.astype(np.float32) * mid[..., None] - ycc[..., 1:])
    ycc[..., 0] += sigma * mid * grain / max(float(grain.std()), 1e-6)
    return to_pixels(ycc @ YCC_TO_RGB.T)
