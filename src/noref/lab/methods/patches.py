"""Base class of methods whose network assesses patches of 32 x 32 pixels (`networks.patches`), trained from random weights.

The size policy leaves photos up to 512 x 768 pixels, the size of those in LIVE, as they are. Predictions use the patches of a
grid that covers the photo (the right and bottom edges are repeated up to a multiple of 32 pixels), so that they are
deterministic.
"""

from abc import abstractmethod
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from noref.images import Source
from noref.lab.arrays import Map
from noref.lab.datasets.rated import RatedImages
from noref.lab.methods.network import ScoringNetworkMethod
from noref.lab.networks.patches import SIDE, PatchNetwork
from noref.lab.preprocessing import SizeConfig, working_pixels
from noref.lab.settings import settings
from noref.lab.training.loop import train
from noref.lab.training.modules import MosModule
from noref.lab.training.patches import PatchSchedule, RatedPatches


@settings
class PatchSettings:
    """Settings common to methods on patches; methods add their own."""

    data: SizeConfig = SizeConfig()
    schedule: PatchSchedule = PatchSchedule()


P = TypeVar("P", bound=PatchSettings)


class PatchMethod(ScoringNetworkMethod[P]):
    """A method whose network assesses patches; subclasses define `build_network` and `module`.

    `fit` writes `training/`. Checkpoints are chosen on random patches of the validation photos, the same ones in every epoch.
    """

    multiple = SIDE
    map_cell = SIDE
    map_meaning = "local quality, higher is better; the mean over the patches is the score before clipping to 0 to 100"
    network_: PatchNetwork

    @abstractmethod
    def module(self) -> MosModule:
        """The Lightning module that trains `network_`."""

    def patches_of(self, rated: RatedImages) -> RatedPatches:
        """Random patches of rated photos."""
        return RatedPatches(rated, self.working_size, self.settings.schedule.patches, self.network_.margin, self.seed)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        nn.init.constant_(self.network_.output.bias, float(rated.unit_mos.mean()))
        training, checking = self.training_patches(rated), self.patches_of(validation)
        train(self.module(), training, checking, folder / "training", self.settings.schedule, self.seed)

    def training_patches(self, rated: RatedImages) -> RatedPatches:
        """The training data."""
        return self.patches_of(rated)

    @torch.inference_mode()
    def explain(self, image: Source) -> dict[str, Map]:
        """Maps of one image by name, with a cell for each patch: `quality`, and `weight` where patches have one.

        Raises:
            ImageError: The image cannot be read, or is too small.
        """
        working = torch.from_numpy(working_pixels(image, self.working_size))[None]
        found = self.network_.on_grid(working)
        maps: dict[str, Tensor | None] = {"quality": found.quality, "weight": found.weight}
        grid = (working.shape[1] // SIDE, working.shape[2] // SIDE)
        return {name: torch.unflatten(cells[0], 0, grid).numpy() for name, cells in maps.items() if cells is not None}
