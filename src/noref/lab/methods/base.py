"""The interface of methods: `Method`, and one subclass for each kind of prediction. `network` has those with a network."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from noref.images import Source
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.settings import changed, dump

S = TypeVar("S")


class Method(ABC, Generic[S]):
    """A method, published or ours: its settings and, after `fit`, its fitted state.

    Args:
        settings: Of type `settings_type`; None for the defaults.
        seed: Random seed of initial weights, order, crops and everything else that is random.

    Attributes:
        citation: Authors, year and title of the paper, or that there is none.
        licence: Licence of this implementation.
    """

    name: ClassVar[str]  # given by `registry.register`
    settings_type: ClassVar[type[Any]]
    citation: ClassVar[str] = ""
    licence: ClassVar[str] = "Apache-2.0"

    def __init__(self, settings: S | None = None, seed: int = 0) -> None:
        self.settings: S = self.settings_type() if settings is None else settings
        self.seed = seed

    @classmethod
    def configured(cls, params: Mapping[str, Any], seed: int = 0) -> Self:
        """A method with some settings changed from their defaults, given as nested mappings.

        Raises:
            LabError: There is no such setting (the message suggests similar names), or a value has the wrong type or range.
        """
        return cls(changed(cls.settings_type(), params, cls.name), seed)

    def get_params(self) -> dict[str, Any]:
        """All settings as nested mappings, and the seed."""
        return {**dump(self.settings), "seed": self.seed}

    def gather(self, database: RatedImages | None) -> RatedImages:
        """The images to split into training, validation and test parts: by default those of the database.

        Methods that are trained on pristine images, which they distort themselves, return those.

        Raises:
            LabError: No database is given.
        """
        if database is None:
            raise LabError(f"{self.name} learns from a database; give --data NAME=PATH")
        return database

    def external_images(self) -> Sequence[Path]:
        """Training images from outside the database; no validation or test image may be among them."""
        return ()

    @property
    def ready(self) -> bool:
        """Whether `predict` works before `fit`."""
        return False

    @property
    def learns(self) -> bool:
        """Whether predictions depend on the images that `fit` is given or finds in the settings."""
        return True

    @abstractmethod
    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Train on `rated`, choose checkpoints on `validation` only, and keep checkpoints and logs in `folder`.

        A repeated call with the same folder resumes an interrupted run.

        Raises:
            ImageError: An image cannot be read, or is too small.
            LabError: A setting does not fit these images or this machine.
        """

    @abstractmethod
    def predict(self, images: Sequence[Source]) -> npt.NDArray[Any]:
        """Predictions for n images, in order; the prediction for an image does not depend on the other images.

        Raises:
            ImageError: An image cannot be read, or is too small.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the weights as safetensors and everything else as JSON."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            LabError: The folder holds another method, or was written by another version of noref.
        """


class ScoringMethod(Method[S]):
    """A method that predicts scores, higher is better, on the MOS range of the database it was fitted on.

    Attributes:
        lower_is_better: The direction of `raw`.
        mos_range_: Lowest and highest MOS of the scale of the database it was fitted on; None before `fit`, and
            afterwards for methods that do not predict on that scale.
    """

    lower_is_better: ClassVar[bool] = False
    mos_range_: tuple[float, float] | None = None

    @abstractmethod
    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """Scores of n images, shape (n,)."""

    def raw(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """The values of n images as the paper defines them, shape (n,); by default, those of `predict`.

        Raises:
            ImageError: An image cannot be read, or is too small.
        """
        return self.predict(images)

    def percent(self, raw: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
        """Raw values on a scale of 0 (worst) to 100 (best), clipped to it; None if the method is not calibrated."""
        if self.mos_range_ is None:
            return None
        low, high = self.mos_range_
        return np.clip(100 * (raw - low) / (high - low), 0, 100)


class ClassifyingMethod(Method[S]):
    """A method that predicts one class for each image.

    Attributes:
        classes_: Names of the K classes.
    """

    classes_: Sequence[str]

    @abstractmethod
    def predict_proba(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """Probabilities of `classes_`, n x K; each row sums to 1."""

    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.str_]:
        """The most probable class of each image, shape (n,)."""
        return np.array(self.classes_)[self.predict_proba(images).argmax(axis=1)]
