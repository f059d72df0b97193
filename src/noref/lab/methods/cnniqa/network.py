"""The networks of CNNIQA (Kang et al. 2014, Section 3) and CNNIQA++ (Kang et al. 2015, Section 2)."""

import torch
from torch import Tensor, nn

from noref.lab.networks.patches import PatchNetwork, PatchPrediction, local_normalisation, luma

WINDOW = 7  # pixels on a side of the window of local normalisation: from -3 to 3
CONSTANT = 1.0  # of local normalisation, in grey levels


class Cnniqa(PatchNetwork):
    """CNNIQA: one convolution, the maximum and minimum of each map, and two hidden layers; 724,901 parameters."""

    margin = WINDOW // 2

    def __init__(self) -> None:
        super().__init__()
        self.features: nn.Module = nn.Conv2d(1, 50, 7)
        self.hidden = _hidden(100, 800, 800)
        self.output = nn.Linear(800, 1)

    def prepare(self, planes: Tensor) -> Tensor:
        return local_normalisation(luma(planes), [1 / WINDOW] * WINDOW, CONSTANT)

    def assess(self, patches: Tensor) -> PatchPrediction:
        quality = torch.unflatten(self.output(self.hide(patches)).float()[:, 0], 0, patches.shape[:2])
        return PatchPrediction(quality.mean(dim=1), quality)

    def hide(self, patches: Tensor) -> Tensor:
        """The last hidden layer of N P patches."""
        maps = self.features(patches.flatten(0, 1)).flatten(2)
        # Not `amax`, whose gradient takes three times as long.
        hidden: Tensor = self.hidden(torch.cat([maps.max(dim=2).values, maps.min(dim=2).values], dim=1))
        return hidden


class CnniqaPlus(Cnniqa):
    """CNNIQA++: two convolutions, and a second output, the type of distortion; 77,297 parameters and 513 for each type.

    Args:
        types: Number of types of distortion.
    """

    def __init__(self, types: int) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3), nn.MaxPool2d(2), nn.Conv2d(8, 32, 3))
        self.hidden = _hidden(64, 128, 512)
        self.output, self.types = nn.Linear(512, 1), nn.Linear(512, types)

    def assess(self, patches: Tensor) -> PatchPrediction:
        hidden, count = self.hide(patches), patches.shape[:2]
        quality = torch.unflatten(self.output(hidden).float()[:, 0], 0, count)
        return PatchPrediction(quality.mean(dim=1), quality, types=torch.unflatten(self.types(hidden).float(), 0, count))


def _hidden(inputs: int, first: int, second: int) -> nn.Sequential:
    layers = [nn.Linear(inputs, first), nn.ReLU(), nn.Dropout(0.5), nn.Linear(first, second), nn.ReLU()]
    return nn.Sequential(*layers)
