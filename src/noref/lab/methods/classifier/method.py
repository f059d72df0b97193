"""The single-label distortion classifier: SimpleNet, or a pretrained backbone with a head, trained in two stages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from sklearn.preprocessing import StandardScaler
from torch import nn

from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.methods.classifier.learning import (
    ClassificationModule,
    LabelledPhotos,
    LabelledVectors,
    class_weights,
    numbered,
)
from noref.lab.methods.classifier.network import LADDER, BackboneClassifier, Output, SimpleNet, freeze_all_but_last
from noref.lab.methods.network import ClassifyingNetworkMethod
from noref.lab.methods.registry import register
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.networks.pooling import Features
from noref.lab.preprocessing import DataConfig, WorkingSize
from noref.lab.settings import NotNegative, Rate, Share, changed, settings
from noref.lab.training.loop import Schedule, train
from noref.lab.training.vectors import photo_vectors


@settings
class ClassifierOptimizer:
    """AdamW with warm-up, the same for every stage."""

    head_lr: Rate = 1e-3
    """Highest learning rate of SimpleNet, and of a backbone's head while it is trained alone."""
    backbone_lr: Rate = 1e-4
    """Highest learning rate when a backbone's last blocks are fine-tuned."""
    weight_decay: Rate = 1e-4
    """Weight decay of all matrices and kernels."""
    warm_up: Share = 0.1
    """Share of the steps in which the learning rate rises from 0; afterwards it falls to 0 along half a cosine."""


@settings
class ClassifierSettings:
    """Settings of the classifier."""

    network: Literal["simplenet", "backbone"] = "simplenet"
    """SimpleNet with random weights, or the backbone with a head."""
    backbone: BackboneConfig = BackboneConfig()
    features: Features = "last"
    """Input of a backbone's head: "last" for the mean of the last map, "stages" for mean and deviation of every stage."""
    dropout: tuple[Share, ...] | None = None
    """Dropout rates: seven for SimpleNet, one for a backbone's head; null for the paper's, or 0.2 for the head."""
    output: Output = "softmax"
    """"softmax", or the paper's "sigmoid"."""
    balanced: bool = True
    """Weight the classes in the loss by their inverse frequency."""
    squash: bool = False
    """Resize images to 256 x 256 pixels regardless of their aspect ratio (SimpleNet only)."""
    detail: Annotated[float, Field(gt=0)] = 1.0
    """Gain on the high-pass part of the image (SimpleNet only); 1 for none."""
    head_epochs: NotNegative = 30
    """Maximum of epochs for a backbone's head, with the backbone frozen."""
    blocks: NotNegative = 3
    """Number of a backbone's last blocks to fine-tune."""
    data: DataConfig = DataConfig(area=256 * 256)
    optimizer: ClassifierOptimizer = ClassifierOptimizer()
    schedule: Schedule = Schedule(epochs=50, patience=10)


@register("classifier")
class ClassifierMethod(ClassifyingNetworkMethod[ClassifierSettings]):
    """SimpleNet with random weights, or a backbone: first its head is trained, then its last blocks are fine-tuned.

    `fit` takes the classes from the column `type`, chooses checkpoints by macro F1, and writes `head/` and `tuning/`.
    """

    settings_type = ClassifierSettings
    citation = "Elaraby et al. (2023): An Optimized Deep Learning Approach for Robust Image Quality Classification"
    network_: SimpleNet | BackboneClassifier

    @property
    def working_size(self) -> WorkingSize:
        """The size policy; SimpleNet halves sides 6 times, backbones 5 times."""
        return self.settings.data.working_size(64 if self.settings.network == "simplenet" else 32)

    def describe(self, rated: RatedImages) -> None:
        if "type" not in rated.table or rated.table["type"].isna().any():
            raise LabError(
                f"{rated.name}: a classifier needs a class for each image; list the classes under `labels` in the recipe"
            )
        self.classes_ = sorted(rated.table["type"].unique())

    def build_network(self, pretrained: bool) -> SimpleNet | BackboneClassifier:
        chosen, classes = self.settings, len(self.classes_)
        rates = (LADDER if chosen.network == "simplenet" else (0.2,)) if chosen.dropout is None else chosen.dropout
        needed = len(LADDER) if chosen.network == "simplenet" else 1
        if len(rates) != needed:
            raise LabError(f"dropout needs {needed} rates for {chosen.network}, not {len(rates)}")
        if chosen.network == "simplenet":
            return SimpleNet(classes, rates, chosen.squash, chosen.detail, chosen.output)
        return BackboneClassifier(chosen.backbone.build(pretrained), chosen.features, classes, rates[0], chosen.output)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, network, learning_rate = self.settings, self.network_, self.settings.optimizer.head_lr
        parts = [(part, numbered(part, self.classes_)) for part in (rated, validation)]
        if isinstance(network, BackboneClassifier):
            learning_rate = chosen.optimizer.backbone_lr
            if not (folder / "tuning" / "last.ckpt").exists():  # else its weights replace the head's
                self._learn_head(network, parts, folder / "head")
            freeze_all_but_last(network.backbone.body, chosen.blocks)
        if chosen.schedule.epochs:
            training, checking = (
                LabelledPhotos(part, numbers, self.working_size, crop, self.seed)
                for (part, numbers), crop in zip(parts, (chosen.data.crop, None), strict=True)
            )
            self._train(network, training, checking, chosen.schedule, learning_rate, folder / "tuning")

    def _learn_head(
        self, network: BackboneClassifier, parts: Sequence[tuple[RatedImages, npt.NDArray[np.int64]]], folder: Path
    ) -> None:
        """Train the head on features of whole images, which the frozen backbone computes once instead of in every epoch."""
        chosen = self.settings
        training, checking = (
            LabelledVectors(
                photo_vectors(
                    network.backbone,
                    chosen.features,
                    self.working_size,
                    part.paths,
                    chosen.schedule.precision,
                    chosen.data.cache,
                ),
                numbers,
            )
            for part, numbers in parts
        )
        scaler = StandardScaler().fit(training.vectors.numpy())
        network.head.mean.copy_(torch.from_numpy(scaler.mean_))
        network.head.scale.copy_(torch.from_numpy(scaler.scale_))
        schedule = changed(chosen.schedule, {"epochs": chosen.head_epochs})
        self._train(network.head, training, checking, schedule, chosen.optimizer.head_lr, folder)

    def _train(
        self,
        network: nn.Module,
        training: LabelledPhotos | LabelledVectors,
        checking: LabelledPhotos | LabelledVectors,
        schedule: Schedule,
        learning_rate: float,
        folder: Path,
    ) -> None:
        chosen, optimizer = self.settings, self.settings.optimizer
        weights = class_weights(training.numbers.numpy()) if chosen.balanced else torch.ones(len(self.classes_))
        module = ClassificationModule(network, weights, chosen.output, learning_rate, optimizer.weight_decay, optimizer.warm_up)
        train(module, training, checking, folder, schedule, self.seed, "val_macro_f1")
