"""The two stages of DIQA as Lightning modules: objective errors first, the MOS second."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from noref.lab.methods.diqa import maps
from noref.lab.methods.diqa.network import Design, Diqa, DiqaSens, ErrorNetwork, inside, look
from noref.lab.training.finetuning import one_cycle, validation_srcc


class ErrorMapModule(pl.LightningModule):
    """Stage 1: predict the error map of a distorted photo without its reference.

    The loss is the mean of ((predicted - true) x relative reliability)^2 over the cells inside the border.
    """

    def __init__(self, network: ErrorNetwork, design: Design, learning_rate: float) -> None:
        super().__init__()
        self.network, self.design, self.learning_rate = network, design, learning_rate

    def loss(self, reference: Tensor, distorted: Tensor) -> Tensor:
        """Of pairs of pixels, uint8 N x H x W x 3 each."""
        good, bad = look(reference, self.design.normalise), look(distorted, self.design.normalise)
        miss = self.network(bad.seen).float() - maps.error_map(good.seen, bad.seen, self.design.power)
        if self.design.reliability:
            miss = miss * maps.relative_reliability(bad.detail, self.design.alpha)
        return inside(miss).square().mean()

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

    DIQA-SENS adds total variation of its sensitivity map, so that the map stays smooth (as in the authors' DeepQA).
    """

    SMOOTHNESS = 1e-2

    def __init__(self, network: Diqa | DiqaSens, learning_rate: float) -> None:
        super().__init__()
        self.network, self.learning_rate = network, learning_rate
        self.seen: list[tuple[Tensor, Tensor]] = []

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
        self.seen.append((score.float().cpu(), mos.float().cpu()))
        self.log("val_loss", (score - mos).square().mean(), batch_size=len(mos))

    def on_validation_epoch_end(self) -> None:
        score, mos = (torch.cat(parts) for parts in zip(*self.seen, strict=True))
        self.seen.clear()
        self.log("val_srcc", validation_srcc(score, mos), prog_bar=True)

    def configure_optimizers(self) -> Any:
        wanted = [
            p for n, p in self.network.named_parameters() if not (isinstance(self.network, DiqaSens) and n.startswith("stage1"))
        ]
        # The paper's Nadam wants small steps and 80 epochs. AdamW on one cycle of large steps gets there in a few.
        optimizer = torch.optim.AdamW(wanted, lr=self.learning_rate, weight_decay=1e-4)
        return one_cycle(optimizer, self.learning_rate, int(self.trainer.estimated_stepping_batches))


def total_variation(cells: Tensor) -> Tensor:
    """Mean of (gx^2 + gy^2)^(3/2) over Sobel gradients of maps N x 1 x h x w."""
    sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=cells.device) / 4
    gradients = torch.nn.functional.conv2d(cells, torch.stack([sobel, sobel.T])[:, None])
    return (gradients.square().sum(dim=1) + 1e-12).pow(1.5).mean()
