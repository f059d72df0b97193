"""Artefacts of processing: quantization, resampling and sharpening; missing data."""

import numpy as np
from PIL import Image
from scipy import ndimage

from noref.lab.arrays import Pixels
from noref.lab.distortions.arithmetic import scale_of, to_pixels, to_unit
from noref.lab.distortions.registry import distortion


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


@distortion
def missing_data(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Missing data: rows or blocks replaced by the grey or green of a decoder that has received nothing."""
    height, width = pixels.shape[:2]
    color = rng.choice([[128, 128, 128], [0, 135, 0]])  # mid-grey; all zeros in YCbCr
    lost = np.zeros((height, width), bool)
    if rng.random() < 0.5:
        rows = max(1, round(share * height))
        first = height - rows if rng.random() < 0.7 else int(rng.integers(height - rows + 1))
        lost[first : first + rows] = True
    else:
        side = max(1, round(float(rng.choice([16, 32, 64])) * scale_of(pixels)))
        field = ndimage.gaussian_filter(rng.standard_normal((-(-height // side), -(-width // side))), (0.3, 1.5), mode="wrap")
        blocks = field >= np.quantile(field, 1 - share)
        lost = blocks.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
    return np.where(lost[..., None], color, pixels).astype(np.uint8)
