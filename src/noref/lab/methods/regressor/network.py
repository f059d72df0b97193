"""Any backbone, its maps described by one vector, and a linear head."""

from typing import NamedTuple

from torch import Tensor, nn

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.heads import LinearHead
from noref.lab.networks.pooled import PooledNetwork
from noref.lab.networks.pooling import Features, describe, length, shares

CELL = 16  # pixels a side of a cell of the quality map


class Assessed(NamedTuple):
    """What the network says of N photos of H x W pixels.

    Attributes:
        score: N, on the scale of the opinions it was trained on (higher is better).
        quality: N x H/16 x W/16, same scale; its mean is `score`.
    """

    score: Tensor
    quality: Tensor


class Regressor(PooledNetwork):
    """Photos (uint8, N x H x W x 3) to scores.

    Args:
        backbone, features, frozen_norms: See `PooledNetwork`.
        dropout: Share of the vector that training sets to its mean.
    """

    head: LinearHead

    def __init__(self, backbone: Backbone, features: Features, dropout: float = 0.0, frozen_norms: bool = True) -> None:
        super().__init__(backbone, features, frozen_norms)
        self.head = LinearHead(length(backbone.stages, features))
        self.dropout = nn.Dropout(dropout)

    def forward(self, pixels: Tensor) -> Tensor:
        vectors = self.head.mean + self.dropout(self.describe(pixels) - self.head.mean)
        score: Tensor = self.head(vectors)[0]
        return score

    def assess(self, pixels: Tensor) -> Assessed:
        """Scores, and which places earned them; H and W are multiples of 16."""
        maps = self.backbone(pixels)
        score, slope = self.head(describe(maps, self.features))
        grid = (pixels.shape[1] // CELL, pixels.shape[2] // CELL)
        return Assessed(score, score[:, None, None] + shares(maps, slope, self.features, grid))
