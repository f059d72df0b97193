"""The network of WaDIQaM-NR and DIQaM-NR (Bosse et al. 2018, Section III)."""

import torch
from torch import Tensor, nn

from noref.lab.networks.initial import initialise
from noref.lab.networks.patches import PatchNetwork, PatchPrediction

WIDTHS = (32, 64, 128, 256, 512)  # of five blocks of two convolutions and a pooling, which reduce a patch to one vector
LEAST_WEIGHT = 1e-6


class Wadiqam(PatchNetwork):
    """Ten convolutions of 3 x 3, and a head for the quality of a patch; with `weighted`, another one for its weight.

    Weighted, it has 5,238,562 parameters.

    Args:
        weighted: Whether the score is the weighted mean of the patches (WaDIQaM-NR) or the mean (DIQaM-NR).
    """

    def __init__(self, weighted: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            layers += [nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.hidden, self.output = _head()
        self.weight = nn.Sequential(*_head()) if weighted else None
        initialise(self.features)
        if self.weight is not None:
            nn.init.ones_(self.weight[-1].bias)  # type: ignore[arg-type]  # initially, all patches have about the same weight
        self.to(memory_format=torch.channels_last)

    def prepare(self, planes: Tensor) -> Tensor:
        return planes / 255

    def assess(self, patches: Tensor) -> PatchPrediction:
        count = patches.shape[:2]
        vectors = self.features(patches.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        quality = torch.unflatten(self.output(self.hidden(vectors)).float()[:, 0], 0, count)
        if self.weight is None:
            return PatchPrediction(quality.mean(dim=1), quality)
        weight = torch.unflatten(self.weight(vectors).float().relu()[:, 0] + LEAST_WEIGHT, 0, count)
        return PatchPrediction((weight * quality).sum(dim=1) / weight.sum(dim=1), quality, weight)


def _head() -> tuple[nn.Sequential, nn.Linear]:
    return nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.5)), nn.Linear(512, 1)
