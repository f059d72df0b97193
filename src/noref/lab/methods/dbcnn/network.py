"""The two networks of DB-CNN and their bilinear pooling."""

import torch
import torch.nn.functional as F
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn
from typing_extensions import Self

from noref.lab.errors import LabError
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.heads import LinearHead
from noref.lab.networks.pooled import PooledNetwork

CELL = 16  # pixels on a side of the cells of both maps
WIDTH = 128  # channels of the map of S-CNN
LAYERS = ((48, 1), (48, 2), (64, 1), (64, 2), (64, 1), (64, 2), (128, 1), (128, 1), (WIDTH, 2))  # channels, stride

VERSION = 1  # of `bilinear`: raise it with any change of its values, so that cached features are computed again

_SMALL = 1e-8  # added before the square root, so that the gradient at 0 is finite


class Scnn(nn.Sequential):
    """The nine convolutions of S-CNN: normalised pixels N x 3 x H x W to a map N x 128 x H/16 x W/16."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for (before, _), (channels, stride) in zip(((3, 1), *LAYERS), LAYERS, strict=False):
            layers += _convolution(before, channels, 3, stride)
        super().__init__(*layers)


class ScnnClassifier(nn.Module):
    """S-CNN with its classifier of distortions, for pre-training: photos (uint8, N x H x W x 3) to logits N x classes."""

    def __init__(self, scnn: Scnn, classes: int) -> None:
        super().__init__()
        self.scnn = scnn
        self.projection = nn.Sequential(*_convolution(WIDTH, 256, 1), *_convolution(256, 256, 1))
        self.classifier = nn.Linear(256, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        pooled = self.scnn(normalised(pixels)).mean(dim=(2, 3), keepdim=True)
        logits: Tensor = self.classifier(self.projection(pooled).flatten(1))
        return logits.float()


class BilinearNetwork(PooledNetwork):
    """Photos (uint8, N x H x W x 3) to scores N, by bilinear pooling of the maps of a backbone and S-CNN.

    Args:
        backbone: Its last map with cells of 16 pixels is used: that before the last pooling layer, for VGG-16.

    Raises:
        LabError: The backbone has no such map.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__(backbone, "last")
        self.places = [place for place, stage in enumerate(backbone.stages) if stage.reduction == CELL]
        if not self.places:
            raise LabError(f"the backbone has no map with cells of {CELL} pixels, as S-CNN has; choose another one")
        self.scnn = Scnn().to(memory_format=torch.channels_last)
        self.head = LinearHead(backbone.stages[self.places[-1]].channels * WIDTH)

    def describe(self, pixels: Tensor) -> Tensor:
        """Photos to bilinear features of Euclidean norm 1, N x 128C."""
        return bilinear(self.backbone(pixels)[self.places[-1]], self.scnn(normalised(pixels)).float())

    def forward(self, pixels: Tensor) -> Tensor:
        score: Tensor = self.head(self.describe(pixels))[0]
        return score

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`score`."""
        return {"score": self(pixels)}

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.scnn.eval()  # its batch norms keep their statistics, too
        return self


def bilinear(first: Tensor, second: Tensor) -> Tensor:
    """Bilinear pooling of two maps, N x A x h x w and N x B x h x w, to N x AB (Zhang et al. 2020, section III-C).

    The outer products of the features of both maps are averaged over all places; then follow the signed square root, and
    scaling to Euclidean norm 1.
    """
    with torch.autocast(first.device.type, enabled=False):  # bfloat16 has too few digits for the head, which standardises
        products = first.flatten(2) @ second.flatten(2).transpose(1, 2) / (first.shape[2] * first.shape[3])
    rooted = products.sign() * (products.abs() + _SMALL).sqrt()
    return F.normalize(rooted.flatten(1))


def normalised(pixels: Tensor) -> Tensor:
    """Pixels (uint8, N x H x W x 3) normalised per channel, N x 3 x H x W."""
    mean, std = (pixels.new_tensor(values, dtype=torch.float32) for values in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD))
    return ((pixels / 255 - mean) / std).permute(0, 3, 1, 2)


def _convolution(before: int, after: int, side: int, stride: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(before, after, side, stride, side // 2)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return [layer, nn.BatchNorm2d(after), nn.ReLU()]
