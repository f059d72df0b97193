"""Global pooling of maps to a feature vector, and the contribution of each cell to a score of that vector."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.networks.backbone import Stage

Features = Literal["last", "stages"]
"""Features of a photo: the mean of the last map, as usual, or mean and standard deviation of the maps of all stages.

Early stages respond to noise, blur and blocking, to which the last layer of a classifier is largely invariant.
"""

VERSION = 1  # of `describe`: raise it with any change of its values, so that cached features are computed again

_SMALL = 1e-6  # added to the variance, so that the gradient of a flat map is finite


def length(stages: Sequence[Stage], features: Features) -> int:
    """Length of the vectors that `describe` returns.

    Examples:
        >>> length([Stage(channels=4, reduction=8), Stage(channels=6, reduction=32)], "stages")
        20
    """
    return stages[-1].channels if features == "last" else 2 * sum(stage.channels for stage in stages)


def describe(maps: Sequence[Tensor], features: Features) -> Tensor:
    """Pool maps (N x C x h x w each) to vectors N x D; for "stages", means and standard deviations of each stage.

    Examples:
        >>> maps = [torch.ones(1, 4, 8, 8), torch.ones(1, 6, 2, 2)]
        >>> describe(maps, "last").shape, describe(maps, "stages").shape
        (torch.Size([1, 6]), torch.Size([1, 20]))
    """
    if features == "last":
        return maps[-1].mean(dim=(2, 3))
    return torch.cat([part for cells in maps for part in _moments(cells)], dim=1)


def _moments(cells: Tensor) -> tuple[Tensor, Tensor]:
    mean = cells.mean(dim=(2, 3))
    variance = (cells - mean[:, :, None, None]).square().mean(dim=(2, 3))
    return mean, (variance + _SMALL).sqrt()


MEANING_OF_SHARES = (
    "local quality, higher is better: how each place pulls the score up or down, to first order; the mean over the map is the "
    "score before clipping to 0 to 100"
)
"""What a map of the score plus `shares` means, for users."""


def shares(maps: Sequence[Tensor], slope: Tensor, features: Features, grid: tuple[int, int]) -> Tensor:
    """How much each cell raises or lowers the score, N x grid; the mean over the grid is 0.

    The gradient of the score with respect to the vector is distributed over the cells: for a mean, in proportion to the
    deviation of a cell from it; for a standard deviation, in proportion to the deviation of its squared excess from the
    variance. For a linear head on means, this is the class activation map; otherwise, a first-order approximation.

    Args:
        maps: N x C x h x w each, as for `describe`.
        slope: Gradient of the score with respect to `describe(maps, features)`, N x D.
        features: As for `describe`.
        grid: Rows and columns of the result.
    """
    if features == "last":
        return _on_grid(_share_of_mean(maps[-1], slope), grid)
    total = slope.new_zeros(len(slope), *grid)
    for cells, part in zip(maps, torch.split(slope, [2 * cells.shape[1] for cells in maps], dim=1), strict=True):
        of_mean, of_deviation = part.chunk(2, dim=1)
        mean, deviation = _moments(cells)
        excess = (cells - mean[:, :, None, None]).square() - (deviation.square() - _SMALL)[:, :, None, None]
        by_deviation = torch.einsum("nc,nchw->nhw", of_deviation / (2 * deviation), excess)
        total = total + _on_grid(_share_of_mean(cells, of_mean) + by_deviation, grid)
    return total


def _share_of_mean(cells: Tensor, slope: Tensor) -> Tensor:
    return torch.einsum("nc,nchw->nhw", slope, cells - cells.mean(dim=(2, 3), keepdim=True))


def _on_grid(share: Tensor, grid: tuple[int, int]) -> Tensor:
    fine = share.shape[1] > grid[0]  # average all cells of a map finer than the grid, instead of sampling some
    resized = F.interpolate(share[:, None], grid, mode="area" if fine else "bilinear")[:, 0]
    return resized - resized.mean(dim=(1, 2), keepdim=True)
