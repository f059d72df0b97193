"""Several defects at once, each with its level: linear probes of a pretrained backbone, then fine-tuning of all weights."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from noref.lab import distortions
from noref.lab.arrays import Pixels, Vectors
from noref.lab.datasets.rated import RatedImages
from noref.lab.distortions import chains
from noref.lab.distortions.chains import FAMILIES, distort
from noref.lab.files import make_folder, write_json
from noref.lab.methods.defects.learning import DefectModule
from noref.lab.methods.defects.linear_probe import fitted_head
from noref.lab.methods.defects.network import DefectNetwork
from noref.lab.methods.defects.sources import sources
from noref.lab.methods.network import DefectMethod, NetworkSettings
from noref.lab.methods.registry import register
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.networks.pooling import Features
from noref.lab.preprocessing import DataConfig
from noref.lab.settings import PathText, Positive, Share, settings
from noref.lab.training.distorted import DistortedImages, chain_facts, chain_rng
from noref.lab.training.finetuning import OptimizerConfig
from noref.lab.training.loop import ParallelSchedule, train
from noref.lab.training.vectors import Views, photo_vectors


@settings
class DefectsSettings(NetworkSettings):
    """Settings of the defects method."""

    pristine: PathText | None = None
    """Folder of pristine images."""
    best: Share = 0.1
    """Share of a database's images, those with the highest MOS, that are taken as pristine as well."""
    types: tuple[str, ...] = distortions.VERSION_1
    """Types of distortion to draw chains from; every family of defects needs one that chains can draw."""
    backbone: BackboneConfig = BackboneConfig(name="mobilenetv2_100")
    features: Features = "stages"
    """"last" for the mean of the last map, "stages" for mean and deviation of the map after every stage."""
    frozen_norms: bool = True
    """Keep the pretrained statistics of batch norms; false for such networks with random weights."""
    copies: Positive = 12
    """Number of chains of distortions per image: in each epoch, for the linear probes, in validation and in the test."""
    data: DataConfig = DataConfig(crop=320)
    optimizer: OptimizerConfig = OptimizerConfig(head_lr=1e-5, weight_decay=0.01)
    schedule: ParallelSchedule = ParallelSchedule(epochs=0, patience=3)


@register("defects")
class DefectsMethod(DefectMethod[DefectsSettings]):
    """Several defects at once, each with its level, learned from pristine images under chains of zero to three distortions.

    `fit` does not use the MOS; it writes `head.json` (a summary of the linear probes) and `training/`.
    """

    settings_type = DefectsSettings
    citation = "unpublished, of noref"
    classes_ = tuple(FAMILIES)
    network_: DefectNetwork

    @property
    def copies(self) -> int:
        return self.settings.copies

    @property
    def types(self) -> Sequence[str]:
        return self.settings.types

    def gather(self, database: RatedImages | None) -> RatedImages:
        """The images of the folder `pristine`, and the best-rated images of a database."""
        return sources(self.settings.pristine, database, self.settings.best)

    def build_network(self, pretrained: bool) -> DefectNetwork:
        chosen = self.settings
        return DefectNetwork(chosen.backbone.build(pretrained), chosen.features, chosen.frozen_norms)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen = self.settings
        chains.require(chosen.types)
        checking = self._distorted(validation.paths)
        if not (folder / "training" / "last.ckpt").exists():  # else its weights replace these
            levels = self._distorted(rated.paths).levels
            vectors = self._vectors(rated.paths), levels, self._vectors(validation.paths), checking.levels
            self.network_.head, facts = fitted_head(*vectors)
            make_folder(folder)
            write_json(folder / "head.json", facts)
        if chosen.schedule.epochs:
            training = self._distorted(rated.paths, chosen.data.crop)
            module = DefectModule(self.network_, chosen.optimizer)
            train(module, training, checking, folder / "training", chosen.schedule, self.seed, "val_auc")

    def _distorted(self, paths: Sequence[Path], crop: int | None = None) -> DistortedImages:
        return DistortedImages(paths, self.working_size, self.copies, crop, self.seed, self.types)

    def _vectors(self, paths: Sequence[Path]) -> Vectors:
        """Features of whole images under the chains of epoch 0, extracted with the backbone in its current state."""
        chosen = self.settings

        def distort_all(working: Pixels) -> Iterator[Pixels]:
            for copy in range(chosen.copies):
                yield distort(working, chain_rng(working, 0, copy, self.seed), chosen.types)[0]

        return photo_vectors(
            self.network_.backbone,
            chosen.features,
            self.working_size,
            paths,
            chosen.schedule.precision,
            chosen.data.cache,
            Views(distort_all, chain_facts(chosen.copies, self.seed, chosen.types)),
        )
