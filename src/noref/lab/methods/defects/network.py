"""Any backbone, its maps described by one vector, and for each family of defects five yes-or-no questions.

The questions are whether the level is at least 1, 2 … 5 (Frank and Hall, "A Simple Approach to Ordinal Classification", ECML
2001). The answer to the first is the probability that the defect is there; the sum of all answers is the expected level. So one
cross-entropy teaches both, the level needs no clipping and no mask where the defect is absent, and levels count as ordered, but
not as evenly spaced.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from noref.lab.distortions.chains import FAMILIES, HIGHEST
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.pooled import PooledNetwork
from noref.lab.networks.pooling import Features, length


class Found(NamedTuple):
    """What the network says of N photos, families in the order of `chains.FAMILIES`.

    Attributes:
        probabilities: N x K, that a defect is there.
        levels: N x K, 0 (not there) to 5 (severe).
    """

    probabilities: Tensor
    levels: Tensor


class OrdinalHead(nn.Module):
    """Vectors N x D to logits N x K x L: that the k-th of K things is at least at the l-th of L steps.

    Args:
        length: D.
        things: K.
        steps: L.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, length: int, things: int = len(FAMILIES), steps: int = HIGHEST) -> None:
        super().__init__()
        self.shape = (-1, things, steps)
        self.register_buffer("mean", torch.zeros(length))
        self.register_buffer("scale", torch.ones(length))
        self.weight = nn.Parameter(torch.zeros(things * steps, length))
        self.bias = nn.Parameter(torch.zeros(things * steps))

    def standardise(self, sample: Tensor) -> None:
        """Take mean and scale from a sample of vectors, n x D; what is alike in all of them is left as it is."""
        scaler = StandardScaler().fit(sample.numpy())
        self.mean.copy_(torch.from_numpy(scaler.mean_))
        self.scale.copy_(torch.from_numpy(scaler.scale_))

    def forward(self, vectors: Tensor) -> Tensor:
        return F.linear((vectors - self.mean) / self.scale, self.weight, self.bias).float().reshape(self.shape)


class DefectNetwork(PooledNetwork):
    """Photos (uint8, N x H x W x 3) to logits N x K x 5; `read` turns them into what a person wants to know.

    Args:
        backbone, features, frozen_norms: See `PooledNetwork`.
    """

    def __init__(self, backbone: Backbone, features: Features, frozen_norms: bool = True) -> None:
        super().__init__(backbone, features, frozen_norms)
        self.head = OrdinalHead(length(backbone.stages, features))

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.head(self.describe(pixels))
        return logits


def read(logits: Tensor) -> Found:
    """Logits N x K x 5 to probabilities and levels."""
    answers = logits.sigmoid()
    return Found(answers[..., 0], answers.sum(dim=2))
