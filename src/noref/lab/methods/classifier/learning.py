"""Training of classifiers as a Lightning module, on images or on feature vectors."""

import time
from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from timm.optim import param_groups_weight_decay  # type: ignore[attr-defined]
from torch import Tensor, nn
from torch.utils.data import Dataset

from noref.lab.arrays import Vectors
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.methods.classifier.network import Output
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.finetuning import warm_up_and_cosine
from noref.lab.training.photos import RatedPhotos


def numbered(rated: RatedImages, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """The index of each photo's class in `classes`, shape (n,).

    Raises:
        LabError: A photo has a class that is not among them.
    """
    place = {name: number for number, name in enumerate(classes)}
    unknown = sorted(set(rated.table["type"]) - set(place))
    if unknown:
        cure = "enlarge the training part, or add photos of this class"
        raise LabError(f"{rated.name}: there is no training photo of class {', '.join(unknown)}; {cure}")
    return rated.table["type"].map(place).to_numpy(np.int64, copy=True)


def class_weights(numbers: npt.NDArray[np.int64]) -> Tensor:
    """Loss weights of the K classes, inversely proportional to their frequency; 1 for the most frequent class."""
    counts = np.bincount(numbers)
    return torch.from_numpy(counts.max() / counts).float()


class LabelledPhotos(RatedPhotos):
    """Photos as in `RatedPhotos`, with the index of their class instead of the MOS."""

    def __init__(
        self, rated: RatedImages, numbers: npt.NDArray[np.int64], size: WorkingSize, crop: int | None = None, seed: int = 0
    ) -> None:
        super().__init__(rated, size, crop, seed)
        self.numbers = torch.from_numpy(numbers)

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        pixels, _ = super().__getitem__(place)
        return pixels, self.numbers[place[1]]


class LabelledVectors(Dataset[tuple[Tensor, Tensor]]):
    """Feature vectors, n x D, with the indices of their classes; indexed as `LabelledPhotos`."""

    def __init__(self, vectors: Vectors, numbers: npt.NDArray[np.int64]) -> None:
        self.vectors, self.numbers = torch.from_numpy(vectors), torch.from_numpy(numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        _, index = place
        return self.vectors[index], self.numbers[index]

    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of every item, (D,)."""
        return [tuple(self.vectors.shape[1:])] * len(self)


class ClassificationModule(pl.LightningModule):
    """Weighted cross-entropy. Logs loss and accuracy, the macro F1 on the validation part, and the `seconds` of each epoch.

    Args:
        network: Inputs to logits N x K; frozen parameters are not trained.
        weights: Loss weights of the classes, shape (K,).
        output: "softmax", or "sigmoid": binary cross-entropy of each class on its own.
        head_lr: Highest learning rate.
        weight_decay: Weight decay of all matrices and kernels.
        warm_up: Share of all steps in which the learning rate rises from 0; afterwards it falls to 0 along half a cosine.
    """

    class_weights: Tensor

    def __init__(
        self, network: nn.Module, weights: Tensor, output: Output, head_lr: float, weight_decay: float, warm_up: float
    ) -> None:
        super().__init__()
        self.network, self.output = network, output
        self.head_lr, self.weight_decay, self.warm_up = head_lr, weight_decay, warm_up
        self.register_buffer("class_weights", weights)
        self.collected: list[tuple[Tensor, Tensor]] = []

    def loss(self, logits: Tensor, numbers: Tensor) -> Tensor:
        """Weighted mean over N photos."""
        if self.output == "softmax":
            return F.cross_entropy(logits, numbers, self.class_weights)
        target = F.one_hot(numbers, logits.shape[1]).float()
        each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        weights = self.class_weights[numbers]
        return (each.mean(dim=1) * weights).sum() / weights.sum()

    def on_train_epoch_start(self) -> None:
        self.started = time.perf_counter()

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        inputs, numbers = batch
        logits = self.network(inputs).float()
        loss = self.loss(logits, numbers)
        accuracy = (logits.argmax(dim=1) == numbers).float().mean()
        for name, value in (("train_loss", loss), ("train_accuracy", accuracy)):
            self.log(name, value, on_step=False, on_epoch=True, batch_size=len(numbers), prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        inputs, numbers = batch
        logits = self.network(inputs).float()
        self.log("val_loss", self.loss(logits, numbers), batch_size=len(numbers))
        self.collected.append((logits.argmax(dim=1).cpu(), numbers.cpu()))

    def on_validation_epoch_end(self) -> None:
        predicted, true = (torch.cat(parts).numpy() for parts in zip(*self.collected, strict=True))
        self.collected.clear()
        self.log("val_accuracy", float((predicted == true).mean()), prog_bar=True)
        self.log("val_macro_f1", float(f1_score(true, predicted, average="macro", zero_division=0)), prog_bar=True)
        self.log("seconds", time.perf_counter() - self.started)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(param_groups_weight_decay(self.network, self.weight_decay), lr=self.head_lr)
        total = int(self.trainer.estimated_stepping_batches)
        return warm_up_and_cosine(optimizer, total, round(self.warm_up * total))
