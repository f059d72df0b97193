"""Networks for fine-tuning: a backbone with global pooling, and the standard network for scores."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from typing_extensions import Self

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.depthwise import with_fast_gradients
from noref.lab.networks.heads import LinearHead
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.networks.pooling import Features, describe, length, shares

CELL = 16  # pixels on each side of a cell of the quality map


class PooledNetwork(OutputNetwork):
    """A backbone with global pooling; subclasses add heads.

    Args:
        backbone: Converted in place to channels-last memory format, which makes training on CPUs much faster.
        features: Which maps are pooled, and how (`networks.pooling`).
        frozen_norms: Keep the pretrained statistics of batch norms, since those of small batches are poor. Scale and shift are
            trained nevertheless.
    """

    def __init__(self, backbone: Backbone, features: Features, frozen_norms: bool = True) -> None:
        super().__init__()
        self.backbone = backbone.to(memory_format=torch.channels_last)
        with_fast_gradients(self.backbone)
        self.features, self.frozen_norms = features, frozen_norms

    def describe(self, pixels: Tensor) -> Tensor:
        """Images (uint8, N x H x W x 3) to feature vectors, N x D."""
        return describe(self.backbone(pixels), self.features)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen_norms:
            for layer in self.backbone.modules():
                if isinstance(layer, _NormBase):
                    layer.eval()
        return self


class ScoreNetwork(PooledNetwork):
    """A backbone with global pooling and a linear head: images (uint8, N x H x W x 3) to scores N.

    Args:
        backbone, features, frozen_norms: See `PooledNetwork`.
        dropout: Share of the features that are replaced by their mean during training.
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
