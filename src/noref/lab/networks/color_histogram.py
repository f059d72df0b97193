"""How bright and colourful a photo is, and where on these scales its parts lie (ours).

Networks that were trained to name what is in a photo may have learned to look past its light and colour casts. These figures
say both outright, at hardly any cost.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 4  # of the squares of pixels whose means are looked at; H and W must be multiples of it
STEPS = 16  # from dark to light
SCALES = 5  # red, green, blue, luma (BT.601) and the distance of the strongest of the three from the weakest
COUNT = SCALES * (STEPS + 2)
VERSION = 1  # of the formula: whoever changes it makes old figures in caches worthless

_LUMA = (0.299, 0.587, 0.114)


def color_histogram(pixels: Tensor) -> Tensor:
    """Photos (uint8, N x H x W x 3) to N x `COUNT` values from 0 to 1.

    For each step, the share of the photo that lies above it on each scale, softly; then each scale's mean, then its standard
    deviation. They are the same for a mirrored or turned photo.
    """
    colours = F.avg_pool2d(pixels.permute(0, 3, 1, 2) / 255, SIDE)
    luma = (colours * torch.tensor(_LUMA, device=pixels.device)[:, None, None]).sum(dim=1, keepdim=True)
    mos_std = colours.amax(dim=1, keepdim=True) - colours.amin(dim=1, keepdim=True)
    scales = torch.cat([colours, luma, mos_std], dim=1).flatten(2)
    above = [(scales * STEPS - step).clamp(0, 1).mean(dim=2) for step in range(STEPS)]
    mean = scales.mean(dim=2)
    deviation = (scales - mean[:, :, None]).square().mean(dim=2).sqrt()
    return torch.cat([*above, mean, deviation], dim=1)
