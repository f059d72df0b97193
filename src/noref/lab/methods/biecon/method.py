"""BIECON in two stages: local scores of a full-reference metric, then the MOS."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch.nn.functional as F
from pydantic import Field

from noref.lab import distortions
from noref.lab.datasets.rated import RatedImages
from noref.lab.methods.biecon.local_scores import BORDER, LocalScoreModule
from noref.lab.methods.biecon.network import Biecon
from noref.lab.methods.patches import PatchMethod, PatchSettings
from noref.lab.methods.registry import register
from noref.lab.networks.patches import SIDE
from noref.lab.settings import PathText, Positive, Rate, settings
from noref.lab.training.loop import Schedule, train
from noref.lab.training.pairs import find_photos, training_pairs
from noref.lab.training.patches import PatchModule, PatchSchedule


@settings
class LocalStage(Schedule):
    """Stage 1."""

    batch: Positive = 8
    learning_rate: Rate = 5e-4
    """Highest learning rate."""
    crop: Annotated[int, Field(ge=SIDE + 2 * BORDER)] = 4 * SIDE + 2 * BORDER
    """Side of the training windows in pixels; 20 of them are a border."""


@settings
class BieconSettings(PatchSettings):
    """Settings of BIECON; without stage 1 (stage1.epochs of 0), stage 2 starts from random weights."""

    pristine: PathText | None = None
    """Folder of pristine images, which stage 1 distorts; null for the references and distorted images of the database."""
    types: tuple[str, ...] = distortions.VERSION_1
    """Types of distortion in stage 1."""
    stage1: LocalStage = LocalStage(epochs=2)
    schedule: PatchSchedule = PatchSchedule(learning_rate=5e-4)
    """Stage 2."""


@register("biecon")
class BieconMethod(PatchMethod[BieconSettings]):
    """BIECON (Kim, Lee, IEEE JSTSP 2017): local scores of SSIM first, MOS second.

    `fit` writes `stage1/` and `training/`. Checkpoints of stage 1 are chosen on held-out pristine images, or on `validation`
    and its references.
    """

    settings_type = BieconSettings
    citation = "Kim and Lee (2017): Fully Deep Blind Image Quality Predictor"
    map_meaning = (
        "local quality, higher is better: the score, to first order, if all patches were like it; the mean over the patches "
        "that are used, the four fifths with the largest standard deviation, is the score before clipping to 0 to 100"
    )
    network_: Biecon

    def external_images(self) -> Sequence[Path]:
        """The pristine images of stage 1."""
        chosen = self.settings
        return find_photos(chosen.pristine) if chosen.stage1.epochs else ()

    def build_network(self, pretrained: bool) -> Biecon:
        return Biecon()

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, stage = self.settings, self.settings.stage1
        if stage.epochs:
            module = LocalScoreModule(self.network_, stage.learning_rate)
            size = self.working_size
            pairs = training_pairs(chosen.pristine, chosen.types, rated, validation, size, stage.crop, self.seed)
            train(module, *pairs, folder / "stage1", stage, self.seed, "val_loss", "min")
        super().learn(rated, validation, folder)

    def module(self) -> PatchModule:
        return PatchModule(self.network_, self.settings.schedule.learning_rate, lambda found, mos: F.mse_loss(found.score, mos))
