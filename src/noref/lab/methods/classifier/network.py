"""SimpleNet, and a backbone with a classification head: images (uint8, N x H x W x 3) to logits N x K."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from timm.models import group_parameters
from torch import Tensor, nn

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.networks.pooled import PooledNetwork
from noref.lab.networks.pooling import Features, length

Output = Literal["softmax", "sigmoid"]
"""How K logits become probabilities: a softmax, or (as in the paper) a sigmoid for each class, divided by their sum."""

CHANNELS = (3, 32, 64, 64, 128, 128, 256, 256)
LADDER = (0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5)
"""Dropout rates of SimpleNet: after convolutions 2 to 7, and after the hidden layer (not stated by Elaraby et al. 2023)."""
GRID = 4  # cells on each side of SimpleNet's last map, for an image of SIDE x SIDE pixels
SIDE = 256
HIDDEN = 64
_AROUND = 2  # radius in pixels of the mean filter that separates detail from its surroundings


def probabilities(logits: Tensor, output: Output) -> Tensor:
    """Probabilities N x K of logits N x K; each row sums to 1."""
    if output == "softmax":
        return logits.softmax(dim=1)
    return F.normalize(logits.sigmoid(), p=1, dim=1)


class SimpleNet(OutputNetwork):
    """The network of Elaraby et al. 2023, table 2: 1,425,606 parameters with six classes.

    Seven 3 x 3 convolutions with bias, each but the first followed by max pooling, then a hidden layer of 64 units, which takes
    4 x 4 cells. An image of 256 x 256 pixels has exactly these; for other sizes, the last map is averaged over 4 x 4 areas of
    equal size, so that the whole image is used at its own resolution.

    Args:
        classes: K.
        dropout: Rates as in `LADDER`.
        squash: Resize images to 256 x 256 pixels first, regardless of their aspect ratio.
        detail: Gain of `amplified`; 1 for none.
        output: How `outputs` computes probabilities.
    """

    def __init__(
        self,
        classes: int,
        dropout: Sequence[float] = LADDER,
        squash: bool = False,
        detail: float = 1.0,
        output: Output = "softmax",
    ) -> None:
        super().__init__()
        self.squash, self.detail, self.output = squash, detail, output
        *early, before_hidden, after_hidden = dropout
        layers = [*_convolution(*CHANNELS[:2]), *_convolution(*CHANNELS[1:3])]
        for rate, before, after in zip(early, CHANNELS[2:-1], CHANNELS[3:], strict=True):
            layers += [nn.MaxPool2d(2), nn.Dropout(rate), *_convolution(before, after)]
        self.features = nn.Sequential(*layers, nn.MaxPool2d(2)).to(memory_format=torch.channels_last)
        self.classifier = nn.Sequential(
            nn.Dropout(before_hidden),
            nn.Flatten(),
            nn.Linear(GRID**2 * CHANNELS[-1], HIDDEN),
            nn.ReLU(),
            nn.Dropout(after_hidden),
            nn.Linear(HIDDEN, classes),
        )
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)

    def forward(self, pixels: Tensor) -> Tensor:
        """Images to logits; sides of at least 64 pixels, unless `squash` is set."""
        photos = pixels.permute(0, 3, 1, 2) / 127.5 - 1
        if self.squash:
            photos = area_mean(photos, SIDE)
        if self.detail != 1:
            photos = amplified(photos, self.detail)
        logits: Tensor = self.classifier(area_mean(self.features(photos), GRID))
        return logits

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`defects`."""
        return {"defects": probabilities(self(pixels), self.output)}


def amplified(photos: Tensor, detail: float) -> Tensor:
    """Photos, N x C x H x W, whose deviation from the local mean (5 x 5 pixels) is multiplied by `detail`.

    Neighbouring pixels of photos are highly correlated, so noise, blocking and blur contribute little to the input, and a
    network with random weights learns them last.
    """
    mean = F.avg_pool2d(F.pad(photos, (_AROUND,) * 4, mode="replicate"), 2 * _AROUND + 1, stride=1)
    return mean + detail * (photos - mean)


def _convolution(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]


def area_mean(maps: Tensor, side: int) -> Tensor:
    """Means over side x side areas of equal size, N x C x side x side; a cell on a border counts in proportion on both sides.

    Args:
        maps: N x C x h x w. Maps of side x side cells are unchanged; smaller ones are enlarged.
        side: Number of areas in each direction.
    """
    return _shares(maps, 2, side) @ maps @ _shares(maps, 3, side).T


def _shares(maps: Tensor, axis: int, areas: int) -> Tensor:
    """Weights of the cells along an axis in each area, areas x cells; rows sum to 1. Can be traced for maps of any size."""
    cells = maps.shape[axis]
    start = torch.arange(cells, device=maps.device, dtype=torch.float32)
    border = torch.arange(areas + 1, device=maps.device, dtype=torch.float32) * cells / areas
    overlap = torch.minimum(border[1:, None], start + 1) - torch.maximum(border[:-1, None], start)
    return (overlap.clamp(min=0) * areas / cells).to(maps.dtype)


class ClassHead(nn.Module):
    """A linear layer on standardised features: vectors N x D to logits N x K.

    Args:
        inputs: D.
        classes: K.
        dropout: Dropout rate on the standardised features.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(inputs, classes)

    def forward(self, vectors: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.dropout((vectors - self.mean) / self.scale))
        return logits


class BackboneClassifier(PooledNetwork):
    """A backbone, pooled features and a classification head. Batch norms keep their pretrained statistics.

    Args:
        backbone, features: See `PooledNetwork`.
        classes: K.
        dropout: See `ClassHead`.
        output: How `outputs` computes probabilities.
    """

    def __init__(
        self, backbone: Backbone, features: Features, classes: int, dropout: float, output: Output = "softmax"
    ) -> None:
        super().__init__(backbone, features)
        self.output = output
        self.head = ClassHead(length(backbone.stages, features), classes, dropout)

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.head(self.describe(pixels))
        return logits

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`defects`."""
        return {"defects": probabilities(self(pixels), self.output)}


def freeze_all_but_last(body: nn.Module, blocks: int) -> None:
    """Freeze all parameters of a network except those of its last blocks; what is frozen already stays so.

    Args:
        body: A network. Blocks are those of its `group_matcher`, which timm's networks have; otherwise, single layers.
        blocks: Number of blocks to train; all if there are fewer.
    """
    names = [name for name, _ in body.named_parameters()]
    matcher = getattr(body, "group_matcher", None)
    block_of = (
        group_parameters(body, matcher(coarse=False), reverse=True)
        if matcher
        else {name: name.rpartition(".")[0] for name in names}
    )
    in_order = list(dict.fromkeys(sorted(block_of.values()) if matcher else block_of.values()))
    trained = in_order[max(len(in_order) - blocks, 0) :]
    for name, parameter in body.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and block_of[name] in trained)
