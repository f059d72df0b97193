"""Training data and Lightning module of NIMA."""

import numpy as np
import torch
from torch import Tensor

from noref.lab.datasets.rated import RatedImages
from noref.lab.methods.nima.distribution import emd, mean_of, of_maximum_entropy
from noref.lab.methods.nima.network import Nima
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.finetuning import OptimizerConfig, PredictionModule, validation_srcc
from noref.lab.training.photos import RatedPhotos


class RatedDistributions(RatedPhotos):
    """Photos as in `RatedPhotos`, with distributions of ratings (10) instead of MOS.

    Attributes:
        distributions: n x 10, of maximum entropy for the MOS and the standard deviation of the ratings.

    Args:
        rated, size, crop, seed: As for `RatedPhotos`.
        deviation: Standard deviation of the ratings where the database has none, on the MOS scaled to [0, 1].
    """

    def __init__(self, rated: RatedImages, size: WorkingSize, deviation: float, crop: int | None = None, seed: int = 0) -> None:
        super().__init__(rated, size, crop, seed)
        low, high = rated.mos_range
        known = rated.table["mos_std"].to_numpy(np.float64) / (high - low) if "mos_std" in rated.table else np.nan
        deviations = np.where(np.isnan(known), deviation, known)
        self.distributions = torch.from_numpy(of_maximum_entropy(rated.unit_mos, deviations).astype(np.float32))

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        pixels, _ = super().__getitem__(place)
        return pixels, self.distributions[place[1]]


class DistributionModule(PredictionModule):
    """Train the distribution of ratings by the earth mover's distance; logs `val_loss` and the SRCC of the mean, `val_srcc`."""

    def __init__(self, network: Nima, optimizer: OptimizerConfig) -> None:
        super().__init__(network, emd, optimizer)

    def on_validation_epoch_end(self) -> None:
        predicted, photos = self.validated()
        self.log("val_loss", self.loss(predicted, photos.distributions.to(self.device)))
        self.log("val_srcc", validation_srcc(mean_of(predicted), torch.as_tensor(photos.mos)), prog_bar=True)
