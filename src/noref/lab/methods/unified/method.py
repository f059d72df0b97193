"""Score with prediction interval, defects with levels, and quality map from one backbone."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from noref.drafts import draft
from noref.lab import distortions
from noref.lab.datasets.check import near_pairs_across
from noref.lab.datasets.rated import RatedImages
from noref.lab.distortions import chains
from noref.lab.distortions.chains import FAMILIES
from noref.lab.errors import LabError
from noref.lab.files import make_folder, read_csv
from noref.lab.methods.network import ScoringNetworkMethod
from noref.lab.methods.registry import register
from noref.lab.methods.unified import heads, interval, photos, probe, sources
from noref.lab.methods.unified.learning import MapModule, UnifiedModule
from noref.lab.methods.unified.network import FEATURES, UnifiedNetwork
from noref.lab.methods.unified.teacher import cross_validated_mos
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.networks.compact import compact
from noref.lab.networks.pooled import CELL
from noref.lab.preprocessing import DataConfig, WorkingSize
from noref.lab.settings import NotNegative, PathText, Positive, Share, settings
from noref.lab.training.finetuning import OptimizerConfig
from noref.lab.training.loop import Schedule, train
from noref.lab.training.pairs import best_rated, find_photos, hold_out
from noref.lab.training.vectors import photo_vectors

AXES = 128  # principal axes of the distance
USUAL = 0.99  # share of rated photos below the threshold of the distance
KNOWN = 4  # the distance takes one distorted photo in so many as known; with all of them, fewer drawings are unusual
CHECKS = 4  # distorted versions of each pristine image that is held out
MAP_EPOCHS = 5  # in which the map's head is trained alone, after the rest
MAP_IN_PART = 0.75  # share of the distorted images that are distorted in one region only, in these epochs


@settings
class UnifiedSettings:
    """Settings of the unified method."""

    pristine: PathText | None = None
    """Folder of pristine images."""
    best: Share = 0.1
    """Share of the rated images, from the highest MOS down, that are taken as pristine as well."""
    halved: Share = 0.3
    """The same of those that are taken as pristine once their sides are halved."""
    copies: Positive = 3
    """Distorted versions of each pristine image in an epoch; a halved one has one."""
    pairs: bool = False
    """Whether each of these copies also gives a pair, one distortion at two levels, from whose order the fine-tuning learns.

    The heads see such pairs in any case, at the end.
    """
    pictures: NotNegative = 500
    """Drawn pictures, and as many composed ones, in an epoch."""
    types: tuple[str, ...] = distortions.VERSION_1
    """Distortions to draw from."""
    calibration: Share = 0.1
    """Share of the training scenes kept to calibrate the interval."""
    teachers: tuple[BackboneConfig, ...] = ()
    """Backbones of the teacher, whose cross-validated predictions are mixed into the MOS; none for no teacher."""
    teacher_weight: Share = 0.5
    """Weight of the teacher's prediction in the target of a rated image; that of the MOS is the rest."""
    losses: dict[str, float] = Field(
        default_factory=lambda: {"rated": 2.0, "distorted": 1.0, "map": 0.5, "defects": 1.0, "order": 0.25}
    )
    """Weights of the five losses."""
    penalty: Share = 0.15
    """Share of the MOS that a certain defect of detail (blur, noise, blocks, banding) costs, beyond what its head takes off."""
    backbone: BackboneConfig = BackboneConfig(name="tf_efficientnet_lite2")
    data: DataConfig = DataConfig(crop=288)
    optimizer: OptimizerConfig = OptimizerConfig(backbone_lr=2e-4, weight_decay=0.01)
    schedule: Schedule = Schedule(epochs=4, batch=32)


