"""The maps of DIQA: what the network sees, what stage 1 must predict, and how far to trust it.

Photos are luma in [0, 1], tensors of N x 1 x H x W with H and W multiples of 4. Sources: Kim, Nguyen, Lee, "Deep CNN-Based
Blind Image Quality Predictor", TNNLS 30(1), 2019; the filters are those of the same authors' DeepQA release.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

REDUCTION = 4  # maps are a quarter of the photo on each side
EPSILON = 1e-6  # keeps flat photos, where reliability is 0 everywhere, from dividing by zero


def _binomial(like: Tensor) -> Tensor:
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=like.dtype, device=like.device) / 16
    return (row[:, None] * row[None, :])[None, None]


def shrink(maps: Tensor) -> Tensor:
    """Low-pass and halve, twice: N x 1 x H x W to N x 1 x H/4 x W/4.

    Edges are replicated where the authors pad with zeros, so that a flat photo stays flat up to its border.
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
    """What is left of a photo after `shrink` and `grow`."""
    return grow(shrink(luma))


def reliability(detail: Tensor, alpha: float = 1.0) -> Tensor:
    """How far an error at each pixel can be seen in the distorted photo: 2 / (1 + exp(-alpha |detail|)) - 1, in [0, 1).

    Flat regions get 0: what was lost there cannot be told from the distorted photo alone.
    """
    return 2 * torch.sigmoid(alpha * detail.abs()) - 1


def relative_reliability(detail: Tensor, alpha: float = 1.0) -> Tensor:
    """Reliability over its own mean, at a quarter of the size: weights of mean 1, or all 0 for a flat photo."""
    weights = reliability(detail, alpha)
    return shrink(weights / (weights.mean(dim=(-2, -1), keepdim=True) + EPSILON))


def error_map(reference: Tensor, distorted: Tensor, power: float = 0.2) -> Tensor:
    """The objective error map that stage 1 learns: |reference - distorted| ** power, at a quarter of the size.

    The small power spreads the many small differences over the range; at 1 nearly all targets would lie near 0.
    """
    return shrink((reference - distorted).abs() ** power)
