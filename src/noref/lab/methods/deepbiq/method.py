"""DeepBIQ as a method like any other: fit, predict, explain, save, load."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from torch import nn
from typing_extensions import Self

from noref import images
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.lookup import lookup
from noref.lab.methods import saved
from noref.lab.methods.deepbiq import crops as places
from noref.lab.methods.deepbiq import finetune, pooling, svr
from noref.lab.methods.deepbiq.network import DeepBiq, vectors_of
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.cache import FeatureCache
from noref.lab.networks.heads import Head, LinearHead, RbfHead, from_pipeline
from noref.lab.networks.padding import with_static_padding
from noref.lab.networks.pooling import Features
from noref.lab.preprocessing import WorkingSize, working_pixels

View = Literal["centre", "crops", "photo"]
"""The middle of the shrunk photo (experiment I), crops of the photo as it is (II), or all of it at once (ours)."""

SHORTEST_PHOTO = 64  # for the view of a whole photo


class DeepBiqMethod(BaseEstimator):
    """DeepBIQ (Bianco, Celona, Napoletano, Schettini; paper 003): experiments I to III, and what we add to them.

    Args:
        backbone, weights, mean, std, options: See `networks.backbone.Backbone`. Weights that a run of experiment III left in
            its `backbone.safetensors` serve another database, with the regressor alone fitted anew (the paper's tables 6 to 9).
        view: See `View`.
        crops: How many, for view "crops".
        side: Of crops in pixels, a multiple of 16.
        short_side: What the short side is brought to before the middle is cut out, for view "centre".
        most_crops: Keep features of this many crops in the cache, so that runs with fewer find theirs there; None for `crops`.
        features: See `networks.description.Features`.
        pooling: See `pooling.Pooling`; without meaning where there is one crop only.
        kernel, c, epsilon, axes: See `svr.Regressor`.
        area: Photos of more pixels are shrunk to this many first, but not below the crops' side.
        finetune_epochs, finetune_rate, finetune_batch, edges, patience: Experiment III; see `finetune.Tuning`.
        leak: "NAME=PATH", fine-tune on this whole database, test photos included, as the paper probably did. Only to learn how
            much that flatters: it warns each time.
        cache: Folder for features; None keeps none.
        precision: Of fine-tuning and of the features that the regressor is fitted to: "32-true" or "bf16-mixed". Prediction is
            always in full precision, as exported models are.
        workers: Processes that prepare photos for fine-tuning.
        seed: Of places of crops, new weights, order and principal axes.
    """

    name: ClassVar[str] = "deepbiq"
    MAP_MEANING: ClassVar[str] = (
        "local quality, higher is better: the score, plus what a cell's features have over the mean of its crop, plus what the "
        "crop's have over the mean of all crops, each times the slope of the score; averaged over the crops that hold a cell, "
        "and the score itself where none does. With a linear regressor and averages, the mean over a crop is the score of that "
        "crop alone, and the mean of those is the score before clipping to 0 to 100; otherwise it is a first-order reading"
    )
    MAP_CELL: ClassVar[int] = places.CELL

    def __init__(
        self,
        *,
        backbone: str = "alexnet",
        weights: str | Path | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        options: Mapping[str, Any] | None = None,
        view: View = "crops",
        crops: int = 25,
        side: int = 224,
        short_side: int = 256,
        most_crops: int | None = None,
        features: Features = "last",
        pooling: pooling.Pooling = "feature-avg",
        kernel: svr.Kernel = "linear",
        c: Sequence[float] | None = None,
        epsilon: Sequence[float] | None = None,
        axes: int = 256,
        area: int = 512 * 768,
        finetune_epochs: int = 0,
        finetune_rate: float = 1e-4,
        finetune_batch: int = 32,
        edges: Sequence[float] = (0.2, 0.4, 0.6, 0.8),
        patience: int = 5,
        leak: str | None = None,
        cache: str | Path | None = None,
        precision: str = "32-true",
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        self.backbone, self.weights, self.mean, self.std, self.options = backbone, weights, mean, std, options
        self.view, self.crops, self.side, self.short_side, self.most_crops = view, crops, side, short_side, most_crops
        self.features, self.pooling, self.area = features, pooling, area
        self.kernel, self.c, self.epsilon, self.axes = kernel, c, epsilon, axes
        self.finetune_epochs, self.finetune_rate, self.finetune_batch = finetune_epochs, finetune_rate, finetune_batch
        self.edges, self.patience, self.leak = edges, patience, leak
        self.cache, self.precision, self.workers, self.seed = cache, precision, workers, seed

    @property
    def working_size(self) -> WorkingSize:
        """How photos of any size come to the network."""
        if self.view == "centre":  # every photo has at least the area of its short side squared: the short side alone decides
            return WorkingSize(self.short_side**2, self.short_side, places.CELL)
        if self.view == "photo":
            return WorkingSize(self.area, SHORTEST_PHOTO, 2 * places.CELL)  # what common backbones halve to whole cells
        return WorkingSize(self.area, self.side, places.CELL)

    @property
    def regressor(self) -> svr.Regressor:
        """What is fitted to the features."""
        return svr.Regressor(self.kernel, self.c, self.epsilon, self.axes, self.seed)

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Fine-tune where asked to, take features, fit the regressor; `svr.csv` in `folder` has every C and epsilon tried.

        Raises:
            ImageTooSmall: A photo is smaller than a crop; the message names it.
            LabError: As `Backbone`, `finetune.classes`; or a setting has no such value.
        """
        self.mos_range_ = rated.mos_range
        backbone = self.bare_backbone()
        folder.mkdir(parents=True, exist_ok=True)
        if self.finetune_epochs:
            seen = rated if self.leak is None else finetune.leaked(self.leak)
            finetune.tune(backbone, seen, validation, folder, self._tuning())
        learning, judging = (
            self.vectors(backbone, part.paths, self.precision)[:, : self._count()] for part in (rated, validation)
        )
        fits = svr.fit(learning, rated.unit_mos, self.pooling, self.regressor)
        choices = svr.judge(fits, judging, validation.unit_mos, self.pooling)
        pd.DataFrame(
            [(choice.c, choice.epsilon, choice.srcc) for choice in choices], columns=["c", "epsilon", "val_srcc"]
        ).to_csv(folder / "svr.csv", index=False)
        self._take(backbone, from_pipeline(svr.best(choices).fitted))
        return self

    def bare_backbone(self) -> Backbone:
        """The backbone before any fine-tuning; random weights depend on the seed.

        Raises:
            LabError: As `Backbone`; or a setting has no such value.
        """
        self._check()
        torch.manual_seed(self.seed)
        return self._backbone(self.weights)

    def vectors(self, backbone: Backbone, paths: Sequence[Path], precision: str) -> npt.NDArray[np.float32]:
        """Vectors of photos, n x crops x D, from the cache where they are there; of at least as many crops as wanted.

        Raises:
            ImageError: A photo cannot be read, or is smaller than a crop; the error names it.
            LabError: The cache cannot be written.
        """
        count = self._count() if self.cache is None else max(self._count(), (self.most_crops or 0) * (self.view == "crops"))
        crops = self._crops(count)
        policy = {
            "backbone": backbone.digest(),
            "size": asdict(self.working_size),
            "crops": None if crops is None else {"side": crops.side, "places": crops.places.tolist()},
            "features": self.features,
            "precision": precision,
        }

        def compute(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            return vectors_of(self._working(pixels)[0], crops, backbone, self.features, precision).numpy()

        return FeatureCache(self.cache).vectors(paths, policy, compute)

    def predict(self, images: Sequence[images.Source]) -> npt.NDArray[np.float64]:
        """Scores on the scale of the database fitted on, higher is better; the same alone or among others.

        Raises:
            ImageError: A photo cannot be read, or is smaller than a crop.
        """
        low, high = self.mos_range_
        paths = [Path(image) for image in images if isinstance(image, (str, os.PathLike))]
        with torch.inference_mode():
            if len(paths) == len(images):
                vectors = self.vectors(self.network_.backbone, paths, "32-true")[:, : self._count()]
                scores = [float(self.network_.score(torch.from_numpy(crops))[0]) for crops in vectors]
            else:  # pixels in memory have no file that a cache could know them by
                scores = [float(self.network_(self._working(image))[0]) for image in images]
        return low + (high - low) * np.array(scores)

    def explain(self, image: images.Source) -> dict[str, npt.NDArray[np.float32]]:
        """`quality` of one photo, as `MAP_MEANING` says: h x w, a cell for 16 pixels of the working photo, in unit opinions."""
        with torch.inference_mode():
            _, quality = self.network_(self._working(image))
        return {"quality": quality[0].numpy()}

    def export_core(self) -> nn.Module:
        """For `noref.lab.export`: working pixels (uint8, 1 x H x W x 3) to score and quality map in [0, 1]-scaled opinions."""
        return with_static_padding(self.network_)

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and `method.json`."""
        saved.write(self, folder, self.network_.state_dict(), scale=self.mos_range_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        state, weights = saved.read(folder, cls)
        method = cls(**state["params"])
        low, high = state["scale"]
        method.mos_range_ = (low, high)
        length = len(weights["head.mean"])
        head: Head = LinearHead(length)
        if "head.supports" in weights:
            supports, axes = weights["head.supports"].shape
            head = RbfHead(length, axes, supports)
        method._take(method._backbone(None), head)
        saved.fill(method.network_, weights, folder)
        return method

    def _take(self, backbone: Backbone, head: Head) -> None:
        self.network_ = DeepBiq(backbone, self._crops(self._count()), self.features, self.pooling, head).eval()

    def _backbone(self, weights: str | Path | None) -> Backbone:
        return Backbone(self.backbone, weights, mean=self.mean, std=self.std, options=self.options)

    def _count(self) -> int:
        return self.crops if self.view == "crops" else 1

    def _crops(self, count: int) -> places.Crops | None:
        if self.view == "photo":
            return None
        return places.Crops(self.side, places.centre() if self.view == "centre" else places.scattered(count, self.seed))

    def _working(self, image: images.Source) -> torch.Tensor:
        return torch.from_numpy(working_pixels(image, self.working_size))[None]

    def _tuning(self) -> finetune.Tuning:
        return finetune.Tuning(
            epochs=self.finetune_epochs,
            head_lr=self.finetune_rate,
            batch=self.finetune_batch,
            edges=tuple(self.edges),
            side=self.side,
            size=replace(self.working_size, shortest=max(self.working_size.shortest, self.side)),
            patience=self.patience,
            precision=self.precision,
            workers=self.workers,
            seed=self.seed,
        )

    def _check(self) -> None:
        for setting, allowed in (
            ("view", View),
            ("features", Features),
            ("pooling", pooling.Pooling),
            ("kernel", svr.Kernel),
        ):
            lookup(setting, getattr(self, setting), dict.fromkeys(get_args(allowed)))
        if self.crops < 1:
            raise LabError(f"crops must be at least 1, not {self.crops}")
        if self.view == "centre" and self.side > self.short_side:
            raise LabError(f"no crop of {self.side} pixels fits a short side of {self.short_side}; lower `side`")
