"""Fine-tuning for defects as a Lightning module."""

import torch
import torch.nn.functional as F

from noref.lab.methods.defects.network import DefectNetwork
from noref.lab.metrics.defects import by_family
from noref.lab.networks.ordinal import at_least, read
from noref.lab.training.finetuning import OptimizerConfig, PredictionModule


class DefectModule(PredictionModule):
    """Predict whether the level of each defect is at least 1, 2 … 5, by binary cross-entropy with equal weights.

    Logs `val_auc`: the area under the ROC curve of the presence of a defect, averaged over the families.
    """

    def __init__(self, network: DefectNetwork, optimizer: OptimizerConfig) -> None:
        super().__init__(network, F.binary_cross_entropy_with_logits, optimizer)

    def on_validation_epoch_end(self) -> None:
        logits, photos = self.validated()
        found = read(logits.cpu())
        mean = by_family(found.probabilities.numpy(), found.levels.numpy(), photos.levels).iloc[0]
        self.log("val_loss", self.loss(logits, torch.from_numpy(at_least(photos.levels)).to(logits)))
        self.log("val_srcc", float(mean["srcc"]))
        self.log("val_auc", float(mean["auc"]), prog_bar=True)
