"""A fine-tuned network as a method like any other: fit, predict, explain, save, load."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator
from torch import nn
from typing_extensions import Self

from noref import images
from noref.lab.datasets.rated import RatedImages
from noref.lab.methods import saved
from noref.lab.methods.regressor.learning import RegressionModule
from noref.lab.methods.regressor.linear_probe import fitted_head, flat_head
from noref.lab.methods.regressor.losses import mixture
from noref.lab.methods.regressor.network import CELL, Regressor
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.cache import Vectors
from noref.lab.networks.padding import with_static_padding
from noref.lab.networks.pooling import Features
from noref.lab.networks.vectors import photo_vectors
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.training.finetuning import OptimizerConfig
from noref.lab.training.loop import Schedule, train
from noref.lab.training.photos import RatedPhotos, loader

SAMPLE = 64  # training photos that a fresh head's standardisation is measured on
MSE: Mapping[str, float] = {"mse": 1.0}


class RegressorMethod(BaseEstimator):
    """A pre-trained backbone, global pooling and a linear head, fine-tuned to people's opinions (paper 001: ConvNeXt).

    Args:
        backbone, weights, mean, std, options: See `networks.backbone.Backbone`.
        features: "last" for the mean of the last map, "stages" for mean and deviation of the map after every stage.
        dropout: Share of the features that each training step hides from the head.
        frozen_norms: Keep the statistics of batch norms as they came. Set it to false for such networks from random weights.
        area, shortest: See `WorkingSize`.
        crop: Side of the training windows in pixels; None for whole photos. Validation always sees whole photos.
        head_start: Fit the head to the untouched backbone first (`start`), then fine-tune all; else begin at the mean opinion.
        cache: Folder that keeps the features of that first fit; None for none.
        epochs: Of fine-tuning, at most; 0 leaves the backbone as it came.
        batch: Photos in a batch, over all processes.
        accumulate: Batches whose gradients make one step.
        loss: Weights of "mse", "huber", "plcc" and "norm-in-norm".
        optimizer, head_lr, backbone_lr, layer_decay, weight_decay, warm_up: See `training.finetuning.OptimizerConfig`.
        ema: Decay of a running average of the weights, which is then what is validated and kept; None for none.
        patience: Epochs without a better validation SRCC before training stops.
        precision: Lightning's name; "bf16-mixed" is much faster where the processor has it.
        devices, nodes, strategy: Processes on a machine, machines, and Lightning's name for how they work together.
        workers: Processes that prepare photos, for each that trains.
        seed: Of weights, order and crops.
    """

    name: ClassVar[str] = "regressor"
    MAP_MEANING: ClassVar[str] = (
        "local quality, higher is better: how each place pulls the score up or down, to first order; the mean over the map is "
        "the score before clipping to 0 to 100"
    )
    MAP_CELL: ClassVar[int] = CELL

    def __init__(
        self,
        backbone: str = "convnext_tiny",
        *,
        weights: str | Path | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        options: Mapping[str, Any] | None = None,
        features: Features = "last",
        dropout: float = 0.0,
        frozen_norms: bool = True,
        area: int = 512 * 768,
        shortest: int = 64,
        crop: int | None = None,
        head_start: bool = True,
        cache: str | Path | None = None,
        epochs: int = 20,
        batch: int = 16,
        accumulate: int = 1,
        loss: Mapping[str, float] = MSE,
        optimizer: str = "adamw",
        head_lr: float = 1e-4,
        backbone_lr: float = 1e-4,
        layer_decay: float = 1.0,
        weight_decay: float = 0.05,
        warm_up: float = 0.1,
        ema: float | None = None,
        patience: int = 5,
        precision: str = "32-true",
        devices: int = 1,
        nodes: int = 1,
        strategy: str = "auto",
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        self.backbone, self.weights, self.mean, self.std, self.options = backbone, weights, mean, std, options
        self.features, self.dropout, self.frozen_norms = features, dropout, frozen_norms
        self.area, self.shortest, self.crop = area, shortest, crop
        self.head_start, self.cache = head_start, cache
        self.epochs, self.batch, self.accumulate, self.loss = epochs, batch, accumulate, loss
        self.optimizer, self.head_lr, self.backbone_lr, self.layer_decay = optimizer, head_lr, backbone_lr, layer_decay
        self.weight_decay, self.warm_up, self.ema = weight_decay, warm_up, ema
        self.patience, self.precision = patience, precision
        self.devices, self.nodes, self.strategy = devices, nodes, strategy
        self.workers, self.seed = workers, seed

    @property
    def working_size(self) -> WorkingSize:
        """How photos of any size come to the network."""
        return WorkingSize(self.area, self.shortest, multiple=32)  # what common backbones halve to a whole number of cells

    def _network(self, weights: str | Path | None) -> Regressor:
        backbone = Backbone(self.backbone, weights, mean=self.mean, std=self.std, options=self.options)
        return Regressor(backbone, self.features, self.dropout, self.frozen_norms)

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """The head first, then everything; penalty and checkpoint are chosen on `validation`.

        Raises:
            LabError: A backbone, loss or optimizer is unknown (the message suggests near names); the weights do not fit, or are
                not there.
            ImageError: A photo cannot be read, or is smaller than `shortest`.
        """
        torch.manual_seed(self.seed)
        self.mos_range_ = rated.mos_range
        self.network_ = self._network(self.weights)
        steps = OptimizerConfig(
            self.optimizer, self.head_lr, self.backbone_lr, self.layer_decay, self.weight_decay, self.warm_up
        )
        module = RegressionModule(self.network_, mixture(self.loss), steps)
        if not (folder / "training" / "last.ckpt").exists():  # else its weights replace all these
            self._start_head(rated, validation, folder)
        if self.epochs:
            self._fine_tune(module, rated, validation, folder / "training")
            self.network_.backbone.save(folder / "backbone.safetensors")  # which other runs can take by `weights`
        self.network_.eval()
        return self

    def _start_head(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        if not self.head_start:
            sample = rated.paths[:: -(-len(rated) // SAMPLE)]
            self.network_.head = flat_head(self._vectors(sample), rated.unit_mos)
            return
        head, facts = fitted_head(
            self._vectors(rated.paths), rated.unit_mos, self._vectors(validation.paths), validation.unit_mos
        )
        self.network_.head = head
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "head.json").write_text(json.dumps(facts, indent=2) + "\n")

    def _vectors(self, paths: Sequence[Path]) -> Vectors:
        """What describes whole photos, n x D, by the network as it is now."""
        return photo_vectors(self.network_.backbone, self.features, self.working_size, paths, self.precision, self.cache)

    def _fine_tune(self, module: RegressionModule, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        schedule = Schedule(
            self.epochs,
            "val_srcc",
            "max",
            self.patience,
            self.precision,
            self.accumulate,
            self.ema,
            self.devices,
            self.nodes,
            self.strategy,
        )
        training = RatedPhotos(rated, self.working_size, self.crop, self.seed)
        checking = RatedPhotos(validation, self.working_size)
        module.train()  # Lightning leaves the mode as it finds it
        train(
            module,
            schedule,
            folder,
            loader(training, self.batch, self.seed, self.workers),
            loader(checking, self.batch, None, self.workers),
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
            scores = [float(self.network_(self._working(image))) for image in images]
        return low + (high - low) * np.array(scores)

    def explain(self, image: images.Source) -> dict[str, npt.NDArray[np.float32]]:
        """The map `quality` of one photo, a cell for 16 x 16 pixels of its working size.

        0 to 1 are the ends of the opinion scale, higher is better; the mean is the score. A place's part is read off the maps
        that the head pools, to first order (`networks.description.shares`).
        """
        with torch.inference_mode():
            return {"quality": self.network_.assess(self._working(image)).quality[0].numpy()}

    def export_core(self) -> nn.Module:
        """For `noref.lab.export`: working pixels (uint8, 1 x H x W x 3) to score and quality map in [0, 1]-scaled opinions."""
        return _Core(with_static_padding(self.network_))

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and `method.json`."""
        saved.write(self, folder, self.network_.state_dict(), scale=self.mos_range_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; the weights that the backbone once started from are not needed."""
        state, weights = saved.read(folder, cls)
        method = cls(**state["params"])
        low, high = state["scale"]
        method.mos_range_ = (low, high)
        method.network_ = method._network(None)
        saved.fill(method.network_, weights, folder)
        method.network_.eval()
        return method


class _Core(nn.Module):
    def __init__(self, trained: Regressor) -> None:
        super().__init__()
        self.trained = trained

    def forward(self, working: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        assessed = self.trained.assess(working)
        return assessed.score, assessed.quality
