"""The model that ships: score with interval, defects with levels, and quality map from one backbone."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from noref.lab import distortions
from noref.lab.datasets.rated import RatedImages
from noref.lab.distortions.chains import FAMILIES
from noref.lab.errors import LabError
from noref.lab.methods.network import ScoringNetworkMethod
from noref.lab.methods.registry import register
from noref.lab.methods.unified import interval, photos, refit_heads
from noref.lab.methods.unified.learning import UnifiedModule
from noref.lab.methods.unified.network import (
    CELL,
    FEATURES,
    Learner,
    LocalHead,
    UnifiedNetwork,
    last_heads,
    last_length,
)
from noref.lab.methods.unified.refit_heads import FeatureSet
from noref.lab.methods.unified.whole import WholePhotos
from noref.lab.metrics.agreement import agreement
from noref.lab.networks.backbone import Backbone, BackboneConfig, average
from noref.lab.networks.compact import compact
from noref.lab.networks.heads import RbfHead
from noref.lab.preprocessing import DataConfig
from noref.lab.settings import NotNegative, PathText, Positive, Rate, Share, changed, settings
from noref.lab.training.finetuning import OptimizerConfig
from noref.lab.training.loop import Schedule, train
from noref.lab.training.pairs import find_photos, hold_out
from noref.lab.training.photos import Photos
from noref.lab.training.quality_classes import ClassTuning, tune
from noref.lab.training.vectors import photo_vectors

SAMPLE = 256  # rated images that standardise the heads
PLAIN = (384, 512)  # height and width of plain images when the heads are refitted
CHECKS = 4  # draws of each pristine image that is held out
CLASS_SIDE = 224  # pixels of the windows in which classes of quality are learned


@settings
class UnifiedSettings:
    """Settings of the unified method."""

    pristine: PathText | None = None
    """Folder of pristine images."""
    best: Share = 0.1
    """Share of the rated images that are taken as pristine as well, from the highest MOS down."""
    halved: Share = 0.0
    """Share of the rated images that are taken as pristine once their sides are halved."""
    types: tuple[str, ...] = distortions.VERSION_1
    """Distortions that single ones are drawn from."""
    copies: Positive = 8
    """Distorted versions of each pristine image in an epoch; a halved one has one."""
    plain: NotNegative = 0
    """Plain images (skies, drawings, text ...) in an epoch."""
    extreme: NotNegative = 0
    """Versions of each pristine image beyond level 5, in a draw for the refitted heads."""
    clouds: NotNegative = 0
    """Images of clouds in a draw for the refitted heads."""
    draws: Positive = 1
    """Epochs whose synthetic images serve to refit the heads."""
    distorted_weight: Rate = 1.0
    """Weight of a distorted image when the score is refitted, shared among draws; a rated image has 1."""
    pristine_weight: Rate = 1.0
    """The same of an image without distortion."""
    losses: dict[str, float] = Field(default_factory=lambda: {"rated": 2.0, "distorted": 1.0, "quality": 0.5, "defects": 1.0})
    """Weights of the four losses."""
    map_lr: Rate = 1e-3
    """Highest learning rate of the map's head."""
    map_epochs: NotNegative = 2
    """Epochs in which the map's head adapts to the averaged backbone; at least 1 where there is one."""
    axes: Positive = 128
    """Principal axes for the regressor that corrects the score."""
    backbone: BackboneConfig = BackboneConfig(name="mobilenetv2_100")
    data: DataConfig = DataConfig(crop=256)
    optimizer: OptimizerConfig = OptimizerConfig(backbone_lr=2e-4, weight_decay=0.01)
    schedule: Schedule = Schedule(epochs=5, batch=32)
    classes: ClassTuning = ClassTuning()
    """A second backbone that learns classes of quality; the mean of both is then used."""


