"""Fine-tuning of a backbone to classify crops by quality (DeepBIQ, section 2.3)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.crops import Crops, centre
from noref.lab.networks.pooling import describe
from noref.lab.preprocessing import WorkingSize
from noref.lab.settings import NotNegative, Positive, Rate, settings
from noref.lab.training.finetuning import one_cycle, validation_srcc
from noref.lab.training.loop import Schedule, train
from noref.lab.training.photos import RatedPhotos

NEW_LAYER = 10  # factor on the learning rate of the new layer, which starts from random weights


@settings
class ClassTuning(Schedule):
    """Fine-tuning to classify quality; the checkpoint with the best SRCC on the validation part is kept."""

    epochs: NotNegative = 0
    batch: Positive = 32
    learning_rate: Rate = 1e-4
    """Highest learning rate of the backbone; that of the new layer is 10 times higher."""
    edges: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8)
    """Edges between the classes, on the MOS scaled to [0, 1]; a MOS on an edge belongs to the lower class."""


def tune(
    backbone: Backbone,
    rated: RatedImages,
    validation: RatedImages,
    folder: Path,
    tuning: ClassTuning,
    size: WorkingSize,
    side: int,
    seed: int,
) -> None:
    """Fine-tune a backbone in place, and write it to `backbone.safetensors` in `folder`; an interrupted run is resumed.

    Args:
        backbone: With pretrained weights.
        rated: Training images, of which random crops are taken.
        validation: Images on whose central crops the checkpoint is chosen.
        folder: Results folder; checkpoints are written to `finetune/`.
        tuning: Settings.
        size: The size policy, applied before cropping.
        side: Side of crops in pixels.
        seed: Seed of the new layer, the order and the crops.

    Raises:
        ImageTooSmall: An image is smaller than a crop.
        LabError: A class has no training image.
    """
    size = replace(size, shortest=max(size.shortest, side))
    weights = class_weights(classes(rated.unit_mos, tuning.edges), tuning.edges)
    module = QualityClassModule(backbone, weights, tuning, side)
    training = RatedPhotos(rated, size, side, seed)
    train(module, training, RatedPhotos(validation, size), folder / "finetune", tuning, seed)
    backbone.eval()
    backbone.save(folder / "backbone.safetensors")


def classes(mos: npt.NDArray[np.float64], edges: tuple[float, ...]) -> npt.NDArray[np.int64]:
    """The class of each MOS (0 to 1), from 0, the worst; [0, .2] is bad, ].2, .4] is poor, and so on."""
    # In single precision, as in the loss: a MOS on an edge must be in the same class.
    return np.searchsorted(np.asarray(edges, np.float32), mos.astype(np.float32), side="left")


def class_weights(found: npt.NDArray[np.int64], edges: tuple[float, ...]) -> Tensor:
    """Loss weights of the classes, inversely proportional to their frequency; 1 for the most frequent class.

    Raises:
        LabError: A class has no photo.
    """
    counts = np.bincount(found, minlength=len(edges) + 1)
    if not counts.all():
        empty = int(np.argmin(counts))
        low, high = (0, *edges)[empty], (*edges, 1)[empty]
        raise LabError(
            f"no training photo is in quality class {empty + 1} of {len(counts)}, from {low:g} to {high:g} of the scale; "
            f"choose other `edges` than {list(edges)}, such as quantiles of the MOS"
        )
    return torch.from_numpy(counts.max() / counts).float()


class QualityClassModule(pl.LightningModule):
    """Weighted cross-entropy of quality classes, predicted by a new linear layer on the mean of the last map."""

    class_weights: Tensor
    edges: Tensor

    def __init__(self, backbone: Backbone, weights: Tensor, tuning: ClassTuning, side: int) -> None:
        super().__init__()
        self.backbone, self.tuning = backbone, tuning
        self.new = nn.Linear(backbone.stages[-1].channels, len(weights))
        self.middle = Crops(side, centre())
        self.register_buffer("class_weights", weights)
        self.register_buffer("edges", torch.tensor(tuning.edges))
        self.collected: list[tuple[Tensor, Tensor]] = []

    def forward(self, pixels: Tensor) -> Tensor:
        """Crops (uint8, N x side x side x 3) to logits, N x classes."""
        scores: Tensor = self.new(describe(self.backbone(pixels), "last"))
        return scores

    def on_train_epoch_start(self) -> None:
        self.train()
        for layer in self.modules():  # keep the pretrained statistics, since those of small batches are poor
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.eval()

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        pixels, mos = batch
        loss = F.cross_entropy(self(pixels).float(), torch.bucketize(mos, self.edges), self.class_weights)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(mos), prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        photos, mos = batch
        scores = self(torch.cat([self.middle.cut(photo) for photo in photos])).float()
        loss = F.cross_entropy(scores, torch.bucketize(mos, self.edges), self.class_weights)
        self.log("val_loss", loss, batch_size=len(mos))
        places = torch.arange(scores.shape[1], device=scores.device)
        # The expected class ranks more finely than the predicted class.
        expected = (scores.softmax(dim=1) * places).sum(dim=1)
        self.collected.append((expected.cpu(), mos.cpu()))

    def on_validation_epoch_end(self) -> None:
        expected, mos = (torch.cat(parts) for parts in zip(*self.collected, strict=True))
        self.collected.clear()
        self.log("val_srcc", validation_srcc(expected, mos), prog_bar=True)

    def configure_optimizers(self) -> Any:
        rates = [self.tuning.learning_rate, NEW_LAYER * self.tuning.learning_rate]
        parts = [{"params": part.parameters(), "lr": rate} for part, rate in zip((self.backbone, self.new), rates, strict=True)]
        optimizer = torch.optim.AdamW(parts, weight_decay=1e-4)
        return one_cycle(optimizer, rates, int(self.trainer.estimated_stepping_batches))
