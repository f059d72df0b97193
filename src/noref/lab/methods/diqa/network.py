"""The networks of DIQA and DIQA-SENS.

Inputs are uint8 pixels N x H x W x 3, with H and W at least 36 and multiples of 4 (as from `noref.lab.preprocessing`); maps are
returned at a quarter of the size.
"""

from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from noref.lab.methods.diqa import maps
from noref.lab.networks.initial import initialise
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.networks.patches import as_planes, luma
from noref.lab.settings import settings

BORDER = 4  # cells on each side of a map that depend on padding; excluded from pooling and losses
SMALLEST = maps.REDUCTION * (2 * BORDER + 1)  # pixels on a side, so that one cell remains


@settings
class Design:
    """The options of the paper's ablations, and the constants of its formulas."""

    normalise: bool = True
    """Subtract the low-pass version from the input."""
    reliability: bool = True
    """Weight the stage-1 loss by the reliability map."""
    features: bool = True
    """Give the head the two handcrafted features."""
    sensitivity: bool = False
    """Build DIQA-SENS, with its own sensitivity network, instead of DIQA."""
    power: Annotated[float, Field(gt=0)] = 0.2
    """Exponent of the error map."""
    alpha: Annotated[float, Field(gt=0)] = 1.0
    """Steepness of the reliability map."""


class Views(NamedTuple):
    """The luma of photos and its parts; all N x 1 x H x W.

    Attributes:
        low: The low-pass version.
        detail: The difference between luma and `low`.
        input: The input of the network: `detail`, or the luma without normalisation.
    """

    low: Tensor
    detail: Tensor
    input: Tensor


class Prediction(NamedTuple):
    """Predictions for N images.

    Attributes:
        score: N, on the MOS scaled to [0, 1], higher is better.
        quality: N x h x w, on the same scale; the mean over the cells inside the border is `score`.
        sensitivity: N x 1 x h x w, DIQA-SENS only: visual sensitivity to an error at each cell.
        perceptual: N x 1 x h x w, DIQA-SENS only: sensitivity x predicted error.
    """

    score: Tensor
    quality: Tensor
    sensitivity: Tensor | None = None
    perceptual: Tensor | None = None


def decompose(pixels: Tensor, normalise: bool = True) -> Views:
    """Compute the luma (BT.601, [0, 1]) of RGB pixels (uint8, N x H x W x 3), its low-pass version and its detail."""
    gray = luma(as_planes(pixels)) / 255
    low = maps.low_pass(gray)
    detail = gray - low
    return Views(low, detail, detail if normalise else gray)


def inside(cells: Tensor) -> Tensor:
    """Crop the border cells off maps (... x h x w)."""
    return cells[..., BORDER:-BORDER, BORDER:-BORDER]


def handcrafted(views: Views, alpha: float) -> Tensor:
    """The paper's two handcrafted features, N x 2: mean reliability, and standard deviation of the low-pass photo."""
    return torch.stack([maps.reliability(views.detail, alpha).mean(dim=(1, 2, 3)), views.low.std(dim=(1, 2, 3))], dim=1)


