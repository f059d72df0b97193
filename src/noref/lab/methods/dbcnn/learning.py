"""Pre-training of S-CNN: the type and level of a synthetic distortion."""

from itertools import product
from typing import Any

import lightning.pytorch as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.methods.dbcnn.network import Scnn, ScnnClassifier
from noref.lab.settings import NotNegative, Positive, Rate, settings
from noref.lab.training.finetuning import log_spaced
from noref.lab.training.loop import Schedule

FIVE_LEVELS = ("jpeg", "jpeg2000", "gaussian_blur", "white_noise", "low_contrast", "color_noise", "banding")
TWO_LEVELS = ("over_exposure", "under_exposure")
CLASSES = dict(zip([*product(FIVE_LEVELS, (1, 2, 3, 4, 5)), *product(TWO_LEVELS, (2, 4))], range(39), strict=True))
"""(type, level) -> number of its class. The paper has as many; `color_noise` stands for its pink noise."""

LAST = 1e-3  # of the learning rate


@settings
class ScnnSchedule(Schedule):
    """Pre-training of S-CNN; with 0 epochs, it starts from random weights."""

    epochs: NotNegative = 30
    batch: Positive = 128
    learning_rate: Rate = 0.1
    """Learning rate of the first step; it falls exponentially to a thousandth."""
    area: Positive = 256 * 384
    """Pixels that larger pristine images are shrunk to before they are distorted."""
    crop: Positive = 224
    """Side of the training windows in pixels."""


class ScnnModule(pl.LightningModule):
    """Cross-entropy of the classes; logs `val_accuracy`."""

    def __init__(self, scnn: Scnn, schedule: ScnnSchedule) -> None:
        super().__init__()
        self.network, self.learning_rate = ScnnClassifier(scnn, len(CLASSES)), schedule.learning_rate

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        pixels, classes = batch
        loss = F.cross_entropy(self.network(pixels), classes)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(classes), prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        pixels, classes = batch
        right = (self.network(pixels).argmax(dim=1) == classes).float().mean()
        self.log("val_accuracy", right, on_step=False, on_epoch=True, batch_size=len(classes), prog_bar=True)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.network.parameters(), self.learning_rate, momentum=0.9, weight_decay=5e-4)
        return log_spaced(optimizer, int(self.trainer.estimated_stepping_batches), LAST)
