"""Contrast, saturation, white balance, colour fringes, and pictures taken under water."""

import numpy as np
from scipy import ndimage

from noref.lab.arrays import Pixels
from noref.lab.distortions.arithmetic import RGB_TO_YCC, YCC_TO_RGB, scale_of, to_pixels, to_unit
from noref.lab.distortions.registry import distortion


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


@distortion
def water(pixels: Pixels, depth: float, rng: np.random.Generator) -> Pixels:
    """Water: a blue-green veil and blur, both growing with the distance from the camera.

    Light is attenuated exponentially with the distance, red most (Jaffe, IEEE J. Oceanic Eng. 15(2), 1990).
    """
    height, width = pixels.shape[:2]
    coarse = rng.uniform(-0.3, 0.3, size=(4, 4)) + np.linspace(1.3, 0.5, 4)[:, None]  # the foreground is at the bottom
    distance = ndimage.zoom(coarse.astype(np.float32), (height / 4, width / 4), order=1, mode="nearest", grid_mode=True)
    veil = np.array([0.05, rng.uniform(0.35, 0.55), rng.uniform(0.4, 0.6)], np.float32)
    attenuation = np.array([1.0, 0.4, 0.35], np.float32)
    unit = to_unit(pixels)
    sigma = 2.2 * depth * scale_of(pixels)
    share = np.clip(distance - 0.4, 0, 1)[..., None]
    blurred = unit + share * (ndimage.gaussian_filter(unit, (sigma, sigma, 0), mode="reflect", truncate=2.5) - unit)
    return to_pixels(veil + np.exp(-depth * distance[..., None] * attenuation) * (blurred - veil))
