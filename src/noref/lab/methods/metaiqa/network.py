"""The network of MetaIQA: a pretrained backbone and three fully connected layers."""

import torch.nn.functional as F
from torch import Tensor, nn

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.pooled import PooledNetwork

WIDTHS = (1024, 512)
DROPOUT = 0.5


class MetaIqaNetwork(PooledNetwork):
    """Photos (uint8, N x H x W x 3) to scores N, strictly between 0 and 1."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__(backbone, "last")
        before, layers = backbone.stages[-1].channels, list[nn.Module]()
        for width in WIDTHS:
            layers += [nn.Linear(before, width), _Norm(width), nn.PReLU(), nn.Dropout(DROPOUT)]
            before = width
        self.head = nn.Sequential(*layers, nn.Linear(before, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        score: Tensor = self.head(self.describe(pixels))[:, 0].float().sigmoid()
        return score

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`score`."""
        return {"score": self(pixels)}


class _Norm(nn.BatchNorm1d):
    """A batch norm that uses its running statistics for a batch of one photo, which has no statistics of its own."""

    def forward(self, vectors: Tensor) -> Tensor:
        if self.training and len(vectors) == 1:
            return F.batch_norm(vectors, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(vectors)
