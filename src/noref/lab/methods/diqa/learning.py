"""The two stages of DIQA as Lightning modules: stage 1 learns error maps, stage 2 the MOS."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from noref.lab.methods.diqa import maps
from noref.lab.methods.diqa.network import Design, Diqa, DiqaSens, ErrorNetwork, decompose, inside
from noref.lab.training.finetuning import one_cycle, validation_srcc


class ErrorMapModule(pl.LightningModule):
    """Stage 1: predict the error map of a distorted photo without its reference.

    The loss is the mean of ((predicted - true) x relative reliability)^2 over the cells inside the border.
    """

    def __init__(self, network: ErrorNetwork, design: Design, learning_rate: float) -> None:
        super().__init__()
        self.network, self.design, self.learning_rate = network, design, learning_rate

    def loss(self, reference: Tensor, distorted: Tensor) -> Tensor:
        """Loss of pairs of images, uint8, N x H x W x 3 each."""
        good, bad = (decompose(pixels, self.design.normalise) for pixels in (reference, distorted))
        error = self.network(bad.input).float() - maps.error_map(good.input, bad.input, self.design.power)
        if self.design.reliability:
            error = error * maps.relative_reliability(bad.detail, self.design.alpha)
        return inside(error).square().mean()

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        loss = self.loss(*batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch[0]), prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        self.log("val_loss", self.loss(*batch), batch_size=len(batch[0]), prog_bar=True)

    def configure_optimizers(self) -> Any:
        return torch.optim.NAdam(self.network.parameters(), lr=self.learning_rate)


class DiqaScoreModule(pl.LightningModule):
    """Stage 2: predict the MOS, scaled to [0, 1], by mean squared error.

    DIQA-SENS adds the total variation of its sensitivity map as a smoothness penalty (as in the authors' DeepQA).
    """

    SMOOTHNESS = 1e-2

    def __init__(self, network: Diqa | DiqaSens, learning_rate: float) -> None:
        super().__init__()
        self.network, self.learning_rate = network, learning_rate
        self.collected: list[tuple[Tensor, Tensor]] = []

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        pixels, mos = batch
        assessed = self.network(pixels)
        loss = (assessed.score - mos).square().mean()
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(mos), prog_bar=True)
        if assessed.sensitivity is not None:
            loss = loss + self.SMOOTHNESS * total_variation(assessed.sensitivity)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        pixels, mos = batch
        score = self.network(pixels).score
        self.collected.append((score.float().cpu(), mos.float().cpu()))
        self.log("val_loss", (score - mos).square().mean(), batch_size=len(mos))

    def on_validation_epoch_end(self) -> None:
        score, mos = (torch.cat(parts) for parts in zip(*self.collected, strict=True))
        self.collected.clear()
        self.log("val_srcc", validation_srcc(score, mos), prog_bar=True)

    def configure_optimizers(self) -> Any:
        trained = [
            p for n, p in self.network.named_parameters() if not (isinstance(self.network, DiqaSens) and n.startswith("stage1"))
        ]
        # The paper uses Nadam with small learning rates for 80 epochs; AdamW with a one-cycle schedule needs only a few epochs.
        optimizer = torch.optim.AdamW(trained, lr=self.learning_rate, weight_decay=1e-4)
        return one_cycle(optimizer, self.learning_rate, int(self.trainer.estimated_stepping_batches))


def total_variation(cells: Tensor) -> Tensor:
    """Mean of (gx^2 + gy^2)^(3/2) over Sobel gradients of maps N x 1 x h x w."""
    sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=cells.device) / 4
    gradients = torch.nn.functional.conv2d(cells, torch.stack([sobel, sobel.T])[:, None])
    return (gradients.square().sum(dim=1) + 1e-12).pow(1.5).mean()
