"""Enlarged pictures: by interpolation with sharpening, and with the artefacts of learned super-resolution."""

import numpy as np
from PIL import Image
from scipy import ndimage

from noref.lab.arrays import Pixels
from noref.lab.distortions.arithmetic import RGB_TO_YCC, Floats, reduced, resized, scale_of, to_pixels, to_unit
from noref.lab.distortions.blur import guided_filter
from noref.lab.distortions.registry import distortion

_TILE = 64  # pixels; the invented texture repeats after it
_WAVELENGTH = 3.5  # pixels of the invented texture


@distortion
def upscaled(pixels: Pixels, factor_gain: tuple[float, float], rng: np.random.Generator) -> Pixels:
    """Upscaled: a small picture enlarged by interpolation and sharpened."""
    factor, gain = factor_gain
    method = Image.Resampling.BICUBIC if rng.random() < 0.5 else Image.Resampling.LANCZOS
    enlarged = to_unit(resized(reduced(pixels, factor), pixels.shape, method))
    sigma = factor / 2 * scale_of(pixels)
    return to_pixels(enlarged + gain * (enlarged - ndimage.gaussian_filter(enlarged, (sigma, sigma, 0), mode="reflect")))


@distortion
def generative_upscaling(pixels: Pixels, factor_sigma: tuple[float, float], rng: np.random.Generator) -> Pixels:
    """Generative upscaling: flat surfaces like plastic, hard edges, and invented fine texture that repeats.

    It has the artefacts of learned super-resolution as far as they can be made without a network.
    """
    factor, sigma = factor_sigma
    small = to_unit(reduced(pixels, factor))
    smooth = guided_filter(small, 5, 0.002 * factor)
    enlarged = to_unit(resized(to_pixels(smooth), pixels.shape, Image.Resampling.BICUBIC))
    luma = enlarged @ RGB_TO_YCC[0]
    texture = _along_edges(luma, rng) * _local_contrast(small @ RGB_TO_YCC[0], luma.shape)
    return to_pixels(enlarged + (_hardened(luma, factor) - luma + sigma * texture)[..., None])


def _hardened(luma: Floats, factor: float) -> Floats:
    """Steep edges without halos: sharpened strongly, and clipped to the local range."""
    reach = 2 * round(factor / 2) + 1
    sharp = luma + 4 * (luma - ndimage.gaussian_filter(luma, factor / 2, mode="reflect"))
    low, high = ndimage.minimum_filter(luma, reach), ndimage.maximum_filter(luma, reach)
    margin = 0.15 * (high - low)
    return np.clip(sharp, low - margin, high + margin)


def _local_contrast(luma: Floats, shape: tuple[int, ...]) -> Floats:
    """Where the small picture has texture: 0 in flat areas, 1 at a standard deviation of 0.08."""
    deviation = np.sqrt(np.maximum(ndimage.uniform_filter(luma**2, 5) - ndimage.uniform_filter(luma, 5) ** 2, 0))
    return to_unit(resized(to_pixels(np.clip(deviation / 0.08, 0, 1)), shape, Image.Resampling.BILINEAR))


def _along_edges(luma: Floats, rng: np.random.Generator) -> Floats:
    """Waves of unit variance that follow the edges nearby, in four directions, from tiles of filtered noise."""
    height, width = luma.shape
    down, right = ndimage.sobel(luma, 0), ndimage.sobel(luma, 1)
    squared = np.stack([right**2 - down**2, 2 * right * down])  # the gradient at twice its angle, so that it can be averaged
    squared = ndimage.uniform_filter(squared, (0, 9, 9))
    squared /= np.maximum(np.hypot(*squared), 1e-6)
    frequency_y, frequency_x = np.fft.fftfreq(_TILE)[:, None], np.fft.rfftfreq(_TILE)[None]
    noise = np.fft.rfft2(rng.standard_normal((_TILE, _TILE)))
    waves = np.zeros((height, width), np.float32)
    for angle in np.arange(4) * np.pi / 4:
        apart = np.hypot(frequency_x - np.cos(angle) / _WAVELENGTH, frequency_y - np.sin(angle) / _WAVELENGTH)
        mirrored = np.hypot(frequency_x + np.cos(angle) / _WAVELENGTH, frequency_y + np.sin(angle) / _WAVELENGTH)
        tile = np.fft.irfft2(noise * np.exp(-((np.minimum(apart, mirrored) / 0.06) ** 2)), s=(_TILE, _TILE))
        repeated = np.tile(tile / tile.std(), (height // _TILE + 1, width // _TILE + 1))[:height, :width]
        weight = np.maximum(squared[0] * np.cos(2 * angle) + squared[1] * np.sin(2 * angle), 0)
        waves += (weight * repeated).astype(np.float32)
    return waves
