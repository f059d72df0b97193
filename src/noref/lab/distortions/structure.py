"""What processing chains do to edges, gradients and detail."""

import numpy as np
from PIL import Image
from scipy import ndimage

from noref.lab.distortions.arithmetic import scale_of, to_pixels, to_unit
from noref.lab.distortions.registry import Pixels, distortion


def _there_and_back(pixels: Pixels, factor: float, down: Image.Resampling, up: Image.Resampling) -> Pixels:
    height, width = pixels.shape[:2]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    return np.asarray(Image.fromarray(pixels).resize(small, down).resize((width, height), up)).copy()


@distortion("banding")
def banding(pixels: Pixels, steps: int, rng: np.random.Generator) -> Pixels:
    """Banding: gradients cut into steps."""
    return to_pixels(np.rint(to_unit(pixels) * (steps - 1)) / (steps - 1))


@distortion("pixelation")
def pixelation(pixels: Pixels, block: float, rng: np.random.Generator) -> Pixels:
    """Pixelation: flat blocks."""
    return _there_and_back(pixels, 1 + (block - 1) * scale_of(pixels), Image.Resampling.BOX, Image.Resampling.NEAREST)


@distortion("pixelation")
def resampling(pixels: Pixels, factor: float, rng: np.random.Generator) -> Pixels:
    """Resampling: a small picture enlarged."""
    return _there_and_back(pixels, factor, Image.Resampling.BICUBIC, Image.Resampling.BICUBIC)


@distortion("over-sharpening")
def over_sharpening(pixels: Pixels, gain: float, rng: np.random.Generator) -> Pixels:
    """Over-sharpening: halos round the edges."""
    unit = to_unit(pixels)
    sigma = 1.5 * scale_of(pixels)
    return to_pixels(unit + gain * (unit - ndimage.gaussian_filter(unit, (sigma, sigma, 0), mode="reflect")))
