"""Cumulative histograms of colour channels, luma and chroma as features (ours).

Networks that were trained for classification may have become invariant to exposure and colour casts. These features measure
both directly, at little cost.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 4  # pixels on a side of the squares that are averaged first; H and W must be multiples of it
STEPS = 16  # of each histogram
SCALES = 5  # red, green, blue, luma (BT.601), and chroma: the largest minus the smallest of the three
COUNT = SCALES * (STEPS + 2)
VERSION = 1  # raise it with any change of the values, so that cached features are computed again

_LUMA = (0.299, 0.587, 0.114)


def color_histogram(pixels: Tensor) -> Tensor:
    """Photos (uint8, N x H x W x 3) to N x `COUNT` values from 0 to 1.

    For each step, the (soft) share of pixels above it on each scale; then the mean of each scale, then its standard deviation.
    They are invariant to mirroring and rotation by multiples of 90 degrees.
    """
    colours = F.avg_pool2d(pixels.permute(0, 3, 1, 2) / 255, SIDE)
    luma = (colours * torch.tensor(_LUMA, device=pixels.device)[:, None, None]).sum(dim=1, keepdim=True)
    chroma = colours.amax(dim=1, keepdim=True) - colours.amin(dim=1, keepdim=True)
    scales = torch.cat([colours, luma, chroma], dim=1).flatten(2)
    above = [(scales * STEPS - step).clamp(0, 1).mean(dim=2) for step in range(STEPS)]
    mean = scales.mean(dim=2)
    deviation = (scales - mean[:, :, None]).square().mean(dim=2).sqrt()
    return torch.cat([*above, mean, deviation], dim=1)
