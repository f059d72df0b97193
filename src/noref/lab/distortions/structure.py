"""Artefacts of processing: quantization, resampling and sharpening."""

import numpy as np
from PIL import Image
from scipy import ndimage

from noref.lab.distortions.arithmetic import scale_of, to_pixels, to_unit
from noref.lab.distortions.registry import Pixels, distortion


def _downsample_and_upsample(pixels: Pixels, factor: float, down: Image.Resampling, up: Image.Resampling) -> Pixels:
    height, width = pixels.shape[:2]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    return np.asarray(Image.fromarray(pixels).resize(small, down).resize((width, height), up)).copy()


@distortion
def banding(pixels: Pixels, values: int, rng: np.random.Generator) -> Pixels:
    """Banding: each channel quantized to a few values."""
    return to_pixels(np.rint(to_unit(pixels) * (values - 1)) / (values - 1))


@distortion
def pixelation(pixels: Pixels, block: float, rng: np.random.Generator) -> Pixels:
    """Pixelation: flat blocks."""
    return _downsample_and_upsample(pixels, 1 + (block - 1) * scale_of(pixels), Image.Resampling.BOX, Image.Resampling.NEAREST)


@distortion
def resampling(pixels: Pixels, factor: float, rng: np.random.Generator) -> Pixels:
    """Resampling: downsampled, then upsampled to the original size."""
    return _downsample_and_upsample(pixels, factor, Image.Resampling.BICUBIC, Image.Resampling.BICUBIC)


@distortion
def over_sharpening(pixels: Pixels, gain: float, rng: np.random.Generator) -> Pixels:
    """Over-sharpening: halos along edges."""
    unit = to_unit(pixels)
    sigma = 1.5 * scale_of(pixels)
    return to_pixels(unit + gain * (unit - ndimage.gaussian_filter(unit, (sigma, sigma, 0), mode="reflect")))
