"""What fine-tuned networks share: a backbone whose maps become one vector, in front of a head."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from typing_extensions import Self

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.pooling import Features, describe


class PooledNetwork(nn.Module):
    """A network whose `head` reads the vectors that describe photos.

    Args:
        backbone: Taken over, channels last in memory: on processors this makes training steps much faster.
        features: What describes a photo (`networks.description`).
        frozen_norms: Keep batch norms at the statistics they came with; small batches of photos would give poor ones. Their
            scale and shift still learn.

    Attributes:
        head: Standardises vectors and multiplies them by its parameter `weight`, to which it adds its parameter `bias`.
    """

    head: nn.Module

    def __init__(self, backbone: Backbone, features: Features, frozen_norms: bool = True) -> None:
        super().__init__()
        self.backbone = backbone.to(memory_format=torch.channels_last)
        self.features, self.frozen_norms = features, frozen_norms

    def describe(self, pixels: Tensor) -> Tensor:
        """Photos (uint8, N x H x W x 3) to the vectors that the head reads, N x D."""
        return describe(self.backbone(pixels), self.features)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen_norms:
            for layer in self.backbone.modules():
                if isinstance(layer, _NormBase):
                    layer.eval()
        return self
