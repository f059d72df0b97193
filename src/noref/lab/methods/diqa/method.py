"""DIQA in two stages: an error map from pairs of reference and distorted image, then scores."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from noref.images import Source
from noref.lab import distortions
from noref.lab.arrays import Map
from noref.lab.datasets.rated import RatedImages
from noref.lab.methods.diqa import maps, network
from noref.lab.methods.diqa.learning import DiqaScoreModule, ErrorMapModule
from noref.lab.methods.network import ScoringNetworkMethod
from noref.lab.methods.registry import register
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.preprocessing import SizeConfig, WorkingSize, working_pixels
from noref.lab.settings import PathText, Positive, Rate, settings
from noref.lab.training.loop import Schedule, train
from noref.lab.training.pairs import find_photos, training_pairs
from noref.lab.training.photos import RatedPhotos


@settings
class Stage(Schedule):
    """One stage of the training."""

    batch: Positive = 8
    learning_rate: Rate = 2e-4
    """Learning rate; in stage 2 the highest."""
    crop: Positive | None = None
    """Side of the training windows in pixels; null for whole images."""


@settings
class DiqaSettings:
    """Settings of DIQA; without stage 1 (stage1.epochs of 0), the trunk starts from random weights."""

    pristine: PathText | None = None
    """Folder of pristine images, which stage 1 distorts; null for the references and distorted images of the database."""
    types: tuple[str, ...] = distortions.VERSION_1
    """Types of distortion in stage 1."""
    design: network.Design = network.Design()
    data: SizeConfig = SizeConfig()
    stage1: Stage = Stage(epochs=2, crop=320)
    stage2: Stage = Stage(epochs=20)


class _Trained(OutputNetwork):
    """The network, and the error network as trained by stage 1, which `explain` needs."""

    def __init__(self, scores: network.Diqa | network.DiqaSens, errors: network.ErrorNetwork | None) -> None:
        super().__init__()
        self.scores, self.errors = scores, errors

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        return self.scores.outputs(pixels)


@register("diqa")
class DiqaMethod(ScoringNetworkMethod[DiqaSettings]):
    """Deep Image Quality Assessor (Kim, Nguyen, Lee, TNNLS 2019) and its variant DIQA-SENS.

    `fit` writes `stage1/` and `stage2/`. Checkpoints of stage 1 are chosen on held-out pristine images, or on `validation` and
    its references; those of stage 2 on `validation`.
    """

    settings_type = DiqaSettings
    citation = "Kim, Nguyen and Lee (2019): Deep CNN-Based Blind Image Quality Predictor"
    map_meaning = (
        "local quality, higher is better: what each cell adds to the score; the mean over the cells that lie at least 4 cells "
        "from the border is the score before clipping to 0 to 100"
    )
    map_cell = maps.REDUCTION
    multiple = 4
    network_: _Trained

    @property
    def working_size(self) -> WorkingSize:
        """The size policy; smaller images would leave no cell inside the border of the map."""
        size = super().working_size
        return replace(size, shortest=max(size.shortest, network.SMALLEST))

    def external_images(self) -> Sequence[Path]:
        """The pristine images of stage 1."""
        chosen = self.settings
        return find_photos(chosen.pristine) if chosen.stage1.epochs else ()

    def build_network(self, pretrained: bool) -> _Trained:
        design = self.settings.design
        errors = network.build(design).stage1 if self.settings.stage1.epochs and not pretrained else None
        return _Trained(network.build(design), errors)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, scores = self.settings, self.network_.scores
        nn.init.constant_(scores.output.bias, float(rated.unit_mos.mean()))
        if chosen.stage1.epochs:
            module = ErrorMapModule(scores.stage1, chosen.design, chosen.stage1.learning_rate)
            pairs = training_pairs(
                chosen.pristine, chosen.types, rated, validation, self.working_size, chosen.stage1.crop, self.seed
            )
            train(module, *pairs, folder / "stage1", chosen.stage1, self.seed, "val_loss", "min")
            self.network_.errors = copy.deepcopy(scores.stage1)  # stage 2 changes the trunk
        training = RatedPhotos(rated, self.working_size, chosen.stage2.crop, self.seed)
        checking = RatedPhotos(validation, self.working_size)
        train(
            DiqaScoreModule(scores, chosen.stage2.learning_rate),
            training,
            checking,
            folder / "stage2",
            chosen.stage2,
            self.seed,
        )

    @torch.inference_mode()
    def explain(self, image: Source) -> dict[str, Map]:
        """Maps of one image by name, with cells of 4 x 4 pixels at working size.

        `quality` as in `map_meaning`; `error` if stage 1 was trained; for DIQA-SENS also `sensitivity` and `perceptual`.
        """
        working = torch.from_numpy(working_pixels(image, self.working_size))[None]
        predicted = self.network_.scores(working)
        found = {"quality": predicted.quality[0]}
        if self.network_.errors is not None:
            found["error"] = self.network_.errors(network.decompose(working, self.settings.design.normalise).input)[0, 0]
        if predicted.sensitivity is not None:
            found |= {"sensitivity": predicted.sensitivity[0, 0], "perceptual": predicted.perceptual[0, 0]}
        return {name: cells.numpy() for name, cells in found.items()}
