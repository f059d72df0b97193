"""Fine-tuning to people's opinions."""

import math

import torch

from noref.lab.metrics.agreement import agreement
from noref.lab.training.finetuning import PredictionModule


class RegressionModule(PredictionModule):
    """Predict opinions scaled to [0, 1]."""

    def on_validation_epoch_end(self) -> None:
        predicted, photos = self.validated()
        mos = torch.as_tensor(photos.mos, device=self.device)
        srcc = agreement(predicted.cpu().numpy(), mos.cpu().numpy())["srcc"]
        self.log("val_loss", self.loss(predicted, mos))
        self.log("val_srcc", 0.0 if math.isnan(srcc) else srcc, prog_bar=True)  # constant predictions rank nothing
