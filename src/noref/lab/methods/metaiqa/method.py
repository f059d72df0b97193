"""MetaIQA: meta-learning over synthetic distortions, then fine-tuning on rated images."""

from collections.abc import Sequence
from pathlib import Path

from noref.lab import distortions
from noref.lab.datasets.rated import RatedImages
from noref.lab.methods.metaiqa.learning import DistortionTasks, MetaModule, MetaSchedule
from noref.lab.methods.metaiqa.network import MetaIqaNetwork
from noref.lab.methods.network import ScoringNetworkMethod
from noref.lab.methods.registry import register
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.preprocessing import SizeConfig
from noref.lab.settings import PathText, Positive, Share, settings
from noref.lab.training.finetuning import OptimizerConfig, ScoreModule
from noref.lab.training.loop import Schedule, train
from noref.lab.training.pairs import find_photos, pristine_parts
from noref.lab.training.photos import RatedPhotos


@settings
class MetaIqaSettings:
    """Settings of MetaIQA."""

    pristine: PathText | None = None
    """Folder of pristine images for the tasks; null for the best-rated images."""
    best: Share = 0.1
    """Share of the rated images that are taken as pristine without a folder."""
    types: tuple[str, ...] = distortions.VERSION_1
    """Types of distortion; each is a task."""
    backbone: BackboneConfig = BackboneConfig(name="tf_efficientnet_lite1")
    data: SizeConfig = SizeConfig(area=224 * 224, fixed=True)
    crop: Positive = 224
    """Side of the training windows in pixels, in both stages; prediction uses whole images."""
    meta: MetaSchedule = MetaSchedule(epochs=50)
    optimizer: OptimizerConfig = OptimizerConfig(name="adam", head_lr=1e-4, backbone_lr=1e-4, weight_decay=0.0)
    schedule: Schedule = Schedule(epochs=100, batch=50)


@register("metaiqa")
class MetaIqaMethod(ScoringNetworkMethod[MetaIqaSettings]):
    """MetaIQA: meta-learning over types of distortion, then fine-tuning (Zhu, Li, Wu, Dong, Shi 2020).

    `fit` writes `meta/` and `training/`; checkpoints are chosen on `validation`.
    """

    settings_type = MetaIqaSettings
    citation = "Zhu et al. (2020): MetaIQA: Deep Meta-Learning for No-Reference Image Quality Assessment"
    network_: MetaIqaNetwork

    def external_images(self) -> Sequence[Path]:
        """The pristine images of the folder."""
        chosen = self.settings
        return find_photos(chosen.pristine) if chosen.meta.epochs else ()

    def build_network(self, pretrained: bool) -> MetaIqaNetwork:
        return MetaIqaNetwork(self.settings.backbone.build(pretrained))

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, network, size = self.settings, self.network_, self.working_size
        checking = RatedPhotos(validation, size)
        if chosen.meta.epochs and not (folder / "training" / "last.ckpt").exists():
            paths, _ = pristine_parts(chosen.pristine, rated, validation, chosen.best, self.seed)
            tasks = DistortionTasks(paths, chosen.types, chosen.meta, chosen.crop, self.seed)
            train(MetaModule(network, chosen.meta), tasks, checking, folder / "meta", chosen.meta, self.seed)
        if chosen.schedule.epochs:
            module = ScoreModule(network, {"mse": 1.0}, chosen.optimizer)
            training = RatedPhotos(rated, size, chosen.crop, self.seed)
            train(module, training, checking, folder / "training", chosen.schedule, self.seed)
