"""What the distortions share: moving between stored pixels and the numbers one computes with."""

from typing import Any

import numpy as np
import numpy.typing as npt

from noref.lab.distortions.registry import Pixels

Floats = npt.NDArray[np.floating[Any]]

# Full-range ITU-R BT.601, as JPEG uses it.
RGB_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
YCC_TO_RGB = np.linalg.inv(RGB_TO_YCC).astype(np.float32)


def to_unit(pixels: Pixels) -> Floats:
    """uint8 in 0..255 to float in [0, 1]."""
    return pixels.astype(np.float32) / 255


def to_pixels(values: Floats) -> Pixels:
    """Float in [0, 1], clipped, to uint8 in 0..255."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def to_linear(pixels: Pixels) -> Floats:
    """Bring sRGB pixels to linear light in [0, 1] (IEC 61966-2-1)."""
    values = to_unit(pixels)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def from_linear(light: Floats) -> Pixels:
    """Linear light, clipped to [0, 1], to sRGB pixels."""
    light = np.clip(light, 0, 1)
    return to_pixels(np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32))


def scale_of(pixels: Pixels) -> float:
    """How much larger the photo is than a short side of 512: lengths in `LEVELS` are multiplied by it.

    Never below a half, so that a small crop still shows the distortion.
    """
    return max(min(pixels.shape[:2]) / 512, 0.5)
