"""Contrast, saturation, white balance and colour fringes."""

import numpy as np
from scipy import ndimage

from noref.lab.distortions.arithmetic import RGB_TO_YCC, YCC_TO_RGB, scale_of, to_pixels, to_unit
from noref.lab.distortions.registry import Pixels, distortion


def _scale_chroma(pixels: Pixels, gain: float) -> Pixels:
    ycc = to_unit(pixels) @ RGB_TO_YCC.T
    return to_pixels((ycc * np.array([1, gain, gain], np.float32)) @ YCC_TO_RGB.T)


@distortion
def low_contrast(pixels: Pixels, kept: float, rng: np.random.Generator) -> Pixels:
    """Low contrast: all values moved towards the mean."""
    unit = to_unit(pixels)
    mean = unit.mean()
    return to_pixels(mean + kept * (unit - mean))


@distortion
def haze(pixels: Pixels, airlight: float, rng: np.random.Generator) -> Pixels:
    """Haze: a bright, uneven veil."""
    height, width = pixels.shape[:2]
    coarse = rng.uniform(-1, 1, size=(4, 4)).astype(np.float32)
    veil = ndimage.zoom(coarse, (height / 4, width / 4), order=1, mode="nearest", grid_mode=True)
    share = np.clip(airlight * (1 + 0.15 * veil), 0, 0.97)[..., None]
    return to_pixels(to_unit(pixels) * (1 - share) + 0.9 * share)


@distortion
def desaturation(pixels: Pixels, kept: float, rng: np.random.Generator) -> Pixels:
    """Desaturation: less chroma."""
    return _scale_chroma(pixels, kept)


@distortion
def over_saturation(pixels: Pixels, gain: float, rng: np.random.Generator) -> Pixels:
    """Over-saturation: more chroma, clipped."""
    return _scale_chroma(pixels, gain)


@distortion
def warm_cast(pixels: Pixels, gain: float, rng: np.random.Generator) -> Pixels:
    """Warm cast: white balance shifted towards yellow and red."""
    return _cast(pixels, gain)


@distortion
def cold_cast(pixels: Pixels, gain: float, rng: np.random.Generator) -> Pixels:
    """Cold cast: white balance shifted towards blue."""
    return _cast(pixels, -gain)


def _cast(pixels: Pixels, warmth: float) -> Pixels:
    return to_pixels(to_unit(pixels) * np.array([1 + warmth / 2, 1.0, 1 - warmth / 2], np.float32))


@distortion
def chromatic_shift(pixels: Pixels, shift: float, rng: np.random.Generator) -> Pixels:
    """Chromatic shift: the red and blue planes displaced horizontally."""
    half = shift * scale_of(pixels) / 2
    out = to_unit(pixels)
    for channel, move in ((0, half), (2, -half)):
        out[..., channel] = ndimage.shift(out[..., channel], (0, move), order=1, mode="nearest")
    return to_pixels(out)
