"""Conversions between stored pixels, unit range and linear light, and resizing, shared by the distortions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from noref.lab.arrays import Pixels

Floats = npt.NDArray[np.floating[Any]]

# Full-range ITU-R BT.601, as JPEG uses it.
RGB_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
YCC_TO_RGB = np.linalg.inv(RGB_TO_YCC).astype(np.float32)


def to_unit(pixels: Pixels) -> Floats:
    """Convert uint8 from 0 to 255 to float32 in [0, 1]."""
    return pixels.astype(np.float32) / 255


def to_pixels(values: Floats) -> Pixels:
    """Clip floats to [0, 1] and convert them to uint8 from 0 to 255."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def to_linear(pixels: Pixels) -> Floats:
    """Convert sRGB pixels to linear light in [0, 1] (IEC 61966-2-1)."""
    values = to_unit(pixels)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def from_linear(light: Floats) -> Pixels:
    """Clip linear light to [0, 1] and convert it to sRGB pixels."""
    light = np.clip(light, 0, 1)
    return to_pixels(np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32))


def scale_of(pixels: Pixels) -> float:
    """The ratio of the photo's short side to 512 pixels, by which lengths in the table of levels are multiplied.

    At least 0.5, so that the distortion stays visible in a small crop.
    """
    return max(min(pixels.shape[:2]) / 512, 0.5)


def reduced(pixels: Pixels, factor: float) -> Pixels:
    """Reduce a photo by a factor that is given for a short side of 512 pixels."""
    height, width = pixels.shape[:2]
    factor = 1 + (factor - 1) * scale_of(pixels)
    return resized(pixels, (max(1, round(height / factor)), max(1, round(width / factor))), Image.Resampling.BICUBIC)


def resized(pixels: Pixels, shape: Sequence[int], method: Image.Resampling) -> Pixels:
    """Resize a photo to the height and width with which `shape` begins; the result is a writable copy."""
    return np.asarray(Image.fromarray(pixels).resize((shape[1], shape[0]), method)).copy()
