"""The model that ships, as a method like any other: fit, predict, explain, save, load."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from typing_extensions import Self

from noref import images
from noref.lab.datasets.rated import RatedImages
from noref.lab.distortions.chains import FAMILIES
from noref.lab.errors import LabError
from noref.lab.experiments.experiment import report_agreement
from noref.lab.methods import saved
from noref.lab.methods.deepbiq import finetune
from noref.lab.methods.defects.network import read
from noref.lab.methods.unified import interval, photos, refit_heads
from noref.lab.methods.unified.interval import Interval
from noref.lab.methods.unified.learning import UnifiedModule
from noref.lab.methods.unified.network import (
    CELL,
    FEATURES,
    Assessed,
    Learner,
    LocalHead,
    UnifiedNetwork,
    last_heads,
    last_length,
)
from noref.lab.methods.unified.refit_heads import Known
from noref.lab.methods.unified.whole import WholePhotos
from noref.lab.metrics.agreement import agreement
from noref.lab.networks.backbone import Backbone, average
from noref.lab.networks.compact import compact
from noref.lab.networks.heads import RbfHead
from noref.lab.networks.padding import with_static_padding
from noref.lab.networks.vectors import photo_vectors
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.training.finetuning import OptimizerConfig
from noref.lab.training.loop import Schedule, train
from noref.lab.training.pairs import find_photos, hold_out
from noref.lab.training.photos import Photos, loader

SAMPLE = 256  # rated photos that the heads' standardisation is measured on
PLAIN = (384, 512)  # height and width of plain pictures in the last fit
LOSSES: Mapping[str, float] = {"rated": 2.0, "distorted": 1.0, "quality": 0.5, "defects": 1.0}
CHECKS = 4  # draws of each clean photo that is held out
CLASS_SIDE = 224  # pixels of the windows in which classes of quality are learned

Scores = npt.NDArray[np.float64]


class UnifiedMethod(BaseEstimator):
    """Score with interval, defects with levels, and quality map: one backbone, learned from people and from distorted photos.

    Args:
        pristine: Folder of sharp, clean photos.
        best: Share of the rated photos that are taken as clean as well, from the best-rated down.
        halved: Share of them that are taken as clean once their sides are halved.
        backbone, weights, mean, std, options: See `networks.backbone.Backbone`.
        area, shortest: See `WorkingSize`.
        cache: Folder that keeps features of whole photos; None for none.
        copies: DistortedPhotos versions of each clean photo in an epoch; a halved one has one.
        plain: Pictures of `unified.plain` in an epoch.
        extreme: Versions of each clean photo past level 5, in a draw of the last fit.
        clouds: Pictures of `unified.photos.CloudImages` in a draw of the last fit.
        draws: Epochs whose made pictures serve the last fit of the score and the defects.
        distorted_weight: What a distorted picture, or one of clouds, counts in the last fit of the score, shared among draws; a
            rated photo counts 1.
        pristine_weight: The same of a photo that was left clean, and of a plain picture.
        epochs: Of fine-tuning, at most.
        class_epochs, class_lr, edges: Of a backbone beside it that learns classes of quality, as in `deepbiq`; the mean of
            both is then used. 0 epochs for none.
        map_epochs: At least one, in which the map's head gets used to that mean; the others are fitted anew in any case.
        crop: Side of the training windows in pixels, a multiple of 32.
        batch: Photos in a batch, rated and distorted mixed at random.
        losses: Weights of "rated", "distorted", "quality" and "defects" (`learning.UnifiedModule`).
        head_lr, map_lr: Learning rates of the heads for opinion and defects, and of the map's.
        backbone_lr, layer_decay, weight_decay, warm_up: See `training.finetuning.OptimizerConfig`.
        ema: Decay of a running average of the weights, which is then what is validated and kept; None for none.
        patience: Epochs without a better validation figure before training stops.
        axes: Principal axes under the support vector regressor that corrects the score in the end.
        precision: Lightning's name, for training; "bf16-mixed" is much faster where the processor has it. The last fit is
            always in single precision.
        workers: Processes that prepare photos.
        seed: Of weights, order, defects and windows.
    """

    name: ClassVar[str] = "unified"
    classes_: ClassVar[Sequence[str]] = tuple(FAMILIES)
    COVERAGE: ClassVar[float] = interval.COVERAGE
    MAP_MEANING: ClassVar[str] = (
        "local quality, higher is better: the score of each place alone, learned from photos that were distorted in part; "
        "shifted so that its mean is the score before clipping to 0 to 100"
    )
    MAP_CELL: ClassVar[int] = CELL

    def __init__(
        self,
        pristine: str | Path | None = None,
        *,
        best: float = 0.1,
        halved: float = 0.0,
        backbone: str = "mobilenetv2_100",
        weights: str | Path | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        options: Mapping[str, Any] | None = None,
        area: int = 512 * 768,
        shortest: int = 64,
        cache: str | Path | None = None,
        copies: int = 8,
        plain: int = 0,
        extreme: int = 0,
        clouds: int = 0,
        draws: int = 1,
        distorted_weight: float = 1.0,
        pristine_weight: float = 1.0,
        epochs: int = 5,
        class_epochs: int = 0,
        class_lr: float = 1e-4,
        edges: Sequence[float] = (0.2, 0.4, 0.6, 0.8),
        map_epochs: int = 2,
        crop: int = 256,
        batch: int = 32,
        losses: Mapping[str, float] = LOSSES,
        head_lr: float = 1e-4,
        map_lr: float = 1e-3,
        backbone_lr: float = 2e-4,
        layer_decay: float = 1.0,
        weight_decay: float = 0.01,
        warm_up: float = 0.1,
        ema: float | None = None,
        patience: int = 5,
        axes: int = 128,
        precision: str = "32-true",
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        self.pristine, self.best, self.halved = pristine, best, halved
        self.backbone, self.weights, self.mean, self.std, self.options = backbone, weights, mean, std, options
        self.area, self.shortest, self.cache = area, shortest, cache
        self.copies, self.plain, self.extreme, self.clouds, self.draws = copies, plain, extreme, clouds, draws
        self.distorted_weight, self.pristine_weight = distorted_weight, pristine_weight
        self.epochs, self.class_epochs, self.class_lr, self.map_epochs = epochs, class_epochs, class_lr, map_epochs
        self.edges, self.crop, self.batch, self.losses = edges, crop, batch, losses
        self.head_lr, self.map_lr = head_lr, map_lr
        self.backbone_lr, self.layer_decay, self.weight_decay = backbone_lr, layer_decay, weight_decay
        self.warm_up, self.ema, self.patience, self.axes = warm_up, ema, patience, axes
        self.precision, self.workers, self.seed = precision, workers, seed

    @property
    def working_size(self) -> WorkingSize:
        """How photos of any size come to the network."""
        return WorkingSize(self.area, self.shortest, multiple=32)

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Classes of quality, everything together, the mean of both backbones, and what reads it: map, opinion, defects.

        Checkpoints, the defects' penalty and the interval are chosen on `validation`, and on pristine photos held out.

        Raises:
            LabError: As the backbone; there are too few pristine photos; a class has none; or `map_epochs` is below 1.
            ImageError: A photo cannot be read, or is smaller than `shortest`, or than the windows of the classes.
        """
        if self.class_epochs and self.map_epochs < 1:
            raise LabError(f"map_epochs must be at least 1, not {self.map_epochs}")
        self.mos_range_ = rated.mos_range
        learning, checking = self._pristine()
        taught = self._taught_classes(rated, validation, folder) if self.class_epochs else None
        torch.manual_seed(self.seed)
        learner = Learner(self._backbone(self.weights))
        material = photos.Material(
            rated,
            validation,
            clean=photos.pristine_sources(learning, rated, self.best),
            checks=photos.pristine_sources(checking, validation, self.best),
        )
        if self.epochs:
            self._fine_tune(learner, material, folder / "training", self.epochs, "val_both")
        if taught is not None:
            average(learner.backbone, taught)
            learner.requires_grad_(False)
            learner.local.requires_grad_(True)
            self._fine_tune(learner, material, folder / "map", self.map_epochs, "val_map")
        learner.eval()
        compact(learner)
        self.network_ = self._with_last_heads(learner, material, folder).eval()
        scores = np.array([float(self._tell(path).score) for path in validation.paths])
        self.interval_ = interval.fitted(scores, validation.unit_mos)
        return self

    def _backbone(self, weights: str | Path | None) -> Backbone:
        return Backbone(self.backbone, weights, mean=self.mean, std=self.std, options=self.options)

    def besides(self) -> Sequence[Path]:
        """The pristine photos."""
        return find_photos(self.pristine) if self.pristine is not None else ()

    def _pristine(self) -> tuple[list[Path], list[Path]]:
        """To learn from, and held out."""
        if self.pristine is None:
            raise LabError("some photos must be known to be clean: give --pristine FOLDER")
        return hold_out(self.pristine, self.seed)

    def _taught_classes(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Backbone:
        """A backbone of its own, from the same start, that learns classes of quality as in `deepbiq`."""
        torch.manual_seed(self.seed)
        backbone = self._backbone(self.weights)
        side, size = min(CLASS_SIDE, self.crop), self.working_size
        tuning = finetune.Tuning(
            epochs=self.class_epochs,
            head_lr=self.class_lr,
            batch=self.batch,
            edges=tuple(self.edges),
            side=side,
            size=replace(size, shortest=max(size.shortest, side)),
            patience=self.class_epochs,  # a cycle of large steps wanders before it settles: let it end
            precision=self.precision,
            workers=self.workers,
            seed=self.seed,
        )
        finetune.tune(backbone, rated, validation, folder, tuning)
        return backbone

    def _fine_tune(self, learner: Learner, material: photos.Material, folder: Path, epochs: int, monitor: str) -> None:
        """Everything together, or what of it is not frozen."""
        rated, size = material.rated, self.working_size
        if not (folder / "last.ckpt").exists():  # else its weights replace these
            paths = rated.paths[:: _stride(rated)]
            sample = photo_vectors(learner.backbone, FEATURES, size, paths, self.precision, self.cache)
            for head in (learner.mos, learner.defects):
                head.standardise(torch.from_numpy(sample))
        heads = {"local": self.map_lr}
        steps = OptimizerConfig(
            "adamw", self.head_lr, self.backbone_lr, self.layer_decay, self.weight_decay, self.warm_up, heads
        )
        schedule = Schedule(epochs, monitor, "max", self.patience, self.precision, ema=self.ema)
        learning = photos.Together(photos.Rated(rated, size, self.crop, self.seed, turn=True), *self._made(material, self.crop))
        checking = photos.Together(photos.Rated(material.validation, size), self._whole(material.checks))
        module = UnifiedModule(learner, self.losses, steps)
        module.train()  # Lightning leaves the mode as it finds it
        train(
            module,
            schedule,
            folder,
            loader(learning, self.batch, self.seed, self.workers),
            loader(checking, self.batch, None, self.workers),
            self.seed,
        )

    def _made(self, material: photos.Material, crop: int | None) -> list[Photos]:
        """What is learned from beside rated photos: distorted ones and plain pictures, windows of them or whole."""
        clean = material.clean
        halved = photos.halved_sources(material.rated, self.halved, clean.mean_mos)
        return [
            photos.DistortedPhotos(*clean, self.working_size, self.copies, crop, self.seed),
            photos.HalvedPhotos(*halved, self.working_size, 1, crop, self.seed),
            photos.PlainImages(self.plain, clean.mean_mos, (crop, crop) if crop else PLAIN, self.seed),
        ]

    def _whole(self, checks: photos.Clean) -> photos.DistortedPhotos:
        """Photos that nothing is learned from, distorted everywhere or not at all."""
        return photos.DistortedPhotos(*checks, self.working_size, CHECKS, seed=self.seed, in_part=0)

    def _with_last_heads(self, learner: Learner, material: photos.Material, folder: Path) -> UnifiedNetwork:
        """What has learned, with new heads for opinion and defects.

        They are fitted on whole photos: rated ones, and made ones (distorted or extreme, wholly or in part, or plain). How well
        photos held out are scored, people's and distorted ones, is written down, and chooses nothing.
        """
        whole = WholePhotos(learner.backbone, self.working_size, self.cache)
        rated = whole.rated(material.rated)
        mos, defects = last_heads(learner.backbone)
        for head in (mos, defects):
            head.standardise(rated.vectors[:: _stride(material.rated)])
            refit_heads.weight_color_histogram(head)
        extreme = photos.ExtremePhotos(*material.clean, self.working_size, self.extreme, seed=self.seed)
        clouds = photos.CloudImages(self.clouds, material.clean.mean_mos, PLAIN, self.seed)
        made = whole.made(photos.Together(*self._made(material, None), extreme, clouds), folder / "made", self.draws)
        distorted = whole.made(self._whole(material.checks), folder / "checks")
        refit_heads.fit_faults(defects, made, distorted).to_csv(folder / "defects.csv", index=False)
        counts = refit_heads.counts(made, self.distorted_weight, self.pristine_weight, self.draws)
        correction = refit_heads.fit_opinion(
            mos,
            defects,
            Known(*(torch.cat(both) for both in zip(rated, made, strict=True))),
            torch.cat([torch.ones(len(material.rated)), counts]),
            self.axes,
            self.seed,
        )
        network = UnifiedNetwork(learner.backbone, learner.local, mos, defects, correction).requires_grad_(False)
        held_out = {"rated": whole.rated(material.validation), "distorted": distorted}
        rows = [{"photos": name, **agreement(network.score(known.vectors), known.mos)} for name, known in held_out.items()]
        pd.DataFrame(rows).to_csv(folder / "score.csv", index=False)
        return network

    @torch.inference_mode()
    def _tell(self, image: images.Source) -> Assessed:
        found: Assessed = self.network_(torch.from_numpy(working_pixels(image, self.working_size))[None])
        return found

    def predict(self, images: Sequence[images.Source]) -> Scores:
        """Scores on the scale of the database fitted on, higher is better, one photo at a time: never batch-dependent.

        Raises:
            ImageError: A photo cannot be read, or is smaller than `shortest`.
        """
        low, high = self.mos_range_
        return low + (high - low) * np.array([float(self._tell(image).score) for image in images])

    def explain(self, image: images.Source) -> dict[str, npt.NDArray[np.float32]]:
        """The map `quality` of one photo, a cell for 16 x 16 pixels of its working size; see `MAP_MEANING`."""
        return {"quality": self._tell(image).quality[0].numpy()}

    def report(self, test: RatedImages, folder: Path) -> pd.DataFrame:
        """As any method's, and in `interval.json` the share of opinions that the intervals hold."""
        results = report_agreement(self, test, folder)
        low, high = self.mos_range_
        scored = pd.read_csv(folder / "predictions.csv", usecols=["predicted", "mos"]).dropna()
        scores, mos = (((scored[name] - low) / (high - low)).to_numpy() for name in ("predicted", "mos"))
        ends = self.interval_(torch.tensor(scores)).numpy()
        held = interval.holds(ends[:, 0], ends[:, 1], mos)
        facts = {"stated": self.COVERAGE, "held": held, "n": len(scores), "mean_width": float((ends[:, 1] - ends[:, 0]).mean())}
        (folder / "interval.json").write_text(json.dumps(facts, indent=2) + "\n")
        return results

    def export_core(self) -> nn.Module:
        """For `noref.lab.export`: working pixels (uint8, 1 x H x W x 3) to everything that it tells."""
        return _Core(with_static_padding(self.network_), self.interval_)

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and `method.json`."""
        weights = {**self.network_.state_dict(), **self.interval_.state_dict(prefix="interval.")}
        saved.write(self, folder, weights, scale=self.mos_range_, classes=self.classes_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; the weights that the backbone once started from are not needed.

        Raises:
            LabError: It comes from another version of noref: its defects, settings or heads are others.
        """
        state, weights = saved.read(folder, cls)
        if tuple(state["classes"]) != cls.classes_:
            raise LabError(f"{folder} knows {', '.join(state['classes'])}, not {', '.join(cls.classes_)}; train it again")
        method = cls(**state["params"])
        low, high = state["scale"]
        method.mos_range_ = (low, high)
        method.interval_ = Interval()
        method.interval_.coefficients.copy_(weights.pop("interval.coefficients"))
        backbone = method._backbone(None)
        axes, (supports, coordinates) = len(weights["correction.axes"]), weights["correction.supports"].shape
        if (len(weights["mos.mean"]), coordinates) != (last_length(backbone), axes + len(FAMILIES)):
            raise LabError(f"{folder} {saved.FOREIGN}")
        correction = RbfHead(last_length(backbone), axes, supports, len(FAMILIES))
        local = LocalHead(backbone.stages)
        method.network_ = UnifiedNetwork(backbone, local, *last_heads(backbone), correction).eval()
        saved.fill(method.network_, weights, folder)
        return method


def _stride(rated: RatedImages) -> int:
    """From one photo that the heads' inputs are standardised on to the next."""
    return -(-len(rated) // SAMPLE)


class _Core(nn.Module):
    def __init__(self, trained: UnifiedNetwork, bounds: Interval) -> None:
        super().__init__()
        self.trained, self.bounds = trained, bounds

    def forward(self, working: Tensor) -> dict[str, Tensor]:
        told = self.trained(working)
        found = read(told.defects)
        return {
            "score": told.score,
            "map": told.quality,
            "defects": found.probabilities,
            "levels": found.levels,
            "interval": self.bounds(told.score),
        }
