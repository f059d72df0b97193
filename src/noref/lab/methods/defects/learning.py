"""Fine-tuning to defects."""

import torch
import torch.nn.functional as F

from noref.lab.methods.defects.judge import judge
from noref.lab.methods.defects.network import DefectNetwork, read
from noref.lab.methods.defects.photos import at_least
from noref.lab.training.finetuning import OptimizerConfig, PredictionModule


class DefectModule(PredictionModule):
    """Answer whether the level of each defect is at least 1, 2 … 5, by cross-entropy, all answers alike in weight.

    `val_auc` chooses the checkpoint: the mean over the families of how well their being there is told.
    """

    def __init__(self, network: DefectNetwork, steps: OptimizerConfig) -> None:
        super().__init__(network, F.binary_cross_entropy_with_logits, steps)

    def on_validation_epoch_end(self) -> None:
        logits, photos = self.validated()
        found = read(logits.cpu())
        mean = judge(found.probabilities.numpy(), found.levels.numpy(), photos.levels).iloc[0]
        self.log("val_loss", self.loss(logits, torch.from_numpy(at_least(photos.levels)).to(logits)))
        self.log("val_srcc", float(mean["srcc"]))
        self.log("val_auc", float(mean["auc"]), prog_bar=True)
