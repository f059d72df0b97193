"""DeepBIQ: features of crops by a pretrained backbone, optionally fine-tuned, and a support vector regressor."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from noref.images import Source
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.files import make_folder
from noref.lab.methods.deepbiq import leak as leaks
from noref.lab.methods.deepbiq import svr
from noref.lab.methods.deepbiq.network import DeepBiq, vectors_of
from noref.lab.methods.deepbiq.pooling import Pooling
from noref.lab.methods.network import ScoringNetworkMethod
from noref.lab.methods.registry import register
from noref.lab.networks import crops as places
from noref.lab.networks.backbone import Backbone, BackboneConfig
from noref.lab.networks.cache import FeatureCache
from noref.lab.networks.heads import Head, LinearHead, RbfHead, from_pipeline
from noref.lab.networks.pooling import Features
from noref.lab.preprocessing import AreaConfig, WorkingSize, working_pixels
from noref.lab.settings import Positive, settings
from noref.lab.training.precision import fast_precision
from noref.lab.training.quality_classes import ClassTuning, tune

View = Literal["centre", "crops", "photo"]
SHORTEST_PHOTO = 64  # for the view of a whole image


@settings
class DeepBiqSettings:
    """Settings of DeepBIQ. The `backbone.safetensors` of a run with fine-tuning can be used as weights on other databases."""

    backbone: BackboneConfig = BackboneConfig(name="alexnet")
    view: View = "crops"
    """The "centre" of the shrunk image (experiment I), "crops" of the image (II), or the whole "photo" (ours)."""
    crops: Positive = 25
    """Number of crops, for the view "crops"."""
    side: Positive = 224
    """Side of crops in pixels, a multiple of 16."""
    short_side: Positive = 256
    """Length in pixels that the short side is resized to, for the view "centre"."""
    most_crops: Positive | None = None
    """Number of crops whose features are cached, so that runs with fewer crops can reuse them; null for `crops`."""
    features: Features = "last"
    """"last" for the mean of the last map, "stages" for mean and deviation of the map after every stage."""
    pooling: Pooling = "feature-avg"
    """How the features or predictions of several crops become one score."""
    regressor: svr.DeepBiqSvrSettings = svr.DeepBiqSvrSettings()
    finetune: ClassTuning = ClassTuning()
    """Experiment III."""
    leak: str | None = None
    """NAME=PATH: fine-tune on this whole database, test images included, to measure the bias of doing so."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """Precision of the features that the regressor is fitted to, as in `schedule`; prediction is always in single precision."""
    data: AreaConfig = AreaConfig()


@register("deepbiq")
class DeepBiqMethod(ScoringNetworkMethod[DeepBiqSettings]):
    """DeepBIQ (Bianco, Celona, Napoletano, Schettini 2018), experiments I to III, with extensions.

    `fit` writes `svr.csv` with every C and epsilon tried and, with fine-tuning, `finetune/` and `backbone.safetensors`.
    """

    settings_type = DeepBiqSettings
    citation = "Bianco, Celona, Napoletano and Schettini (2018): On the Use of Deep Learning for Blind Image Quality Assessment"
    map_meaning = (
        "local quality, higher is better: the score, plus what a cell's features have over the mean of its crop, plus what the "
        "crop's have over the mean of all crops, each times the slope of the score; averaged over the crops that hold a cell, "
        "and the score itself where none does. With a linear regressor and averages, the mean over a crop is the score of that "
        "crop alone, and the mean of those is the score before clipping to 0 to 100; otherwise it is a first-order reading"
    )
    map_cell = places.CELL
    network_: DeepBiq

    @property
    def working_size(self) -> WorkingSize:
        """The size policy of the view."""
        chosen = self.settings
        if chosen.view == "centre":  # no image has less than the square of its short side: that length decides
            return WorkingSize(chosen.short_side**2, chosen.short_side, places.CELL)
        if chosen.view == "photo":
            return WorkingSize(chosen.data.area, SHORTEST_PHOTO, 2 * places.CELL)
        return WorkingSize(chosen.data.area, chosen.side, places.CELL)

    def build_network(self, pretrained: bool) -> DeepBiq:
        return self._around(self.bare_backbone() if pretrained else self.settings.backbone.build(False), LinearHead(1))

    def network_for(self, weights: Mapping[str, Tensor]) -> DeepBiq:
        head: Head = LinearHead(len(weights["head.mean"]))
        if "head.supports" in weights:
            supports, axes = weights["head.supports"].shape
            head = RbfHead(len(weights["head.mean"]), axes, supports)
        return self._around(self.settings.backbone.build(False), head)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, backbone = self.settings, self.network_.backbone
        make_folder(folder)
        if chosen.finetune.epochs:
            training = rated if chosen.leak is None else leaks.leaked(chosen.leak)
            tune(backbone, training, validation, folder, chosen.finetune, self.working_size, chosen.side, self.seed)
        inputs, checking = (
            self.vectors(backbone, part.paths, chosen.precision)[:, : self._count()] for part in (rated, validation)
        )
        fits = svr.fit(inputs, rated.unit_mos, chosen.pooling, chosen.regressor, self.seed)
        choices = svr.judge(fits, checking, validation.unit_mos, chosen.pooling)
        rows = [(choice.c, choice.epsilon, choice.srcc) for choice in choices]
        pd.DataFrame(rows, columns=["c", "epsilon", "val_srcc"]).to_csv(folder / "svr.csv", index=False)
        self.network_ = self._around(backbone, from_pipeline(svr.best(choices).fitted))

    def bare_backbone(self) -> Backbone:
        """The backbone before fine-tuning; random weights depend on the seed.

        Raises:
            LabError: As `Backbone`; or the crops do not fit.
        """
        chosen = self.settings
        if chosen.view == "centre" and chosen.side > chosen.short_side:
            raise LabError(f"no crop of {chosen.side} pixels fits a short side of {chosen.short_side}; lower `side`")
        torch.manual_seed(self.seed)
        return chosen.backbone.build()

    def vectors(self, backbone: Backbone, paths: Sequence[Path], precision: str) -> npt.NDArray[np.float32]:
        """Features of images, n x crops x D, from the cache if possible; of at least as many crops as needed.

        Raises:
            ImageError: An image cannot be read, or is smaller than a crop; the error names it.
            LabError: The cache cannot be written.
        """
        chosen, precision = self.settings, fast_precision(precision)
        cached = chosen.data.cache is not None
        count = self._count()
        if cached and chosen.view == "crops":  # all that other numbers of crops will need
            count = max(count, chosen.most_crops or 0)
        crops, policy = self._crops(count), {}
        if cached:  # its hash of all weights takes long
            policy = {
                **_policy(backbone),
                "size": asdict(self.working_size),
                "crops": None if crops is None else {"side": crops.side, "places": crops.places.tolist()},
                "features": chosen.features,
                "precision": precision,
            }

        def compute(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            return vectors_of(self._working(pixels)[0], crops, backbone, self.settings.features, precision).numpy()

        return FeatureCache(self.settings.data.cache).vectors(paths, policy, compute)

    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """Scores of n images, shape (n,); features of files are read from the cache if possible."""
        low, high = self.mos_range_
        paths = [Path(image) for image in images if isinstance(image, (str, os.PathLike))]
        if len(paths) != len(images):  # the cache identifies photos by their files
            return super().predict(images)
        with torch.inference_mode():
            vectors = self.vectors(self.network_.backbone, paths, "32-true")[:, : self._count()]
            scores = [float(self.network_.score(torch.from_numpy(crops))[0]) for crops in vectors]
        return low + (high - low) * np.array(scores)

    def _around(self, backbone: Backbone, head: Head) -> DeepBiq:
        chosen = self.settings
        return DeepBiq(backbone, self._crops(self._count()), chosen.features, chosen.pooling, head)

    def _count(self) -> int:
        return self.settings.crops if self.settings.view == "crops" else 1

    def _crops(self, count: int) -> places.Crops | None:
        chosen = self.settings
        if chosen.view == "photo":
            return None
        return places.Crops(chosen.side, places.centre() if chosen.view == "centre" else places.scattered(count, self.seed))

    def _working(self, image: Source) -> Tensor:
        return torch.from_numpy(working_pixels(image, self.working_size))[None]


@lru_cache(1)  # since it hashes all weights, and photos are often predicted one by one
def _policy(backbone: Backbone) -> Mapping[str, Any]:
    """The policy of a backbone whose weights are final."""
    return backbone.policy()
