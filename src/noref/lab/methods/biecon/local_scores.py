"""Stage 1 of BIECON: the target, local scores of a full-reference metric (SSIM), and the Lightning module."""

import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.methods.biecon.network import Biecon
from noref.lab.networks.patches import SIDE, as_planes, cut, filtered, luma
from noref.lab.training.modules import LossModule

REDUCTION = 2  # SSIM is computed at half the size, as in the authors' release
WINDOW = 11  # side of its window, at that size
BORDER = REDUCTION * (WINDOW // 2)  # pixels at each edge of a crop without a value
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim_map(reference: Tensor, distorted: Tensor) -> Tensor:
    """The structural similarity of each pixel whose window lies inside, N x 1 x (H - 10) x (W - 10).

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
    TIP 13(4), 2004, with its Gaussian window of 11 pixels and deviation 1.5.

    Args:
        reference: N x 1 x H x W, 0 to 255.
        distorted: The same.
    """
    offsets = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    taps = torch.softmax(-offsets.square() / (2 * 1.5**2), dim=0).tolist()
    means = [filtered(luma, taps) for luma in (reference, distorted)]
    squares = [filtered(luma.square(), taps) - mean.square() for luma, mean in zip((reference, distorted), means, strict=True)]
    covariance = filtered(reference * distorted, taps) - means[0] * means[1]
    likeness = (2 * means[0] * means[1] + _C1) / (means[0].square() + means[1].square() + _C1)
    return likeness * (2 * covariance + _C2) / (squares[0] + squares[1] + _C2)


def local_ssim(reference: Tensor, distorted: Tensor) -> Tensor:
    """The mean SSIM of each patch of the grid inside the border of photos: N x (rows x columns).

    Args:
        reference: RGB planes, N x 3 x (32 rows + 2 `BORDER`) x (32 columns + 2 `BORDER`), 0 to 255.
        distorted: The same.
    """
    halves = [F.avg_pool2d(luma(planes), REDUCTION) for planes in (reference, distorted)]
    return F.avg_pool2d(ssim_map(*halves), SIDE // REDUCTION).flatten(1)


class LocalScoreModule(LossModule):
    """Stage 1: predict the mean SSIM of each patch of distorted photos without their references, by mean squared error."""

    network: Biecon

    def loss(self, batch: list[Tensor]) -> Tensor:
        """Loss of pairs of reference and distorted image, uint8, N x H x W x 3 each."""
        reference, distorted = (whole_patches(as_planes(pixels)) for pixels in batch)
        kept = BORDER - self.network.margin
        patches = cut(self.network.prepare(distorted[..., kept:-kept, kept:-kept]))
        return F.mse_loss(self.network.local_scores(patches), local_ssim(reference, distorted))


def whole_patches(planes: Tensor) -> Tensor:
    """Crop planes to whole patches inside the border."""
    height, width = ((side - 2 * BORDER) // SIDE * SIDE + 2 * BORDER for side in planes.shape[-2:])
    return planes[..., :height, :width]