@register("unified")
class UnifiedMethod(ScoringNetworkMethod[UnifiedSettings]):
    """Fine-tuning of one backbone to rated photos and to images under known distortions, with all heads at once.

    Checkpoints are chosen on `validation` and on held-out pristine images; the interval is calibrated on training scenes that
    serve nothing else. `fit` keeps the training in `training/`, that of the map's head in `training-map/`, the features of
    images distorted at a larger size in `whole-images/`, the calibration photos in `calibration.csv` and the teacher's
    predictions in `teacher.csv`.
    """

    settings_type = UnifiedSettings
    citation = "unpublished, of noref"
    classes_ = tuple(FAMILIES)
    coverage = interval.COVERAGE
    usual = USUAL
    map_meaning = (
        "local quality, higher is better: the score of each cell, trained on photos that were distorted in part; "
        "shifted so that its mean is the score before clipping to 0 to 100"
    )
    map_cell = CELL
    network_: UnifiedNetwork

    def external_images(self) -> Sequence[Path]:
        """The pristine images."""
        return find_photos(self.settings.pristine)

    def build_network(self, pretrained: bool) -> UnifiedNetwork:
        return UnifiedNetwork(self.settings.backbone.build(pretrained), AXES, self.settings.penalty)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        chosen, network = self.settings, self.network_
        chains.require(chosen.types)
        make_folder(folder)
        learning, kept = self._without_calibration(rated)
        self._refuse_external(kept)
        kept.table.to_csv(folder / "calibration.csv", index=False)
        targets = self._with_teacher(learning, folder)
        pristine, held_out = self._pristine()
        clean, others = self._sources(pristine, learning, self.working_size, chosen.copies)
        checks = sources.PhotoSource(*sources.pristine_sources(held_out, validation, chosen.best), self.working_size, CHECKS)
        if not (folder / "training" / "last.ckpt").exists():  # else its weights replace these
            for stage in ("training-map", "whole-images"):  # what another backbone left there
                shutil.rmtree(folder / stage, ignore_errors=True)
            probe.fit(network, self._vectors(learning.paths), torch.from_numpy(targets.unit_mos).float())
        module = UnifiedModule(network, chosen.losses, chosen.optimizer)
        training = photos.Together(
            photos.Rated(targets, self.working_size, chosen.data.crop, self.seed, flip=True),
            *(photos.PseudoRated(source, chosen.types, chosen.data.crop, self.seed) for source in (clean, *others)),
            *([photos.LevelPairs(clean, chosen.types, chosen.data.crop, self.seed)] if chosen.pairs else []),
        )
        checking = photos.Together(
            photos.Rated(validation, self.working_size),
            photos.PseudoRated(checks, chosen.types, seed=self.seed, in_part=0),
        )
        train(module, training, checking, folder / "training", chosen.schedule, self.seed, "val_both")
        self._refine_map([clean, *others], checks, folder / "training-map")
        network.eval()
        compact(network)
        vectors = self._vectors(learning.paths)
        mos = torch.from_numpy(targets.unit_mos).float()
        distorted = self._refine_heads(pristine, learning, vectors, mos, folder)
        network.distance.fit(vectors[:, : network.early], USUAL, distorted[:, : network.early])
        compact(network)
        self._rescale(validation)
        heads.fit_spread(network, vectors, torch.from_numpy(learning.unit_mos).float())
        self._calibrate(kept)

    def _refine_map(self, clean: Sequence[sources.Source], checks: sources.Source, folder: Path) -> None:
        """Train the map's head alone, mostly on images that are distorted in one region; without epochs, do nothing."""
        chosen = self.settings

        def images(source: sources.Source, crop: int | None) -> photos.PseudoRated:
            return photos.PseudoRated(source, chosen.types, crop, self.seed + 1, MAP_IN_PART)  # not the images of before

        training = photos.Together(*(images(source, chosen.data.crop) for source in clean))
        schedule = replace(chosen.schedule, epochs=min(MAP_EPOCHS, chosen.schedule.epochs), ema=None)
        train(
            MapModule(self.network_, chosen.optimizer),
            training,
            images(checks, None),
            folder,
            schedule,
            self.seed,
            "val_loss",
            "min",
        )

    def _refine_heads(
        self, pristine: Sequence[Path], learning: RatedImages, vectors: Tensor, mos: Tensor, folder: Path
    ) -> Tensor:
        """Train the heads of MOS and defects on whole photos; without epochs, do nothing.

        Returns:
            Pooled features of some of the distorted photos, m x D: those that the distance takes as known.
        """
        chosen, network, seed = self.settings, self.network_, self.seed + 2  # not the images of before
        if not chosen.schedule.epochs:
            return vectors[:0]
        larger = replace(self.working_size, area=round(heads.LARGER * self.working_size.area))
        clean, others = self._sources(pristine, learning, larger, heads.COPIES)
        paired, (*_, drawn) = self._sources(pristine, learning, larger, heads.PAIRS)
        images = photos.Together(
            *(photos.PseudoRated(each, chosen.types, seed=seed, in_part=0) for each in (clean, *others)),
            *(photos.LevelPairs(each, chosen.types, seed=seed) for each in (paired, drawn)),
        )
        distorted = heads.distorted_vectors(network, images, self.working_size, folder / "whole-images")
        heads.refine(network, vectors, mos, distorted, chosen.losses, seed)
        return distorted.vectors[: len(clean.mos) : KNOWN]

    def _without_calibration(self, rated: RatedImages) -> tuple[RatedImages, RatedImages]:
        """Photos to train on, and those of a random share of the scenes, kept for the interval."""
        scenes = np.unique(rated.table["content"])
        count = max(1, round(self.settings.calibration * len(scenes)))
        chosen = set(np.random.default_rng(self.seed).choice(scenes, count, replace=False))
        kept = rated.table["content"].isin(chosen)
        if kept.all():
            raise LabError(f"{rated.name} has too few scenes to keep some for calibration; give more photos")
        if kept.sum() < interval.FEWEST:
            needed = f"{kept.sum()} photos are kept to calibrate the interval, which needs {interval.FEWEST}"
            raise LabError(f"{rated.name}: {needed}; give more photos, or raise `calibration`")
        return tuple(rated.select(rated.table["image"][which].tolist()) for which in (~kept, kept))  # type: ignore[return-value]

    def _refuse_external(self, kept: RatedImages) -> None:
        """Raise an error if calibration photos, or their references, are near-identical to pristine images."""
        sides = {"calibration": [*kept.paths, *kept.references], "external images": self.external_images()}
        near = near_pairs_across(sides, skip_unreadable=True)
        if near:
            what = f"{near[0].first} in calibration and {near[0].second} in external images are near-identical"
            raise LabError(f"{what} ({len(near)} pairs in total); remove the latter")

    def _with_teacher(self, rated: RatedImages, folder: Path) -> RatedImages:
        """The same images with a mean of MOS and prediction as target.

        Predictions are kept in `teacher.csv`; those of other images are replaced.
        """
        chosen, file = self.settings, folder / "teacher.csv"
        if not chosen.teachers:
            return rated
        images = rated.table["image"].astype(str).tolist()
        if not file.exists() or read_csv(file, dtype={"image": str}).get("image", pd.Series()).tolist() != images:
            found = cross_validated_mos(rated, chosen.teachers, self.working_size, chosen.data.cache)
            with draft(file) as unfinished:
                pd.DataFrame({"image": images, "predicted": found}).to_csv(unfinished, index=False)
        low, high = rated.mos_range
        predicted = low + (high - low) * read_csv(file)["predicted"].to_numpy()
        mixed = (1 - chosen.teacher_weight) * rated.mos + chosen.teacher_weight * predicted
        return replace(rated, table=rated.table.assign(mos=mixed))

    def _sources(
        self, pristine: Sequence[Path], rated: RatedImages, size: WorkingSize, copies: int
    ) -> tuple[sources.PhotoSource, list[sources.Source]]:
        """Images without visible defects to distort: photos, `copies` times each, and others."""
        chosen = self.settings
        clean = sources.PhotoSource(*sources.pristine_sources(pristine, rated, chosen.best), size, copies)
        mos, side = float(np.mean(clean.mos)), int(size.area**0.5) // self.multiple * self.multiple
        halved, _ = best_rated(rated, chosen.halved)
        return clean, [
            sources.HalvedSource(halved, [mos] * len(halved), size),
            sources.ComposedSource(clean, chosen.pictures, side),
            sources.DrawnSource(chosen.pictures, mos, side),
        ]

    def _pristine(self) -> tuple[list[Path], list[Path]]:
        """Pristine images for training and for validation."""
        if self.settings.pristine is None:
            raise LabError("unified needs pristine images; give --pristine FOLDER")
        return hold_out(self.settings.pristine, self.seed)

    def _vectors(self, paths: Sequence[Path]) -> Tensor:
        """Pooled features of whole photos, n x D, in the precision of the exported model."""
        cache = self.settings.data.cache
        return torch.from_numpy(photo_vectors(self.network_.backbone, FEATURES, self.working_size, paths, "32-true", cache))

    def _rescale(self, validation: RatedImages) -> None:
        """Fit the curve, a parabola or a line, from the penalised score to the MOS by least squares; it must rise."""
        network = self.network_
        network.offset.fill_(0.0)
        network.slope.fill_(1.0)
        network.bend.fill_(0.0)
        scores = np.array([float(self.outputs(path)["score"]) for path in validation.paths])
        for degree in (2, 1):
            found, _, rank, _ = np.linalg.lstsq(np.vander(scores, degree + 1), validation.unit_mos, rcond=None)
            bend, slope, offset = np.pad(found, (2 - degree, 0))
            if rank > degree and min(slope, slope + 2 * bend) > 0:  # there are enough photos; its slope at 0 and at 1
                network.offset.fill_(offset)
                network.slope.fill_(slope)
                network.bend.fill_(bend)
                break

    def _calibrate(self, kept: RatedImages) -> None:
        """Scale the interval on photos that were not used before."""
        self.network_.interval_factor.fill_(1.0)
        found = [self.outputs(path) for path in kept.paths]
        scores = np.array([float(one["score"].clamp(0, 1)) for one in found])
        spread = np.array([float(one["interval"][1] - one["interval"][0]) / 2 for one in found])
        self.network_.interval_factor.fill_(interval.conformal_factor(scores, kept.unit_mos, spread))
