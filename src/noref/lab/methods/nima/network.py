"""The network of NIMA: a backbone, global average pooling, dropout, and a softmax over ten ratings."""

import torch
from torch import Tensor, nn

from noref.lab.methods.nima.distribution import BINS, mean_of
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.pooled import CELL, PooledNetwork
from noref.lab.networks.pooling import describe, shares

DROPOUT = 0.75


class Nima(PooledNetwork):
    """Images (uint8, N x H x W x 3) to distributions of ratings, N x 10.

    Args:
        backbone, frozen_norms: See `PooledNetwork`.
    """

    def __init__(self, backbone: Backbone, frozen_norms: bool) -> None:
        super().__init__(backbone, "last", frozen_norms)
        self.dropout, self.head = nn.Dropout(DROPOUT), nn.Linear(backbone.stages[-1].channels, BINS)

    @torch.no_grad()
    def start_at(self, distribution: Tensor) -> None:
        """Initialise to a constant distribution (10): gradients of a random head would damage the pretrained features."""
        self.head.weight.zero_()
        self.head.bias.copy_(distribution.log())

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.dropout(self.describe(pixels))).float().softmax(dim=1)

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`score`, the mean of the distribution; `map`, the contribution of each place to first order, with the same mean."""
        maps = self.backbone(pixels)
        predicted = self.head(describe(maps, self.features)).softmax(dim=1)
        score = mean_of(predicted)
        # The gradient of the mean of a softmax: the covariance of the ratings and the rows of the last layer.
        centred = self.head.weight[None] - (predicted @ self.head.weight)[:, None]
        slope = mean_of((predicted[:, :, None] * centred).transpose(1, 2))
        grid = (pixels.shape[1] // CELL, pixels.shape[2] // CELL)
        return {"score": score, "map": score[:, None, None] + shares(maps, slope, self.features, grid)}
