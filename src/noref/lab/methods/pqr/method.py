"""PQR: fine-tuning of a backbone to predict the distribution of the score over bins, and a regressor of the distribution."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from sklearn.svm import NuSVR
from torch import Tensor

from noref.lab.datasets.rated import RatedImages
from noref.lab.methods.network import ScoringNetworkMethod
from noref.lab.methods.pqr.network import PqrNetwork, target
from noref.lab.methods.registry import register
from noref.lab.networks import crops as places
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.preprocessing import WorkingSize
from noref.lab.settings import Positive, settings
from noref.lab.training.finetuning import OptimizerConfig, PredictionModule, validation_srcc
from noref.lab.training.loop import ParallelSchedule, train
from noref.lab.training.photos import RatedPhotos


@settings
class PqrSettings:
    """Settings of PQR."""

    backbone: BackboneConfig = BackboneConfig(name="tf_efficientnet_lite1")
    bins: Positive = 5
    """Bins of equal width between the ends of the MOS range."""
    side: Positive = 224
    """Side of crops in pixels, a multiple of 16."""
    crops: Positive = 50
    """Crops of a photo whose scores are averaged for prediction."""
    area: Positive = 512 * 768
    """Pixels above which an image is shrunk, but not below the side of crops."""
    optimizer: OptimizerConfig = OptimizerConfig(head_lr=1e-3, backbone_lr=1e-3, weight_decay=1e-4)
    schedule: ParallelSchedule = ParallelSchedule(epochs=500, batch=64)


class PqrModule(PredictionModule):
    """Train the distribution by cross-entropy with soft targets; logs `val_loss` and `val_srcc` of single crops."""

    network: PqrNetwork

    def __init__(self, network: PqrNetwork, optimizer: OptimizerConfig) -> None:
        super().__init__(network, distribution_loss, optimizer)

    def on_validation_epoch_end(self) -> None:
        logits, photos = self.validated()
        mos = torch.as_tensor(photos.mos, device=self.device)
        self.log("val_loss", self.loss(logits, mos))
        self.log("val_srcc", validation_srcc(self.network.score(logits), mos), prog_bar=True)


@register("pqr")
class PqrMethod(ScoringNetworkMethod[PqrSettings]):
    """Probabilistic quality representation (Zeng, Zhang, Bovik 2018).

    `fit` writes `training/`; checkpoints are chosen on one crop of each validation image.
    """

    settings_type = PqrSettings
    citation = "Zeng, Zhang and Bovik (2018): Blind Image Quality Assessment with a Probabilistic Quality Representation"
    map_meaning = (
        "local quality, higher is better: the mean score of the crops that hold a cell, and the score of the photo where none "
        "does; the mean over a crop alone is its score before clipping to 0 to 100"
    )
    map_cell = places.CELL
    network_: PqrNetwork

    @property
    def working_size(self) -> WorkingSize:
        """The size policy: both sides are at least one crop."""
        return WorkingSize(self.settings.area, self.settings.side, places.CELL)

    def build_network(self, pretrained: bool) -> PqrNetwork:
        chosen = self.settings
        crops = places.Crops(chosen.side, places.scattered(chosen.crops, self.seed))
        return PqrNetwork(chosen.backbone.build(pretrained), crops, chosen.bins)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, size, network = self.settings, self.working_size, self.network_
        weight, bias = regressor(rated.unit_mos, chosen.bins)
        network.weight.copy_(weight)
        network.bias.copy_(bias)
        training, checking = (RatedPhotos(part, size, chosen.side, self.seed) for part in (rated, validation))
        module = PqrModule(network, chosen.optimizer)
        train(module, training, checking, folder / "training", chosen.schedule, self.seed)


def distribution_loss(logits: Tensor, mos: Tensor) -> Tensor:
    """Cross-entropy of predicted distributions, logits N x bins, with the `target` distributions of N MOS in [0, 1]."""
    return F.cross_entropy(logits, target(mos, logits.shape[1]))


def regressor(mos: npt.NDArray[np.float64], bins: int) -> tuple[Tensor, Tensor]:
    """Weights and bias of a linear nu-SVR from the `target` distributions of training MOS to the MOS themselves."""
    fitted = NuSVR(kernel="linear").fit(target(torch.from_numpy(mos), bins).numpy(), mos)
    return torch.tensor(fitted.coef_[0]).float(), torch.tensor(fitted.intercept_[0]).float()
