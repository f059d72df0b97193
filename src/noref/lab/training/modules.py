"""Bases of Lightning modules for networks that are trained from random weights, in one process."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from noref.lab.training.finetuning import one_cycle, validation_srcc


class LossModule(pl.LightningModule):
    """Minimise a loss, which subclasses define. Logs `train_loss` and `val_loss`.

    The optimizer is AdamW with a one-cycle schedule, which needs only a few epochs.

    Args:
        network: The network.
        learning_rate: The highest learning rate.
    """

    def __init__(self, network: nn.Module, learning_rate: float) -> None:
        super().__init__()
        self.network, self.learning_rate = network, learning_rate

    @abstractmethod
    def loss(self, batch: list[Tensor]) -> Tensor:
        """The loss of a batch."""

    def trained(self) -> Iterator[nn.Parameter]:
        """The weights to train: by default, all."""
        return self.network.parameters()

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        loss = self.loss(batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch[0]), prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        self.log("val_loss", self.loss(batch), batch_size=len(batch[0]), prog_bar=True)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.trained(), lr=self.learning_rate, weight_decay=1e-4)
        return one_cycle(optimizer, self.learning_rate, int(self.trainer.estimated_stepping_batches))


class MosModule(LossModule):
    """Predict the MOS, scaled to [0, 1]. The validation loss is the mean squared error; also logs `val_srcc`."""

    def __init__(self, network: nn.Module, learning_rate: float) -> None:
        super().__init__(network, learning_rate)
        self.collected: list[tuple[Tensor, Tensor]] = []

    @abstractmethod
    def score(self, pixels: Tensor) -> Tensor:
        """Scores N of the pixels of a batch."""

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        score, mos = self.score(batch[0]).float(), batch[1].float()
        self.collected.append((score.cpu(), mos.cpu()))
        self.log("val_loss", (score - mos).square().mean(), batch_size=len(mos))

    def on_validation_epoch_end(self) -> None:
        score, mos = (torch.cat(parts) for parts in zip(*self.collected, strict=True))
        self.collected.clear()
        self.log("val_srcc", validation_srcc(score, mos), prog_bar=True)
