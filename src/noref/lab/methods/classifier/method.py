"""Naming the distortion of a photo, in scikit-learn's words: fit, predict_proba, predict, save, load."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from torch import nn
from typing_extensions import Self

from noref import images
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.methods import saved
from noref.lab.methods.classifier.learning import (
    ClassificationModule,
    LabelledPhotos,
    LabelledVectors,
    Output,
    class_weights,
    numbered,
    probabilities,
)
from noref.lab.methods.classifier.network import LADDER, BackboneClassifier, SimpleNet, freeze_all_but_last
from noref.lab.metrics import classification
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.padding import with_static_padding
from noref.lab.networks.pooling import Features
from noref.lab.networks.vectors import photo_vectors
from noref.lab.plots.curves import read_log
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.training.loop import Schedule, train
from noref.lab.training.photos import loader

SIMPLENET = "simplenet"


class ClassifierMethod(BaseEstimator):
    """SimpleNet from nothing, or a backbone with its head trained first and its last blocks after (paper 004).

    Args:
        network: "simplenet", or the name of a backbone (`networks.backbone.Backbone`).
        weights, mean, std, options: Of a backbone; see there.
        features: What describes a photo to a backbone's head (`networks.description`).
        dropout: Rates, see `network.LADDER`; a backbone has one, of its head. None for the ladder, or .2.
        output: "softmax", or the paper's "sigmoid".
        balanced: Let a photo count n_max / n_c, photos of the most frequent class over photos of its own.
        area, shortest: See `WorkingSize`.
        squash: Bring photos to 256 x 256 pixels whatever their aspect (SimpleNet only).
        detail: How much what departs from its surroundings is stressed, see `network.stressed` (SimpleNet only).
        crop: Side of the training windows in pixels; None for whole photos. Validation and answers always see whole photos.
        cache: Folder that keeps what a backbone sees before it is tuned; None for none.
        head_epochs: Of a backbone's head, the rest frozen, at most.
        epochs: Of SimpleNet, or of a backbone's last blocks with its head, at most; a backbone may have 0.
        blocks: How many of a backbone's last blocks are tuned.
        batch: Photos in a batch.
        head_lr: Learning rate of SimpleNet, and of the head while it learns alone.
        backbone_lr: Learning rate while the last blocks are tuned.
        weight_decay, warm_up: See `ClassificationModule`.
        patience: Epochs without a better macro F1 on validation before a stage stops.
        precision: Lightning's name; "bf16-mixed" is much faster where the processor has it.
        workers: Processes that prepare photos.
        seed: Of weights, order and crops.
    """

    name: ClassVar[str] = "classifier"

    def __init__(
        self,
        network: str = SIMPLENET,
        *,
        weights: str | Path | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        options: Mapping[str, Any] | None = None,
        features: Features = "last",
        dropout: Sequence[float] | None = None,
        output: Output = "softmax",
        balanced: bool = True,
        area: int = 256 * 256,
        shortest: int = 64,
        squash: bool = False,
        detail: float = 1.0,
        crop: int | None = None,
        cache: str | Path | None = None,
        head_epochs: int = 30,
        epochs: int = 50,
        blocks: int = 3,
        batch: int = 16,
        head_lr: float = 1e-3,
        backbone_lr: float = 1e-4,
        weight_decay: float = 1e-4,
        warm_up: float = 0.1,
        patience: int = 10,
        precision: str = "32-true",
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        self.network, self.weights, self.mean, self.std, self.options = network, weights, mean, std, options
        self.features, self.dropout, self.output, self.balanced = features, dropout, output, balanced
        self.area, self.shortest, self.squash, self.detail = area, shortest, squash, detail
        self.crop, self.cache = crop, cache
        self.head_epochs, self.epochs, self.blocks, self.batch = head_epochs, epochs, blocks, batch
        self.head_lr, self.backbone_lr, self.weight_decay, self.warm_up = head_lr, backbone_lr, weight_decay, warm_up
        self.patience, self.precision, self.workers, self.seed = patience, precision, workers, seed

    @property
    def working_size(self) -> WorkingSize:
        """How photos of any size come to the network."""
        return WorkingSize(self.area, self.shortest, multiple=64 if self.network == SIMPLENET else 32)  # halved 6 or 5 times

    def _network(self, weights: str | Path | None) -> SimpleNet | BackboneClassifier:
        classes = len(self.classes_)
        needed = len(LADDER) if self.network == SIMPLENET else 1
        if self.dropout is not None and len(self.dropout) != needed:
            raise LabError(f"dropout needs {needed} rates for {self.network}, not {len(self.dropout)}")
        if self.network == SIMPLENET:
            return SimpleNet(classes, LADDER if self.dropout is None else self.dropout, self.squash, self.detail)
        backbone = Backbone(self.network, weights, mean=self.mean, std=self.std, options=self.options)
        (dropout,) = (0.2,) if self.dropout is None else self.dropout
        return BackboneClassifier(backbone, self.features, classes, dropout)

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Learn the classes in `rated`'s column `type`; checkpoints are chosen by macro F1 on `validation`.

        Raises:
            LabError: There is no backbone of that name (the message suggests near names); the weights do not fit, or are not
                there; photos have no class, or validation photos one that no training photo has.
            ImageError: A photo cannot be read, or is smaller than `shortest`.
        """
        if "type" not in rated.table or rated.table["type"].isna().any():
            raise LabError(f"{rated.name}: a classifier needs a class for each photo; name them in the recipe's `labels`")
        torch.manual_seed(self.seed)
        self.classes_ = sorted(rated.table["type"].unique())
        parts = [(part, numbered(part, self.classes_)) for part in (rated, validation)]
        self.network_ = self._network(self.weights)
        if isinstance(self.network_, BackboneClassifier):
            if not (folder / "tuning" / "last.ckpt").exists():  # else its weights replace the head's
                self._learn_head(self.network_, parts, folder / "head")
            freeze_all_but_last(self.network_.backbone.body, self.blocks)
        if self.epochs:
            rate = self.head_lr if self.network == SIMPLENET else self.backbone_lr
            training, checking = (
                LabelledPhotos(part, numbers, self.working_size, crop, self.seed)
                for (part, numbers), crop in zip(parts, (self.crop, None), strict=True)
            )
            self._learn(self.network_, training, checking, self.epochs, rate, folder / "tuning")
        self.network_.eval()
        return self

    def _learn_head(
        self, network: BackboneClassifier, parts: Sequence[tuple[RatedImages, npt.NDArray[np.int64]]], folder: Path
    ) -> None:
        """On vectors of whole photos: the frozen backbone sees each photo once, not once an epoch."""
        look = (network.backbone, self.features, self.working_size)
        training, checking = (
            LabelledVectors(photo_vectors(*look, part.paths, self.precision, self.cache), numbers) for part, numbers in parts
        )
        scaler = StandardScaler().fit(training.vectors.numpy())
        network.head.mean.copy_(torch.from_numpy(scaler.mean_))
        network.head.scale.copy_(torch.from_numpy(scaler.scale_))
        self._learn(network.head, training, checking, self.head_epochs, self.head_lr, folder)

    def _learn(
        self,
        network: nn.Module,
        training: LabelledPhotos | LabelledVectors,
        checking: LabelledPhotos | LabelledVectors,
        epochs: int,
        head_lr: float,
        folder: Path,
    ) -> None:
        numbers = training.numbers.numpy()
        weights = class_weights(numbers) if self.balanced else torch.ones(len(self.classes_))
        module = ClassificationModule(network, weights, self.output, head_lr, self.weight_decay, self.warm_up)
        schedule = Schedule(epochs, "val_macro_f1", "max", self.patience, self.precision)
        module.train()  # Lightning leaves the mode as it finds it
        train(
            module,
            schedule,
            folder,
            loader(training, self.batch, self.seed, self.workers),
            loader(checking, self.batch, None, self.workers),
            self.seed,
        )

    def predict_proba(self, images: Sequence[images.Source]) -> npt.NDArray[np.float64]:
        """Probabilities of `classes_`, n x K, rows adding up to 1; one photo at a time: never batch-dependent.

        Raises:
            ImageError: A photo cannot be read, or is smaller than `shortest`.
        """
        core = _Core(self.network_, self.output)
        size = self.working_size
        with torch.inference_mode():
            rows = [core(torch.from_numpy(working_pixels(image, size))[None])[0].numpy() for image in images]
        return np.array(rows, np.float64).reshape(len(rows), len(self.classes_))

    def predict(self, images: Sequence[images.Source]) -> npt.NDArray[np.str_]:
        """The most probable class of each photo, n."""
        return np.array(self.classes_)[self.predict_proba(images).argmax(axis=1)]

    def report(self, test: RatedImages, folder: Path) -> pd.DataFrame:
        """Write how well the classes of a test part are told, and what learning took (`classification`)."""
        true = test.table["type"].to_numpy(str)
        answers = classification.Answers(true, self.predict_proba(test.paths), self.classes_)
        return classification.report(test, answers, folder, self._costs(folder))

    def _costs(self, folder: Path) -> dict[str, float]:
        """What a results folder and the network say of learning; accuracies are those of the epoch that was kept."""
        logs = [read_log(folder / stage) for stage in ("head", "tuning") if (folder / stage / "log").exists()]
        kept = logs[-1].iloc[int(logs[-1]["val_macro_f1"].argmax())]
        parameters = sum(parameter.numel() for parameter in self.network_.parameters())
        return {
            "train_accuracy": float(kept["train_accuracy"]),
            "val_accuracy": float(kept["val_accuracy"]),
            "minutes": sum(float(log["seconds"].sum()) for log in logs) / 60,
            "epochs": sum(map(len, logs)),
            "parameters": parameters,
            "megabytes": sum(tensor.numel() * tensor.element_size() for tensor in self.network_.state_dict().values()) / 1e6,
        }

    def export_core(self) -> nn.Module:
        """For `noref.lab.export`: working pixels (uint8, 1 x H x W x 3) to the probabilities of `classes_`, 1 x K."""
        return _Core(with_static_padding(self.network_), self.output)

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and `method.json`."""
        saved.write(self, folder, self.network_.state_dict(), classes=self.classes_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; the weights that a backbone once started from are not needed."""
        state, weights = saved.read(folder, cls)
        method = cls(**state["params"])
        method.classes_ = state["classes"]
        method.network_ = method._network(None)
        saved.fill(method.network_, weights, folder)
        method.network_.eval()
        return method


class _Core(nn.Module):
    def __init__(self, trained: nn.Module, output: Output) -> None:
        super().__init__()
        self.trained, self.output = trained, output

    def forward(self, working: torch.Tensor) -> torch.Tensor:
        return probabilities(self.trained(working), self.output)
