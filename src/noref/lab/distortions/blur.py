"""Blur: out of focus, by motion, and by denoising."""

import numpy as np
from scipy import ndimage, signal

from noref.lab.arrays import Pixels
from noref.lab.distortions.arithmetic import Floats, scale_of, to_pixels, to_unit
from noref.lab.distortions.registry import distortion


def _convolve(pixels: Pixels, kernel: Floats) -> Pixels:
    margin = kernel.shape[0] // 2
    padded = np.pad(to_unit(pixels), ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    return to_pixels(signal.fftconvolve(padded, kernel[..., None] / kernel.sum(), mode="valid", axes=(0, 1)))


def guided_filter(unit: Floats, width: int, epsilon: float) -> Floats:
    """Smooth H x W x C values, with the values themselves as the guide; edges above the square root of `epsilon` are kept."""

    def mean(values: Floats) -> Floats:
        return ndimage.uniform_filter(values, (width, width, 0), mode="reflect")

    average = mean(unit)
    variance = mean(unit * unit) - average**2
    slope = variance / (variance + epsilon)
    return mean(slope) * unit + mean(average - slope * average)


@distortion
def gaussian_blur(pixels: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Gaussian blur."""
    sigma *= scale_of(pixels)
    return to_pixels(ndimage.gaussian_filter(to_unit(pixels), (sigma, sigma, 0), mode="reflect"))


@distortion
def lens_blur(pixels: Pixels, radius: float, rng: np.random.Generator) -> Pixels:
    """Lens blur: out of focus, each point becomes a disc."""
    radius *= scale_of(pixels)
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    # A soft edge of half a pixel: otherwise small discs of different radii would have equal kernels.
    return _convolve(pixels, np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32))


@distortion
def motion_blur(pixels: Pixels, length: float, rng: np.random.Generator) -> Pixels:
    """Motion blur: the camera moves along a line of random direction."""
    length *= scale_of(pixels)
    angle = rng.uniform(0, np.pi)
    reach = int(np.ceil(length / 2))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = np.abs(x * np.cos(angle) + y * np.sin(angle))
    across = np.abs(y * np.cos(angle) - x * np.sin(angle))
    line = np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1)
    return _convolve(pixels, line.astype(np.float32))


@distortion
def denoise(pixels: Pixels, radius_epsilon: tuple[float, float], rng: np.random.Generator) -> Pixels:
    """Excessive denoising: texture removed, edges kept.

    A guided filter (He, Sun, Tang, TPAMI 35(6), 2013) with the photo itself as the guide.
    """
    radius, epsilon = radius_epsilon
    unit = to_unit(pixels)
    return to_pixels(guided_filter(unit, 2 * max(1, round(radius * scale_of(pixels))) + 1, epsilon))