def _convolutions(channels: list[tuple[int, int, int]], activation: type[nn.Module]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs, stride in channels:
        layers += [nn.Conv2d(inputs, outputs, 3, stride, padding=1), activation(inplace=True)]
    return nn.Sequential(*layers)


def _gain(normalised: bool) -> float:
    return 10 if normalised else 2  # the standard deviation of the detail of photos is about 0.1, that of their luma is larger


class ErrorNetwork(nn.Module):
    """Stage 1: the trunk f (Conv1 to Conv8, 381,200 parameters) and Conv9, which predicts the error map from its features."""

    def __init__(self, normalised: bool = True) -> None:
        super().__init__()
        widths = [(1, 48, 1), (48, 48, 2), (48, 64, 1), (64, 64, 2), (64, 64, 1), (64, 64, 1), (64, 128, 1), (128, 128, 1)]
        self.trunk = _convolutions(widths, nn.ReLU)
        self.to_error = nn.Conv2d(128, 1, 1)
        initialise(self.trunk, _gain(normalised))

    def forward(self, detail: Tensor) -> Tensor:
        """Photos N x 1 x 4h x 4w to error maps N x 1 x h x w."""
        return self.to_error(self.trunk(detail))


class _Network(OutputNetwork):
    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`score` and `map`."""
        found: Prediction = self(pixels)
        return {"score": found.score, "map": found.quality}


class Diqa(_Network):
    """DIQA: globally pooled features and two handcrafted ones, one hidden layer, one score."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        self.stage1 = ErrorNetwork(design.normalise)
        self.hidden = nn.Linear(128 + 2 * design.features, 128)
        self.output = nn.Linear(128, 1)
        nn.init.kaiming_normal_(self.hidden.weight, nonlinearity="relu")
        nn.init.normal_(self.output.weight, std=0.05)  # initial predictions are close to the bias, which `fit` sets

    def forward(self, pixels: Tensor) -> Prediction:
        views = decompose(pixels, self.design.normalise)
        features = self.stage1.trunk(views.input).float()
        pooled = inside(features).mean(dim=(2, 3))
        extra = handcrafted(views, self.design.alpha) if self.design.features else pooled[:, :0]
        hidden = self.hidden(torch.cat([pooled, extra], dim=1))
        score = self.output(F.relu(hidden))[:, 0]
        return Prediction(score, self._quality(features, pooled, hidden, score))

    def _quality(self, features: Tensor, pooled: Tensor, hidden: Tensor, score: Tensor) -> Tensor:
        """The contribution of each cell to the score.

        The head is piecewise linear. The value of a cell is the score of the photo plus the gradient of the score times the
        deviation of the cell's features from their mean: a class activation map for a head with a hidden layer, whose mean is
        the score.
        """
        slope = ((hidden > 0).float() * self.output.weight) @ self.hidden.weight[:, :128]
        return score[:, None, None] + torch.einsum("nc,nchw->nhw", slope, features - pooled[:, :, None, None])


class DiqaSens(_Network):
    """DIQA-SENS: one network for the objective error, and a second one for the visual sensitivity to it.

    It is described only in the abstract of Kim et al. 2019 and in a paraphrase of it (DPQE); the second network follows the
    authors' DeepQA. The error network of stage 1 is frozen. The perceptual error map is sensitivity x error; the score is
    computed from its mean.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        self.stage1 = ErrorNetwork(design.normalise)
        self.from_photo = _convolutions([(1, 32, 1), (32, 32, 2)], nn.LeakyReLU)
        self.from_error = _convolutions([(1, 32, 1), (32, 32, 1)], nn.LeakyReLU)
        self.merge = _convolutions([(64, 64, 1), (64, 64, 1)], nn.LeakyReLU)
        self.to_sensitivity = nn.Conv2d(64, 1, 3, padding=1)
        initialise(self.from_photo, _gain(design.normalise))
        initialise(self.from_error)
        initialise(self.merge)
        nn.init.ones_(self.to_sensitivity.bias)  # type: ignore[arg-type]  # initially, all errors have the same weight
        self.hidden = nn.Linear(1 + 2 * design.features, 4)
        self.output = nn.Linear(4, 1)

    def forward(self, pixels: Tensor) -> Prediction:
        views = decompose(pixels, self.design.normalise)
        with torch.no_grad():
            error = self.stage1(views.input).float().clamp(min=0)
        photo = F.max_pool2d(self.from_photo(views.input), 2)
        sensitivity = F.relu(self.to_sensitivity(self.merge(torch.cat([photo, self.from_error(error)], dim=1)))).float()
        perceptual = sensitivity * error
        pooled = inside(perceptual).mean(dim=(2, 3))
        extra = handcrafted(views, self.design.alpha) if self.design.features else pooled[:, :0]
        hidden = self.hidden(torch.cat([pooled, extra], dim=1))
        score = self.output(F.leaky_relu(hidden, 0.1))[:, 0]
        slope = (torch.where(hidden > 0, 1.0, 0.1) * self.output.weight) @ self.hidden.weight[:, :1]
        quality = score[:, None, None] + slope[:, :, None] * (perceptual - pooled[:, :, None, None])[:, 0]
        return Prediction(score, quality, sensitivity, perceptual)


def build(design: Design) -> Diqa | DiqaSens:
    """Build the network of a design, with random weights.

    In channels-last memory format, which halves the time of a training step on CPUs.
    """
    network = DiqaSens(design) if design.sensitivity else Diqa(design)
    network.to(memory_format=torch.channels_last)
    return network
