"""Training on patches of rated photos: the data set, the schedule and the Lightning module."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from noref.lab.arrays import Pixels
from noref.lab.datasets.rated import RatedImages
from noref.lab.networks.patches import SIDE, PatchNetwork, PatchPrediction
from noref.lab.preprocessing import WorkingSize
from noref.lab.settings import Positive, Rate, settings
from noref.lab.training.loop import Schedule
from noref.lab.training.modules import MosModule
from noref.lab.training.photos import RatedPhotos
from noref.lab.training.working import Shape


@settings
class PatchSchedule(Schedule):
    """A schedule of training on patches."""

    batch: Positive = 8
    """Photos per batch."""
    patches: Positive = 32
    """Random patches of each photo per epoch; on validation, the patches stay the same."""
    learning_rate: Rate = 1e-3
    """Highest learning rate."""


def random_patches(pixels: Pixels, count: int, margin: int, rng: np.random.Generator) -> Tensor:
    """Patches at random places of a photo, uint8, count x (32 + 2 margin) x (32 + 2 margin) x 3.

    The patches lie inside the photo, of at least 32 x 32 pixels; margins that reach over an edge replicate it.
    """
    padded = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    side = SIDE + 2 * margin
    corners = rng.integers([padded.shape[0] - side + 1, padded.shape[1] - side + 1], size=(count, 2))
    return torch.from_numpy(np.stack([padded[top : top + side, left : left + side] for top, left in corners]))


class RatedPatches(RatedPhotos):
    """Random patches of photos with the MOS of the photo in [0, 1]: as `random_patches`, and a scalar.

    Indexed by (epoch, photo); the places depend on seed, epoch and photo only.
    """

    def __init__(self, rated: RatedImages, size: WorkingSize, count: int, margin: int = 0, seed: int = 0) -> None:
        super().__init__(rated, size, None, seed)
        self.count, self.margin = count, margin

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        pixels, mos = super().__getitem__(place)
        return random_patches(pixels.numpy(), self.count, self.margin, np.random.default_rng((self.seed, *place))), mos

    def shapes(self) -> list[Shape]:
        """The side of a patch, twice, for each photo: patches of all photos can be stacked."""
        return self.photos.shapes(self.paths, SIDE)


def patch_error(found: PatchPrediction, mos: Tensor) -> Tensor:
    """The mean absolute error of the patches, to each of which the MOS (N) of its photo is assigned."""
    return (found.quality - mos[:, None]).abs().mean()


def photo_error(found: PatchPrediction, mos: Tensor) -> Tensor:
    """The mean absolute error of the scores of N photos."""
    return (found.score - mos).abs().mean()


class PatchModule(MosModule):
    """Train a network for patches.

    Args:
        network: The network.
        learning_rate: The highest learning rate.
        error: The loss of predictions and MOS (N), such as `patch_error`.
    """

    def __init__(self, network: PatchNetwork, learning_rate: float, error: Callable[[PatchPrediction, Tensor], Tensor]) -> None:
        super().__init__(network, learning_rate)
        self.error = error

    def score(self, pixels: Tensor) -> Tensor:
        score: Tensor = self.network(pixels).score
        return score

    def loss(self, batch: list[Tensor]) -> Tensor:
        patches, mos = batch
        return self.error(self.network(patches), mos)
