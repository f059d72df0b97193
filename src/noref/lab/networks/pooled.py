"""Networks to fine-tune: a backbone whose maps become one vector, in front of heads; and the standard one for scores."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from typing_extensions import Self

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.depthwise import with_fast_gradients
from noref.lab.networks.heads import LinearHead
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.networks.pooling import Features, describe, length, shares

CELL = 16  # pixels a side of a cell of the quality map


class PooledNetwork(OutputNetwork):
    """A network whose heads read vectors that describe images.

    Args:
        backbone: Taken over, channels last in memory: on processors this makes training steps much faster.
        features: What describes an image (`networks.pooling`).
        frozen_norms: Keep the pretrained statistics of batch norms; small batches would give poor ones. Their scale and shift
            still learn.
    """

    def __init__(self, backbone: Backbone, features: Features, frozen_norms: bool = True) -> None:
        super().__init__()
        self.backbone = backbone.to(memory_format=torch.channels_last)
        with_fast_gradients(self.backbone)
        self.features, self.frozen_norms = features, frozen_norms

    def describe(self, pixels: Tensor) -> Tensor:
        """Images (uint8, N x H x W x 3) to the vectors that heads read, N x D."""
        return describe(self.backbone(pixels), self.features)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen_norms:
            for layer in self.backbone.modules():
                if isinstance(layer, _NormBase):
                    layer.eval()
        return self


class ScoreNetwork(PooledNetwork):
    """Images (uint8, N x H x W x 3) to scores N by a linear head.

    Args:
        backbone, features, frozen_norms: See `PooledNetwork`.
        dropout: Share of the vector that training replaces by its mean.
    """

    def __init__(self, backbone: Backbone, features: Features, dropout: float = 0.0, frozen_norms: bool = True) -> None:
        super().__init__(backbone, features, frozen_norms)
        self.head = LinearHead(length(backbone.stages, features))
        self.dropout = nn.Dropout(dropout)

    def forward(self, pixels: Tensor) -> Tensor:
        vectors = self.head.mean + self.dropout(self.describe(pixels) - self.head.mean)
        score: Tensor = self.head(vectors)[0]
        return score

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`score`, and `map`, the contribution of each place to first order, whose mean is the score.

        H and W are multiples of 16; a cell of the map has 16 x 16 pixels.
        """
        maps = self.backbone(pixels)
        score, slope = self.head(describe(maps, self.features))
        grid = (pixels.shape[1] // CELL, pixels.shape[2] // CELL)
        return {"score": score, "map": score[:, None, None] + shares(maps, slope, self.features, grid)}
