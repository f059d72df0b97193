"""The maps of DIQA: its low-pass filter, the error map that stage 1 predicts, and the reliability map that weights the loss.

Photos are luma in [0, 1], tensors of N x 1 x H x W with H and W multiples of 4. Sources: Kim, Nguyen, Lee, "Deep CNN-Based
Blind Image Quality Predictor", TNNLS 30(1), 2019; the filters are those of the same authors' DeepQA release.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

REDUCTION = 4  # the sides of maps are a quarter of the photo's
EPSILON = 1e-6  # avoids a division by zero for flat photos, whose reliability is 0 everywhere


def _binomial(like: Tensor) -> Tensor:
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=like.dtype, device=like.device) / 16
    return (row[:, None] * row[None, :])[None, None]


def shrink(maps: Tensor) -> Tensor:
    """Low-pass and halve, twice: N x 1 x H x W to N x 1 x H/4 x W/4.

    Edges are replicated (the authors pad with zeros), so that a flat photo remains flat up to its border.
    """
    for _ in range(2):
        maps = F.conv2d(F.pad(maps, (2, 2, 2, 2), mode="replicate"), _binomial(maps), stride=2)
    return maps


def grow(maps: Tensor) -> Tensor:
    """The transpose of `shrink`: N x 1 x h x w to N x 1 x 4h x 4w, constant where its input is constant."""
    for _ in range(2):
        padded = F.pad(maps, (1, 1, 1, 1), mode="replicate")
        maps = F.conv_transpose2d(padded, 4 * _binomial(maps), stride=2, padding=2, output_padding=1)[..., 2:-2, 2:-2]
    return maps


def low_pass(luma: Tensor) -> Tensor:
    """The low-pass version of a photo: `shrink`, then `grow`."""
    return grow(shrink(luma))


def reliability(detail: Tensor, alpha: float = 1.0) -> Tensor:
    """Reliability of the error at each pixel of the distorted photo: 2 / (1 + exp(-alpha |detail|)) - 1, in [0, 1).

    It is 0 in flat regions, where the distorted photo alone does not show what was lost.
    """
    return 2 * torch.sigmoid(alpha * detail.abs()) - 1


def relative_reliability(detail: Tensor, alpha: float = 1.0) -> Tensor:
    """Reliability divided by its mean, at a quarter of the size: mean 1, or all 0 for a flat photo."""
    weights = reliability(detail, alpha)
    return shrink(weights / (weights.mean(dim=(-2, -1), keepdim=True) + EPSILON))


def error_map(reference: Tensor, distorted: Tensor, power: float = 0.2) -> Tensor:
    """The objective error map, the target of stage 1: |reference - distorted| ** power, at a quarter of the size.

    Most differences are small: a small power spreads them over the range, while at 1 nearly all targets would be close to 0.
    """
    return shrink((reference - distorted).abs() ** power)