@register("unified")
class UnifiedMethod(ScoringNetworkMethod[UnifiedSettings]):
    """Classes of quality, everything together, the mean of both backbones, and the heads that read it: map, score, defects.

    Checkpoints, the defects' penalty and the interval are chosen on `validation` and on held-out pristine images. `fit` leaves
    the folders `finetune/`, `training/`, `map/`, `made/` and `checks/`, and the tables `defects.csv` and `score.csv`.
    """

    settings_type = UnifiedSettings
    classes_ = tuple(FAMILIES)
    coverage = interval.COVERAGE
    map_meaning = (
        "local quality, higher is better: the score of each place alone, learned from photos that were distorted in part; "
        "shifted so that its mean is the score before clipping to 0 to 100"
    )
    map_cell = CELL
    network_: UnifiedNetwork

    def external_images(self) -> Sequence[Path]:
        """The pristine images."""
        return find_photos(self.settings.pristine) if self.settings.pristine is not None else ()

    def build_network(self, pretrained: bool) -> UnifiedNetwork:
        return self._network(self.settings.backbone.build(pretrained), axes=1, supports=1)

    def network_for(self, weights: Mapping[str, Tensor]) -> UnifiedNetwork:
        axes, supports = len(weights["correction.axes"]), len(weights["correction.supports"])
        return self._network(self.settings.backbone.build(False), axes, supports)

    def _network(self, backbone: Backbone, axes: int, supports: int) -> UnifiedNetwork:
        correction = RbfHead(last_length(backbone), axes, supports, len(FAMILIES))
        return UnifiedNetwork(backbone, LocalHead(backbone.stages), *last_heads(backbone), correction)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen = self.settings
        if chosen.classes.epochs and chosen.map_epochs < 1:
            raise LabError("map_epochs must be at least 1 where classes.epochs is")
        if chosen.pristine is None:
            raise LabError("some images must be known to be pristine: give --pristine FOLDER")
        learning, checking = hold_out(chosen.pristine, self.seed)
        by_classes = self._taught_classes(rated, validation, folder) if chosen.classes.epochs else None
        torch.manual_seed(self.seed)
        learner = Learner(chosen.backbone.build())
        material = photos.TrainingData(
            rated,
            validation,
            clean=photos.pristine_sources(learning, rated, chosen.best),
            checks=photos.pristine_sources(checking, validation, chosen.best),
        )
        if chosen.schedule.epochs:
            self._fine_tune(learner, material, folder / "training", chosen.schedule, "val_both")
        if by_classes is not None:
            average(learner.backbone, by_classes)
            learner.requires_grad_(False)
            learner.local.requires_grad_(True)
            schedule = changed(chosen.schedule, {"epochs": chosen.map_epochs})
            self._fine_tune(learner, material, folder / "map", schedule, "val_map")
        learner.eval()
        compact(learner)
        self.network_ = self._with_last_heads(learner, material, folder).eval()
        scores = np.array([float(self.outputs(path)["score"]) for path in validation.paths])
        self.network_.interval = interval.fitted(scores, validation.unit_mos)

    def _taught_classes(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Backbone:
        """Another copy of the pretrained backbone, which learns classes of quality."""
        torch.manual_seed(self.seed)
        backbone = self.settings.backbone.build()
        side = min(CLASS_SIDE, self.settings.data.crop or CLASS_SIDE)
        tune(backbone, rated, validation, folder, self.settings.classes, self.working_size, side, self.seed)
        return backbone

    def _fine_tune(
        self, learner: Learner, material: photos.TrainingData, folder: Path, schedule: Schedule, monitor: str
    ) -> None:
        """Train everything together, or what of it is not frozen."""
        chosen, rated, size = self.settings, material.rated, self.working_size
        if not (folder / "last.ckpt").exists():  # else its weights replace these
            paths = rated.paths[:: _stride(rated)]
            sample = photo_vectors(learner.backbone, FEATURES, size, paths, schedule.precision, chosen.data.cache)
            for head in (learner.mos, learner.defects):
                head.standardise(torch.from_numpy(sample))
        crop = chosen.data.crop
        training = photos.Together(photos.Rated(rated, size, crop, self.seed, turn=True), *self._made(material, crop))
        checking = photos.Together(photos.Rated(material.validation, size), self._whole(material.checks))
        module = UnifiedModule(learner, chosen.losses, chosen.optimizer, chosen.map_lr)
        train(module, training, checking, folder, schedule, self.seed, monitor)

    def _made(self, material: photos.TrainingData, crop: int | None) -> list[Photos]:
        """Synthetic training images beside the rated ones: distorted and plain ones, windows of them or whole."""
        chosen, clean, size = self.settings, material.clean, self.working_size
        halved = photos.halved_sources(material.rated, chosen.halved, clean.mean_mos)
        return [
            photos.DistortedPhotos(*clean, size, chosen.copies, crop, self.seed, types=chosen.types),
            photos.HalvedPhotos(*halved, size, 1, crop, self.seed, types=chosen.types),
            photos.PlainImages(chosen.plain, clean.mean_mos, (crop, crop) if crop else PLAIN, self.seed),
        ]

    def _whole(self, checks: photos.Clean) -> photos.DistortedPhotos:
        """Held-out pristine images, distorted everywhere or not at all."""
        types = self.settings.types
        return photos.DistortedPhotos(*checks, self.working_size, CHECKS, seed=self.seed, in_part=0, types=types)

    def _with_last_heads(self, learner: Learner, material: photos.TrainingData, folder: Path) -> UnifiedNetwork:
        """The trained backbone with new heads for score and defects.

        They are fitted on whole images: rated ones, and synthetic ones (distorted or extreme, wholly or in part, or plain). The
        agreement on held-out images, rated and distorted, is reported, and chooses nothing.
        """
        chosen = self.settings
        whole = WholePhotos(learner.backbone, self.working_size, chosen.data.cache)
        rated = whole.rated(material.rated)
        mos, defects = last_heads(learner.backbone)
        for head in (mos, defects):
            head.standardise(rated.vectors[:: _stride(material.rated)])
            refit_heads.weight_color_histogram(head)
        extreme = photos.ExtremePhotos(*material.clean, self.working_size, chosen.extreme, seed=self.seed)
        clouds = photos.CloudImages(chosen.clouds, material.clean.mean_mos, PLAIN, self.seed)
        made = whole.made(photos.Together(*self._made(material, None), extreme, clouds), folder / "made", chosen.draws)
        distorted = whole.made(self._whole(material.checks), folder / "checks")
        refit_heads.fit_defects(defects, made, distorted).to_csv(folder / "defects.csv", index=False)
        counts = refit_heads.counts(made, chosen.distorted_weight, chosen.pristine_weight, chosen.draws)
        correction = refit_heads.fit_score(
            mos,
            defects,
            FeatureSet(*(torch.cat(both) for both in zip(rated, made, strict=True))),
            torch.cat([torch.ones(len(material.rated)), counts]),
            chosen.axes,
            self.seed,
        )
        network = UnifiedNetwork(learner.backbone, learner.local, mos, defects, correction).requires_grad_(False)
        held_out = {"rated": whole.rated(material.validation), "distorted": distorted}
        rows = [{"photos": name, **agreement(network.score(known.vectors), known.mos)} for name, known in held_out.items()]
        pd.DataFrame(rows).to_csv(folder / "score.csv", index=False)
        return network


def _stride(rated: RatedImages) -> int:
    """From one image that standardises the heads to the next."""
    return -(-len(rated) // SAMPLE)
