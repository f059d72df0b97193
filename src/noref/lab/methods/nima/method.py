"""NIMA: the mean of a predicted distribution of ratings."""

from pathlib import Path

from noref.lab.datasets.rated import RatedImages
from noref.lab.methods.network import NetworkSettings, ScoringNetworkMethod
from noref.lab.methods.nima.learning import DistributionModule, RatedDistributions
from noref.lab.methods.nima.network import Nima
from noref.lab.methods.registry import register
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.networks.pooled import CELL
from noref.lab.networks.pooling import MEANING_OF_SHARES
from noref.lab.preprocessing import DataConfig
from noref.lab.settings import Share, settings
from noref.lab.training.finetuning import OptimizerConfig
from noref.lab.training.loop import ParallelSchedule, train


@settings
class NimaSettings(NetworkSettings):
    """Settings of NIMA."""

    frozen_norms: bool = True
    """Keep the pretrained statistics of batch norms; false for such networks with random weights."""
    deviation: Share = 0.2
    """Standard deviation of the ratings where the database has none, on the MOS scaled to 0 to 1."""
    backbone: BackboneConfig = BackboneConfig(name="mobilenetv2_100")
    data: DataConfig = DataConfig(area=256 * 256, fixed=True, crop=224)
    optimizer: OptimizerConfig = OptimizerConfig(head_lr=1e-3, backbone_lr=1e-4, weight_decay=0.01)
    schedule: ParallelSchedule = ParallelSchedule(epochs=8, batch=32)


@register("nima")
class NimaMethod(ScoringNetworkMethod[NimaSettings]):
    """Neural Image Assessment (Talebi, Milanfar, IEEE TIP 2018): the distribution of ratings from a fine-tuned backbone."""

    settings_type = NimaSettings
    citation = "Talebi and Milanfar (2018): NIMA: Neural Image Assessment"
    map_meaning = MEANING_OF_SHARES
    map_cell = CELL
    network_: Nima

    def build_network(self, pretrained: bool) -> Nima:
        return Nima(self.settings.backbone.build(pretrained), self.settings.frozen_norms)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, size = self.settings, self.working_size
        training = RatedDistributions(rated, size, chosen.deviation, chosen.data.crop, self.seed)
        self.network_.start_at(training.distributions.mean(dim=0))
        module = DistributionModule(self.network_, chosen.optimizer)
        checking = RatedDistributions(validation, size, chosen.deviation)
        train(module, training, checking, folder / "training", chosen.schedule, self.seed)
