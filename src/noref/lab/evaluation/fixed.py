"""Exported models and tables of scores as methods without training, for use with the same protocols."""

import hashlib
import os.path
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from typing_extensions import Self

from noref import Scorer, card
from noref.errors import ImageNotFound
from noref.images import Source, name_of
from noref.lab.datasets.files import columns, numbers
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.files import access, make_folder, read_csv, read_json, write_json
from noref.lab.methods.base import S, ScoringMethod
from noref.lab.settings import PathText, changed, dump, settings


class Fixed(ScoringMethod[S]):
    """Base class of methods without training; settings instead of weights are saved."""

    ready = True
    learns = False

    @classmethod
    def configured(cls, params: Mapping[str, Any], seed: int = 0) -> Self:
        """As for every method; the seed is ignored, since nothing is random."""
        return cls(**dump(changed(cls.settings_type(), params, cls.name)))

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Do nothing."""
        return self

    def get_params(self) -> dict[str, Any]:
        """All settings; there is no seed, since nothing is random."""
        return dump(self.settings)

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of the weights or scores, so that results of different ones are not mixed."""

    def save(self, folder: Path) -> None:
        """Write `method.json`."""
        make_folder(folder)
        state = {"method": self.name, "params": dump(self.settings)}
        write_json(folder / "method.json", state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(**read_json(folder / "method.json")["params"])


@settings
class ExportedSettings:
    """Settings of an exported model."""

    model: PathText = card.DEFAULT
    """Name of a shipped model, or path of an exported .onnx with its card beside it."""


@settings
class ScoreTableSettings:
    """Settings of a table of scores."""

    file: PathText = "scores.csv"
    """CSV with columns image and score, higher is better."""
    folder: PathText = ""
    """Folder that the paths in the column image are relative to."""


class ExportedModel(Fixed[ExportedSettings]):
    """An exported model; its scores are on its own scale of 0 to 100, not on that of the database.

    Args:
        model: Name of a shipped model, or path of an exported .onnx with its card beside it.
    """

    name = "exported"
    settings_type = ExportedSettings

    def __init__(self, model: str | Path) -> None:
        super().__init__(ExportedSettings(model=str(model)))

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.settings.model)

    def check(self, rated: RatedImages, tests_all: bool) -> None:
        """Warn if all photos of the data that the model was trained on are tested.

        Args:
            rated: The database.
            tests_all: Whether all its photos are tested.

        Raises:
            LabError: The model predicts no scores.
            ModelError: It cannot be used.
        """
        facts = self._scorer.card
        if not facts.scale:
            raise LabError(f"{self.settings.model} predicts no score, but defects or classes; choose a model with a score")
        if tests_all and facts.measured.get("data_hash") == rated.fingerprint():
            what = f"{facts.label} was trained on photos of {rated.name}, so this does not measure agreement on new photos"
            warnings.warn(f"{what}; on its test part: {facts.measured.get('command')}", stacklevel=2)

    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """Scores of 0 to 100, higher is better.

        Raises:
            ImageError: A photo cannot be scored.
            ModelError: The model cannot be used.
        """
        return np.array([self._scorer.score(image).score for image in images])

    def fingerprint(self) -> str:
        """The hash of the .onnx file on its card."""
        return self._scorer.card.sha256[:16]


class ScoreTable(Fixed[ScoreTableSettings]):
    """Scores computed by another tool.

    Args:
        file: CSV with columns `image` and `score`, higher is better (negate a distortion metric first).
        folder: The folder that the paths in `image` are relative to.
    """

    name = "scores"
    settings_type = ScoreTableSettings

    def __init__(self, file: str | Path, folder: str | Path = "") -> None:
        super().__init__(ScoreTableSettings(file=str(file), folder=str(folder)))

    @cached_property
    def _scores(self) -> "pd.Series[float]":
        table = read_csv(
            self.settings.file, dtype={"image": str}, keep_default_na=False, na_values={"score": ["", "nan", "NaN"]}
        )
        columns(table, self.settings.file, "image", "score")
        numbers(table, self.settings.file, "score")
        table["image"] = [os.path.abspath(Path(self.settings.folder) / image) for image in table["image"]]
        twice = table["image"][table["image"].duplicated()]
        if len(twice):
            raise LabError(f"{self.settings.file}: {twice.iloc[0]} has two scores; remove one of the rows")
        scores = table.set_index("image")["score"].astype(float)
        return scores[np.isfinite(scores)]

    def check(self, rated: RatedImages) -> None:
        """Warn of scores of photos that the database does not list, usually because of their paths.

        Raises:
            LabError: No photo of the database has a score; or as `predict`.
        """
        if self._scores.empty:
            raise LabError(f"{self.settings.file}: no row has a score; check the column score")
        photos = {os.path.abspath(path) for path in rated.paths}
        others = [image for image in self._scores.index if image not in photos]
        if not others:
            return
        if len(others) == len(self._scores):
            raise LabError(
                f"{self.settings.file}: none of its {len(others)} scores is of a photo of {rated.name}, such as {others[0]}, "
                f"while the database has {min(photos)}; give paths relative to {rated.folder}, or absolute ones"
            )
        what = f"{self.settings.file}: {len(others)} of {len(self._scores)} scores are of no photo of {rated.name}"
        warnings.warn(f"{what}, such as {others[0]}", stacklevel=2)

    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """The scores of photos given by path.

        Raises:
            ImageNotFound: A photo has no finite score in the table.
            LabError: There is no such table; or it lacks a column, holds text instead of a number, or lists a photo twice.
        """
        return np.array([self._score(name_of(image)) for image in images])

    def fingerprint(self) -> str:
        """A hash of the CSV.

        Raises:
            LabError: There is no such table.
        """
        with access(self.settings.file, "check the path of the scores"):
            return hashlib.sha256(Path(self.settings.file).read_bytes()).hexdigest()[:16]

    def _score(self, name: str) -> float:
        try:
            return float(self._scores[os.path.abspath(name)])
        except KeyError:
            cure = "add it, or check that the paths in the column image are relative to the folder of the photos"
            raise ImageNotFound(name, f"has no score in {self.settings.file}", cure) from None
