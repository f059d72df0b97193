"""SFA as one module: overlapping crops, a frozen backbone, three aggregations of the features, and one linear head.

Partial least squares predicts a linear function of its inputs, so the mean of three regressions on three aggregations is one
linear function of the aggregations together.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.heads import LinearHead
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.networks.pooling import describe

QUANTILES = (1.0, 0.75, 0.5, 0.25, 0.0)
STATISTICS: Mapping[str, int] = {"mean and deviation": 2, "quantiles": len(QUANTILES), "moments": 4}
"""Number of statistics of each aggregation, in the order of `aggregate`."""

VERSION = 1  # of `SfaNetwork.describe`: raise it with any change of its values, so that cached features are computed again


class SfaNetwork(OutputNetwork):
    """Photos at working size, sides multiples of half a crop and at least one crop, to a score.

    Args:
        backbone: Computes the features of each crop: the mean of the last map.
        side: Side of crops in pixels, even.
    """

    def __init__(self, backbone: Backbone, side: int) -> None:
        super().__init__()
        self.backbone, self.side = backbone, side
        self.head = LinearHead(sum(STATISTICS.values()) * backbone.stages[-1].channels)

    def describe(self, pixels: Tensor) -> Tensor:
        """The aggregated features of one photo, uint8 1 x H x W x 3 to 1 x 11C."""
        return aggregate(describe(self.backbone(overlapping(pixels[0], self.side)), "last"))[None]

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`score` of one photo."""
        return {"score": self.head(self.describe(pixels))[0]}


def overlapping(photo: Tensor, side: int) -> Tensor:
    """All crops at steps of half a side, row by row: H x W x 3, multiples of the step, to count x side x side x 3."""
    step = side // 2
    rows = photo.reshape(-1, step, *photo.shape[1:])
    rows = torch.cat([rows[:-1], rows[1:]], dim=1)
    cells = rows.reshape(*rows.shape[:2], -1, step, 3)
    crops = torch.cat([cells[:, :, :-1], cells[:, :, 1:]], dim=3)
    return crops.permute(0, 2, 1, 3, 4).flatten(0, 1)


def aggregate(vectors: Tensor) -> Tensor:
    """The three aggregations of the features of n crops, n x C to 11C, each statistic for all C features.

    In order: mean and sample standard deviation (0 for a single crop); maximum, upper quartile, median, lower quartile and
    minimum, interpolated as by MATLAB's `prctile`; mean and second to fourth central moment, the latter as the root of their
    order, with the sign of the moment.
    """
    place = torch.arange(vectors.shape[0], device=vectors.device)  # not len(), which the export would take as fixed
    last = place[-1]
    wanted = torch.tensor(QUANTILES, device=vectors.device) * (last + 1) - 0.5
    between = (wanted.clamp(min=0).minimum(last)[:, None] - place).abs()
    quantiles = (1 - between).clamp(min=0) @ vectors.sort(dim=0).values
    mean = vectors.mean(dim=0)
    offsets = vectors - mean
    deviation = (offsets.square().sum(dim=0) / last.clamp(min=1)).sqrt()
    moments = [offsets.pow(order).mean(dim=0) for order in (2, 3, 4)]
    roots = [moment.sign() * moment.abs().pow(1 / order) for order, moment in zip((2, 3, 4), moments, strict=True)]
    return torch.cat([mean, deviation, quantiles.flatten(), mean, *roots])
