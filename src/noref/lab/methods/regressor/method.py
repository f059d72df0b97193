"""The regressor: a linear probe of a pretrained backbone, then fine-tuning of all weights."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from noref.lab.arrays import Vectors
from noref.lab.datasets.rated import RatedImages
from noref.lab.files import make_folder, write_json
from noref.lab.methods.network import NetworkSettings, ScoringNetworkMethod
from noref.lab.methods.registry import register
from noref.lab.networks.pooled import CELL, ScoreNetwork
from noref.lab.networks.pooling import MEANING_OF_SHARES, Features
from noref.lab.settings import Share, settings
from noref.lab.training.finetuning import ScoreModule
from noref.lab.training.loop import train
from noref.lab.training.photos import RatedPhotos
from noref.lab.training.ridge import ridge_head
from noref.lab.training.vectors import photo_vectors

SAMPLE = 64  # training images used to standardise the features if there is no linear probe


@settings
class RegressorSettings(NetworkSettings):
    """Settings of the regressor."""

    features: Features = "last"
    """"last" for the mean of the last map, "stages" for mean and deviation of the map after every stage."""
    dropout: Share = 0.0
    """Dropout rate on the features."""
    frozen_norms: bool = True
    """Keep the pretrained statistics of batch norms; false for such networks with random weights."""
    linear_probe: bool = True
    """Fit the head to features of the pretrained backbone before fine-tuning; otherwise, the head starts at the mean MOS."""
    loss: dict[str, float] = Field(default_factory=lambda: {"mse": 1.0})
    """Loss names (mse, huber, plcc, norm-in-norm) and their weights in the sum."""


@register("regressor")
class RegressorMethod(ScoringNetworkMethod[RegressorSettings]):
    """A pretrained backbone, global pooling and a linear head.

    `fit` writes `head.json` (a summary of the linear probe), `training/`, and `backbone.safetensors`, which other runs can use
    as weights.
    """

    settings_type = RegressorSettings
    citation = "Padmaja, Al Hamed, Reddy and Reddy (2023): Deep Learning for No-Reference Image Quality Assessment"
    map_meaning = MEANING_OF_SHARES
    map_cell = CELL
    network_: ScoreNetwork

    def build_network(self, pretrained: bool) -> ScoreNetwork:
        chosen = self.settings
        return ScoreNetwork(chosen.backbone.build(pretrained), chosen.features, chosen.dropout, chosen.frozen_norms)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, size = self.settings, self.working_size
        module = ScoreModule(self.network_, chosen.loss, chosen.optimizer)
        if not (folder / "training" / "last.ckpt").exists():  # else its weights replace the head's
            self._fit_head(rated, validation, folder)
        if chosen.schedule.epochs:
            training = RatedPhotos(rated, size, chosen.data.crop, self.seed)
            train(module, training, RatedPhotos(validation, size), folder / "training", chosen.schedule, self.seed)
            self.network_.backbone.save(folder / "backbone.safetensors")

    def _fit_head(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        """Initialise the head by ridge regression: gradients of a random head would damage the pretrained features."""
        if not self.settings.linear_probe:
            self.network_.head.start_at(float(rated.unit_mos.mean()), self._vectors(rated.paths[:: -(-len(rated) // SAMPLE)]))
            return
        inputs, checks = self._vectors(rated.paths), self._vectors(validation.paths)
        self.network_.head, facts = ridge_head(inputs, rated.unit_mos, checks, validation.unit_mos)
        make_folder(folder)
        write_json(folder / "head.json", facts)

    def _vectors(self, paths: Sequence[Path]) -> Vectors:
        chosen = self.settings
        return photo_vectors(
            self.network_.backbone, chosen.features, self.working_size, paths, chosen.schedule.precision, chosen.data.cache
        )
