"""PQR as one module: crops, a fine-tuned backbone, a distribution over bins for each crop, and a linear map to the score."""

import torch
from torch import Tensor, nn

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.crops import CELL, Crops
from noref.lab.networks.pooled import PooledNetwork

SHARPNESS = 64  # beta of the target distribution
DROPOUT = 0.5


class PqrNetwork(PooledNetwork):
    """Photos at working size, sides multiples of 16, to score and quality map.

    Args:
        backbone: See `PooledNetwork`.
        crops: The crops that are taken of a photo for prediction.
        bins: Number of bins of the score.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, backbone: Backbone, crops: Crops, bins: int) -> None:
        super().__init__(backbone, "last")
        self.crops, self.dropout = crops, nn.Dropout(DROPOUT)
        self.head = nn.Linear(backbone.stages[-1].channels, bins)
        self.register_buffer("weight", torch.zeros(bins))
        self.register_buffer("bias", torch.zeros(()))

    def forward(self, crops: Tensor) -> Tensor:
        """Crops (uint8, N x side x side x 3) to logits of the bins, N x bins."""
        logits: Tensor = self.head(self.dropout(self.describe(crops)))
        return logits.float()

    def score(self, logits: Tensor) -> Tensor:
        """Logits N x bins to scores N: a linear function of the probabilities."""
        return logits.softmax(dim=1) @ self.weight + self.bias

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`score` and `map` of one image: the mean score of the crops, and the score of the crops that hold each cell."""
        photo = pixels[0]
        scores = self.score(self(self.crops.cut(photo)))
        score, inside = scores.mean(), self.crops.side // CELL
        cells = scores[:, None, None].expand(-1, inside, inside)
        quality = self.crops.lay(cells, photo.shape[0] // CELL, photo.shape[1] // CELL, score)
        return {"score": score[None], "map": quality[None]}


def target(mos: Tensor, bins: int) -> Tensor:
    """The distribution of a score over bins of equal width: N MOS in [0, 1] to N x bins, each row with sum 1.

    Proportional to exp(-64 (mos - centre)^2), the centres being those of the bins (Zeng, Zhang, Bovik 2018).
    """
    centres = (torch.arange(bins, device=mos.device) + 0.5) / bins
    return (-SHARPNESS * (mos[:, None] - centres).square()).softmax(dim=1)
