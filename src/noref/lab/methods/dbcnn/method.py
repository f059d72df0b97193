"""DB-CNN: S-CNN is pre-trained, then the head is fitted to bilinear features, then all weights are fine-tuned."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from noref.lab.arrays import Vectors
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.files import make_folder, write_json
from noref.lab.methods.dbcnn.learning import CLASSES, ScnnModule, ScnnSchedule
from noref.lab.methods.dbcnn.network import CELL, VERSION, BilinearNetwork
from noref.lab.methods.network import NetworkSettings, ScoringNetworkMethod
from noref.lab.methods.registry import register
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.networks.weights import digest
from noref.lab.preprocessing import WorkingSize
from noref.lab.settings import PathText, Positive, Share, settings
from noref.lab.training.finetuning import OptimizerConfig, ScoreModule
from noref.lab.training.loop import ParallelSchedule, train
from noref.lab.training.pairs import LabelledDistortions, find_photos, pristine_parts
from noref.lab.training.photos import RatedPhotos
from noref.lab.training.ridge import ridge_head
from noref.lab.training.vectors import vectors_by


@settings
class DbcnnSettings(NetworkSettings):
    """Settings of DB-CNN."""

    pristine: PathText | None = None
    """Folder of pristine images for S-CNN; null for the best-rated images."""
    best: Share = 0.1
    """Share of the rated images that are taken as pristine without a folder."""
    backbone: BackboneConfig = BackboneConfig(name="tf_efficientnet_lite1")
    scnn: ScnnSchedule = ScnnSchedule()
    probe: Positive = 2000
    """Training images that the head is fitted to in step one, at most."""
    optimizer: OptimizerConfig = OptimizerConfig(name="adam", head_lr=1e-5, backbone_lr=1e-5, weight_decay=5e-4)
    schedule: ParallelSchedule = ParallelSchedule(epochs=50, batch=8)


@register("dbcnn")
class DbcnnMethod(ScoringNetworkMethod[DbcnnSettings]):
    """Deep bilinear CNN (Zhang, Ma, Yan, Deng, Wang 2020).

    `fit` writes `scnn/` (pre-training), `head.json` (a summary of step one) and `training/` (step two). Checkpoints are chosen
    on validation images only.
    """

    settings_type = DbcnnSettings
    citation = "Zhang et al. (2020): Blind Image Quality Assessment Using a Deep Bilinear Convolutional Neural Network"
    network_: BilinearNetwork

    def external_images(self) -> Sequence[Path]:
        """The pristine images of the folder."""
        chosen = self.settings
        return find_photos(chosen.pristine) if chosen.scnn.epochs else ()

    def build_network(self, pretrained: bool) -> BilinearNetwork:
        crop = self.settings.data.crop
        if crop is not None and crop % CELL:
            raise LabError(f"the side of crops must be a multiple of {CELL} pixels, not {crop}")
        return BilinearNetwork(self.settings.backbone.build(pretrained))

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, size = self.settings, self.working_size
        if not (folder / "training" / "last.ckpt").exists():  # else its weights replace these
            if chosen.scnn.epochs:
                self._pretrain(rated, validation, folder / "scnn")
            self._fit_head(rated, validation, folder)
        if chosen.schedule.epochs:
            module = ScoreModule(self.network_, {"mse": 1.0}, chosen.optimizer)
            training, checking = RatedPhotos(rated, size, chosen.data.crop, self.seed), RatedPhotos(validation, size)
            train(module, training, checking, folder / "training", chosen.schedule, self.seed)

    def _pretrain(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, schedule = self.settings, self.settings.scnn
        size = WorkingSize(schedule.area, schedule.crop)
        parts = pristine_parts(chosen.pristine, rated, validation, chosen.best, self.seed)
        training, checking = (LabelledDistortions(paths, CLASSES, size, schedule.crop, self.seed) for paths in parts)
        module = ScnnModule(self.network_.scnn, schedule)
        train(module, training, checking, folder, schedule, self.seed, "val_accuracy")

    def _fit_head(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        """Step one: only the head, on fixed features."""
        order = np.random.default_rng(self.seed).permutation(len(rated))[: self.settings.probe]
        paths, mos = [rated.paths[place] for place in order], rated.unit_mos[order]
        inputs, checks = self._vectors(paths), self._vectors(validation.paths)
        self.network_.head, facts = ridge_head(inputs, mos, checks, validation.unit_mos)
        make_folder(folder)
        write_json(folder / "head.json", facts)

    def _vectors(self, paths: Sequence[Path]) -> Vectors:
        network, size = self.network_.eval(), self.working_size
        facts = {**network.backbone.policy(), "size": asdict(size), "scnn": digest(network.scnn), "bilinear": VERSION}
        return vectors_by(network.describe, size, paths, self.settings.data.cache, facts)
