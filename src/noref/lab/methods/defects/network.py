"""A backbone, pooled features, and an ordinal head for the families of defects."""

from torch import Tensor

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.ordinal import OrdinalHead, read
from noref.lab.networks.pooled import PooledNetwork
from noref.lab.networks.pooling import Features, length


class DefectNetwork(PooledNetwork):
    """Photos (uint8, N x H x W x 3) to ordinal logits N x K x 5 (see `networks.ordinal`).

    Args:
        backbone, features, frozen_norms: See `PooledNetwork`.
    """

    def __init__(self, backbone: Backbone, features: Features, frozen_norms: bool = True) -> None:
        super().__init__(backbone, features, frozen_norms)
        self.head = OrdinalHead(length(backbone.stages, features))

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.head(self.describe(pixels))
        return logits

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`defects` and `levels`."""
        found = read(self(pixels))
        return {"defects": found.probabilities, "levels": found.levels}
