"""The two stages of DIQA as Lightning modules: stage 1 learns error maps, stage 2 the MOS."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from noref.lab.methods.diqa import maps
from noref.lab.methods.diqa.network import Design, Diqa, DiqaSens, ErrorNetwork, decompose, inside
from noref.lab.training.modules import LossModule, MosModule


class ErrorMapModule(LossModule):
    """Stage 1: predict the error map of a distorted photo without its reference.

    The loss is the mean of ((predicted - true) x relative reliability)^2 over the cells inside the border.
    """

    def __init__(self, network: ErrorNetwork, design: Design, learning_rate: float) -> None:
        super().__init__(network, learning_rate)
        self.design = design

    def loss(self, batch: list[Tensor]) -> Tensor:
        """Loss of pairs of reference and distorted image, uint8, N x H x W x 3 each."""
        good, bad = (decompose(pixels, self.design.normalise) for pixels in batch)
        error = self.network(bad.input).float() - maps.error_map(good.input, bad.input, self.design.power)
        if self.design.reliability:
            error = error * maps.relative_reliability(bad.detail, self.design.alpha)
        return inside(error).square().mean()

    def configure_optimizers(self) -> Any:
        return torch.optim.NAdam(self.network.parameters(), lr=self.learning_rate)


class DiqaScoreModule(MosModule):
    """Stage 2: predict the MOS, scaled to [0, 1], by mean squared error.

    DIQA-SENS adds the total variation of its sensitivity map as a smoothness penalty (as in the authors' DeepQA).
    """

    SMOOTHNESS = 1e-2

    def __init__(self, network: Diqa | DiqaSens, learning_rate: float) -> None:
        super().__init__(network, learning_rate)

    def score(self, pixels: Tensor) -> Tensor:
        score: Tensor = self.network(pixels).score
        return score

    def loss(self, batch: list[Tensor]) -> Tensor:
        pixels, mos = batch
        assessed = self.network(pixels)
        loss: Tensor = (assessed.score - mos).square().mean()
        if assessed.sensitivity is not None:
            loss = loss + self.SMOOTHNESS * total_variation(assessed.sensitivity)
        return loss

    def trained(self) -> Iterator[nn.Parameter]:
        sens = isinstance(self.network, DiqaSens)
        return (weight for name, weight in self.network.named_parameters() if not (sens and name.startswith("stage1")))


def total_variation(cells: Tensor) -> Tensor:
    """Mean of (gx^2 + gy^2)^(3/2) over Sobel gradients of maps N x 1 x h x w."""
    sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=cells.device) / 4
    gradients = torch.nn.functional.conv2d(cells, torch.stack([sobel, sobel.T])[:, None])
    return (gradients.square().sum(dim=1) + 1e-12).pow(1.5).mean()
