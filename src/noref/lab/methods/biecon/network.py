"""The network of BIECON (Kim and Lee 2017); details follow the authors' release."""

import torch
from torch import Tensor, nn

from noref.lab.networks.heads import HiddenHead
from noref.lab.networks.initial import initialise
from noref.lab.networks.patches import PatchNetwork, PatchPrediction, local_normalisation, luma

TAPS = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)  # of local normalisation
CONSTANT = 127.0  # of local normalisation, in grey levels
SCALE = 2 / 3  # factor after local normalisation
DISCARDED = 5  # one patch in five is not used: that with the smallest standard deviation


class Biecon(PatchNetwork):
    """Two convolutions and four fully connected layers for each patch, and a head for each stage; 5,021,762 parameters.

    Stage 1 predicts the local score of a patch from its vector; stage 2 predicts the MOS from the mean of the vectors of the
    four fifths of the patches with the largest standard deviation.
    """

    margin = len(TAPS) // 2

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 64, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            *(nn.Linear(4096, 1024), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(1024, 512), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(256, 128), nn.ReLU()),
        )
        initialise(self.features, gain=10)  # the standard deviation of the input is about 0.1
        self.local_head, self.head = HiddenHead(128, 128, dropout=0.5), HiddenHead(128, 128, dropout=0.5)
        nn.init.constant_(self.local_head.output.bias, 0.5)

    @property
    def output(self) -> nn.Linear:  # type: ignore[override]
        return self.head.output

    def prepare(self, planes: Tensor) -> Tensor:
        return SCALE * local_normalisation(luma(planes), TAPS, CONSTANT)

    def describe(self, patches: Tensor) -> Tensor:
        """Vectors of patches: N x P x 1 x 32 x 32 to N x P x 128."""
        return torch.unflatten(self.features(patches.flatten(0, 1)).float(), 0, patches.shape[:2])

    def local_scores(self, patches: Tensor) -> Tensor:
        """The prediction of stage 1 for each patch, N x P."""
        return torch.unflatten(self.local_head(self.describe(patches).flatten(0, 1))[0].float(), 0, patches.shape[:2])

    def assess(self, patches: Tensor) -> PatchPrediction:
        vectors, deviation = self.describe(patches), patches.flatten(2).std(dim=2)
        least = deviation.sort(dim=1).values[:, patches.shape[1] // DISCARDED]
        used = (deviation >= least[:, None]).float()[:, :, None]
        pooled = (used * vectors).sum(dim=1) / used.sum(dim=1)
        score, slope = self.head(pooled)
        quality = score[:, None] + torch.einsum("nd,npd->np", slope, vectors - pooled[:, None])
        return PatchPrediction(score.float(), quality.float())
