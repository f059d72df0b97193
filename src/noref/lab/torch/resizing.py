"""Resizes photos as onnxruntime resizes 8-bit pixels, differentiable with respect to the pixels."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def resize_photo(pixels: Tensor, _roi: None, _scales: None, sizes: list[int], *, mode: str) -> Tensor:
    """The operator Resize of the size policies, with antialiasing.

    Like onnxruntime, it resizes rows before columns, rounds both results to 8 bits, and repeats the pixels at the edges beyond
    them. The gradient is that without rounding.

    Args:
        pixels: N x H x W x 3, 0 to 255.
        sizes: 1, height, width, 3 of the result.
        mode: "linear" or "cubic".
    """
    _, height, width, _ = sizes
    photos = pixels.permute(0, 3, 1, 2)
    photos = _resize_rows(photos, width, mode)
    photos = _resize_rows(photos.transpose(2, 3), height, mode).transpose(2, 3)
    return photos.permute(0, 2, 3, 1)


def clipped(values: Tensor, low: float, high: float) -> Tensor:
    """Values brought to a range. Those at its ends keep their gradient, which `torch.clamp` does not grant."""
    inside = values.clamp(low, high)
    return torch.where(values == inside, values, inside)


def _resize_rows(photos: Tensor, new: int, mode: str) -> Tensor:
    """Photos N x 3 x H x W at another width."""
    height, old = photos.shape[2:]
    if new == old:
        return photos
    resized = F.interpolate(photos, (height, new), mode=f"bi{mode}", antialias=True)
    # Interpolation leaves out what the kernel covers beyond the edges.
    left = _beyond(old, new, 2 if mode == "cubic" else 1).to(photos)
    right = left.flip(0)
    resized = (1 - left - right) * resized + left * photos[..., :1] + right * photos[..., -1:]
    resized = clipped(resized, 0, 255)
    return resized + ((resized + 0.5).floor() - resized).detach()


def _beyond(old: int, new: int, radius: int) -> Tensor:
    """The share of the kernel that lies before the first of `old` pixels, for each of `new` ones.

    Args:
        old: Width before.
        new: Width after.
        radius: Of the kernel, in pixels of the narrower photo: 1 for the triangle, 2 for the cubic one.
    """
    scale = old / new
    stretch = max(scale, 1.0)
    reach = math.ceil(radius * stretch)
    count = min(new, math.ceil(reach / scale) + 1)  # results whose kernel may reach beyond the edge
    centres = (torch.arange(count, dtype=torch.float64) + 0.5) * scale - 0.5
    pixels = torch.arange(-reach, math.ceil(count * scale) + reach)
    weights = _kernel((pixels - centres[:, None]).abs() / stretch, radius)
    return F.pad(weights[:, :reach].sum(dim=1) / weights.sum(dim=1), (0, new - count))


def _kernel(distance: Tensor, radius: int) -> Tensor:
    """The triangle, or Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, equation 15 (a = -1/2)."""
    if radius == 1:
        return (1 - distance).clamp(min=0)
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return torch.where(distance < 1, near, torch.where(distance < 2, far, torch.zeros_like(far)))
