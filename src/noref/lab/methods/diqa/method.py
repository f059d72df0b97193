"""DIQA as a method like any other: fit, predict, explain, save, load."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator
from torch import nn
from typing_extensions import Self

from noref import images
from noref.lab import distortions
from noref.lab.datasets.rated import RatedImages
from noref.lab.methods import saved
from noref.lab.methods.diqa import maps, network
from noref.lab.methods.diqa.learning import ErrorMapModule, ScoreModule
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.training.loop import Schedule, train
from noref.lab.training.pairs import DistortedPairs, ReferencePairs, find_photos, hold_out
from noref.lab.training.photos import Photos, RatedPhotos, loader


class DiqaMethod(BaseEstimator):
    """Deep Image Quality Assessor (Kim, Nguyen, Lee, TNNLS 2019; papers 002 and 000), and its variant DIQA-SENS.

    Args:
        pristine: Folder of sharp, clean photos, which stage 1 spoils itself; without one it takes the pairs of distorted photo
            and reference that the database has. Not needed where `stage1_epochs` is 0.
        normalise, reliability, features, sensitivity, power, alpha: See `network.Design`; the first three are the paper's
            ablations, as is `stage1_epochs=0`.
        types: Distortions for stage 1; None for `distortions.VERSION_1`.
        area, shortest: See `WorkingSize`.
        stage1_epochs, stage1_crop, stage1_batch, stage1_rate: Stage 1; a crop of None takes whole photos.
        stage2_epochs, stage2_crop, stage2_batch, stage2_rate: Stage 2, likewise.
        patience: Epochs without a better validation figure before a stage stops.
        precision: Lightning's name; "bf16-mixed" is about three times as fast where the processor has it.
        workers: Processes that prepare photos.
        seed: Of weights, order, crops and distortions.
    """

    name: ClassVar[str] = "diqa"
    MAP_MEANING: ClassVar[str] = (
        "local quality, higher is better: what each cell adds to the score; the mean over the cells that lie at least 4 cells "
        "from the border is the score before clipping to 0 to 100"
    )
    MAP_CELL: ClassVar[int] = maps.REDUCTION

    def __init__(
        self,
        pristine: str | Path | None = None,
        *,
        normalise: bool = True,
        reliability: bool = True,
        features: bool = True,
        sensitivity: bool = False,
        power: float = 0.2,
        alpha: float = 1.0,
        types: Sequence[str] | None = None,
        area: int = 512 * 768,
        shortest: int = 64,
        stage1_epochs: int = 2,
        stage1_crop: int | None = 320,
        stage1_batch: int = 8,
        stage1_rate: float = 2e-4,
        stage2_epochs: int = 20,
        stage2_crop: int | None = None,
        stage2_batch: int = 8,
        stage2_rate: float = 2e-4,
        patience: int = 5,
        precision: str = "32-true",
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        self.pristine = pristine
        self.normalise, self.reliability, self.features, self.sensitivity = normalise, reliability, features, sensitivity
        self.power, self.alpha, self.types, self.area, self.shortest = power, alpha, types, area, shortest
        self.stage1_epochs, self.stage1_crop, self.stage1_batch, self.stage1_rate = (
            stage1_epochs,
            stage1_crop,
            stage1_batch,
            stage1_rate,
        )
        self.stage2_epochs, self.stage2_crop, self.stage2_batch, self.stage2_rate = (
            stage2_epochs,
            stage2_crop,
            stage2_batch,
            stage2_rate,
        )
        self.patience, self.precision, self.workers, self.seed = patience, precision, workers, seed

    @property
    def design(self) -> network.Design:
        """The network's switches."""
        return network.Design(self.normalise, self.reliability, self.features, self.sensitivity, self.power, self.alpha)

    @property
    def working_size(self) -> WorkingSize:
        """How photos of any size come to the network."""
        return WorkingSize(self.area, self.shortest)

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Stage 1 on `pristine`, or on `rated` beside its references; stage 2 on `rated`.

        Checkpoints are chosen on held-out pristine photos, or on `validation` beside its references, and on `validation`.

        Raises:
            LabError: Stage 1 is wanted, but there are too few pristine photos to hold some out, or none are given and the
                database names no references, or a photo and its reference differ in size.
        """
        torch.manual_seed(self.seed)
        self.mos_range_ = rated.mos_range
        self.network_ = network.build(self.design)
        nn.init.constant_(self.network_.output.bias, float(rated.unit_mos.mean()))
        self.errors_ = None
        if self.stage1_epochs:
            self._learn_errors(*self._pairs(rated, validation), folder / "stage1")
            self.errors_ = copy.deepcopy(self.network_.stage1).eval()  # stage 2 goes on to change the trunk
        self._learn_scores(rated, validation, folder / "stage2")
        self.network_.eval()
        return self

    def besides(self) -> Sequence[Path]:
        """The pristine photos of stage 1."""
        return find_photos(self.pristine) if self.pristine is not None and self.stage1_epochs else ()

    def _pairs(self, rated: RatedImages, validation: RatedImages) -> tuple[Photos, Photos]:
        """Of stage 1: to learn from, and to check by."""
        size, crop, seed = self.working_size, self.stage1_crop, self.seed
        if self.pristine is None:
            return ReferencePairs(rated, size, crop, seed), ReferencePairs(validation, size, crop, seed)
        learning, held_out = hold_out(self.pristine, seed)
        types = list(self.types) if self.types else list(distortions.VERSION_1)
        return (
            DistortedPairs(learning, types, size, crop, seed),
            DistortedPairs(held_out, types, size, crop, seed, levels=(2, 4)),
        )

    def _learn_errors(self, training: Photos, checking: Photos, folder: Path) -> None:
        module = ErrorMapModule(self.network_.stage1, self.design, self.stage1_rate)
        schedule = Schedule(self.stage1_epochs, "val_loss", "min", self.patience, self.precision)
        train(
            module,
            schedule,
            folder,
            loader(training, self.stage1_batch, self.seed, self.workers),
            loader(checking, self.stage1_batch, None, self.workers),
            self.seed,
        )

    def _learn_scores(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        size = self.working_size
        module = ScoreModule(self.network_, self.stage2_rate)
        schedule = Schedule(self.stage2_epochs, "val_srcc", "max", self.patience, self.precision)
        training = RatedPhotos(rated, size, self.stage2_crop, self.seed)
        checking = RatedPhotos(validation, size)
        train(
            module,
            schedule,
            folder,
            loader(training, self.stage2_batch, self.seed, self.workers),
            loader(checking, self.stage2_batch, None, self.workers),
            self.seed,
        )

    def _working(self, image: images.Source) -> torch.Tensor:
        return torch.from_numpy(working_pixels(image, self.working_size))[None]

    def predict(self, images: Sequence[images.Source]) -> npt.NDArray[np.float64]:
        """Scores on the scale of the database fitted on, higher is better, one photo at a time: never batch-dependent.

        Raises:
            ImageError: A photo cannot be read, or is smaller than `shortest`.
        """
        low, high = self.mos_range_
        with torch.inference_mode():
            scores = [float(self.network_(self._working(image)).score) for image in images]
        return low + (high - low) * np.array(scores)

    def explain(self, image: images.Source) -> dict[str, npt.NDArray[np.float32]]:
        """Maps of one photo, h x w at a quarter of its working size.

        `quality` (0 to 1 inside the opinion scale, higher is better, mean inside the border = score), `error` (the objective
        error that stage 1 predicts, where there was one) and, from DIQA-SENS, `sensitivity` and `perceptual` (their product).
        """
        working = self._working(image)
        with torch.inference_mode():
            assessed = self.network_(working)
            found = {"quality": assessed.quality[0]}
            if self.errors_ is not None:
                found["error"] = self.errors_(network.look(working, self.normalise).seen)[0, 0]
            if assessed.sensitivity is not None:
                found |= {"sensitivity": assessed.sensitivity[0, 0], "perceptual": assessed.perceptual[0, 0]}
        return {name: cells.numpy() for name, cells in found.items()}

    def export_core(self) -> nn.Module:
        """For `noref.lab.export`: working pixels (uint8, 1 x H x W x 3) to score and quality map in [0, 1]-scaled opinions."""
        return _Core(self.network_)

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and `method.json`."""
        parts = {"network": self.network_, "errors": self.errors_}
        weights = {
            f"{name}.{key}": tensor
            for name, part in parts.items()
            if part is not None
            for key, tensor in part.state_dict().items()
        }
        saved.write(self, folder, weights, scale=self.mos_range_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        state, weights = saved.read(folder, cls)
        method = cls(**state["params"])
        low, high = state["scale"]
        method.mos_range_ = (low, high)
        method.network_ = network.build(method.design)
        saved.fill(method.network_, _below("network.", weights), folder)
        method.network_.eval()
        method.errors_ = None
        if method.stage1_epochs:
            method.errors_ = network.build(method.design).stage1.eval()
            saved.fill(method.errors_, _below("errors.", weights), folder)
        return method


def _below(prefix: str, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in weights.items() if key.startswith(prefix)}


class _Core(nn.Module):
    def __init__(self, trained: nn.Module) -> None:
        super().__init__()
        self.trained = trained

    def forward(self, working: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        assessed = self.trained(working)
        return assessed.score, assessed.quality
