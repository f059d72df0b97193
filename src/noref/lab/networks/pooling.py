"""Maps to a vector, and a vector's score back to the places that earned it."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.networks.backbone import Stage

Features = Literal["last", "stages"]
"""What describes a photo: the mean of the last map, as is usual, or mean and deviation of the map after every stage.

Early stages see noise, blur and blocks, which a classifier's last layer has learned to look past.
"""

VERSION = 1  # of `describe`: raise it with any change of its values, so that cached features are computed again

_SMALL = 1e-6  # a flat map still has a slope


def length(stages: Sequence[Stage], features: Features) -> int:
    """Of the vector that `describe` gives."""
    return stages[-1].channels if features == "last" else 2 * sum(stage.channels for stage in stages)


def describe(maps: Sequence[Tensor], features: Features) -> Tensor:
    """Maps (N x C x h x w each) to vectors N x D: per stage all means, then all standard deviations."""
    if features == "last":
        return maps[-1].mean(dim=(2, 3))
    return torch.cat([part for cells in maps for part in _moments(cells)], dim=1)


def _moments(cells: Tensor) -> tuple[Tensor, Tensor]:
    mean = cells.mean(dim=(2, 3))
    variance = (cells - mean[:, :, None, None]).square().mean(dim=(2, 3))
    return mean, (variance + _SMALL).sqrt()


def shares(maps: Sequence[Tensor], slope: Tensor, features: Features, grid: tuple[int, int]) -> Tensor:
    """How much each place pulls the score up or down, N x grid; the mean over the grid is 0.

    A score's slope over the vector is spread over the cells whose mean and deviation the vector is: a cell's part in a mean is
    what it has over that mean, its part in a deviation what its squared excess has over the variance. For a linear head on
    means this is the class activation map; for others, its first-order reading.

    Args:
        maps: N x C x h x w each, as described.
        slope: N x D, of the score over `describe(maps, features)`.
        features: As described.
        grid: Rows and columns to give.
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
    fine = share.shape[1] > grid[0]  # of a map finer than the grid, every cell counts, not only those at the sampled places
    resized = F.interpolate(share[:, None], grid, mode="area" if fine else "bilinear")[:, 0]
    return resized - resized.mean(dim=(1, 2), keepdim=True)
