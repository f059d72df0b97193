"""Base classes of methods on hand-crafted features, without a network.

A method whose paper defines its value for a photo extends `HandcraftedMethod` and defines `value`. One that regresses the MOS
on features of whole photos extends `RegressionMethod` and defines `features`; for example:

    @register("contrast")
    class ContrastMethod(RegressionMethod[RegressionSettings]):
        settings_type = RegressionSettings
        citation = "Author (2000): Title"
        shortest = 16

        def features(self, pixels: Pixels) -> Values:
            return np.array([luma(pixels).std()])

Its module is listed in `methods.MODULES`. If `noref.lab.models` has a folder of its name, which `save` wrote, these parameters
are used before `fit`.
"""

import functools
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata, resources
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from typing_extensions import Self

from noref import images
from noref.errors import ImageError, ImageTooSmall, UnsupportedImage
from noref.images import Source
from noref.lab.arrays import Pixels, Values
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.methods import saved
from noref.lab.methods.base import S, ScoringMethod
from noref.lab.methods.svr import Svr, SvrSettings, fit_svr
from noref.lab.networks.cache import FeatureCache
from noref.lab.settings import PathText, dump, settings

T = TypeVar("T")


@dataclass(frozen=True)
class Parameters:
    """What a method has learned: arrays by name, and facts with JSON values."""

    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


class HandcraftedMethod(ScoringMethod[S]):
    """A method whose value for a photo is defined by a paper.

    Attributes:
        shortest: Pixels on the short side below which a photo is refused.
        parameters_: After `fit` or `load`; before, those that the settings name or that ship, on demand.
    """

    lower_is_better = True
    shortest: ClassVar[int]

    @abstractmethod
    def value(self, pixels: Pixels) -> float:
        """The raw value of uint8 RGB pixels (H x W x 3), at least `shortest` on each side; NaN where it is undefined.

        Raises:
            ImageError: The image cannot be used; the name may be empty.
        """

    def initial(self) -> Parameters:
        """The parameters before `fit`: by default, those that ship.

        Raises:
            LabError: There are none.
        """
        return shipped(type(self))

    @functools.cached_property
    def parameters_(self) -> Parameters:
        """The parameters that predictions use.

        Raises:
            LabError: There are none before `fit`.
        """
        return self.initial()

    @property
    def ready(self) -> bool:
        return _folder(self.name).is_dir()

    def raw(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """The values of n images as the paper defines them, shape (n,).

        Raises:
            ImageError: An image cannot be read, is too small, or has no value.
            LabError: The method has to be fitted first.
        """
        return np.array([measure(image, self._value) for image in images], np.float64)

    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """The raw values of n images, negated where lower is better; shape (n,)."""
        return self.raw(images) * (-1 if self.lower_is_better else 1)

    def _value(self, pixels: Pixels) -> float:
        self.check(pixels)
        found = self.value(pixels)
        if not np.isfinite(found):
            raise undefined(self.name)
        return found

    def check(self, pixels: Pixels) -> None:
        """Refuse pixels that are too small.

        Raises:
            ImageTooSmall: A side is shorter than `shortest`; the name is empty.
        """
        height, width = pixels.shape[:2]
        if min(height, width) < self.shortest:
            cause = f"{width} x {height} pixels, but {self.name} needs {self.shortest} on the short side"
            raise ImageTooSmall("", cause, "use a larger version")

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and `method.json`."""
        facts = dict(self.parameters_.facts)
        state = {"method": self.name, "params": dump(self.settings), "seed": self.seed, "facts": facts}
        saved.write(folder, state, {name: torch.from_numpy(array) for name, array in self.parameters_.arrays.items()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        method, facts, weights = saved.restored(cls, folder)
        method.parameters_ = Parameters({name: tensor.numpy() for name, tensor in weights.items()}, facts)
        return method


@settings
class RegressionSettings:
    """Settings of a regression of the MOS on features."""

    svr: SvrSettings = SvrSettings()
    cache: PathText | None = None
    """Folder of the feature cache; null for one inside the results folder."""


R = TypeVar("R", bound=RegressionSettings)


class RegressionMethod(HandcraftedMethod[R]):
    """A support vector regression of the MOS on features of whole photos.

    The raw value is 0 (best) to 100 (worst): the regressor predicts the MOS scaled to [0, 1], and the raw value is
    100 (1 - prediction), not clipped.

    Attributes:
        version: Version of the features, for the cache; increase it when they change.
    """

    version: ClassVar[int] = 1

    @abstractmethod
    def features(self, pixels: Pixels) -> Values:
        """The features of uint8 RGB pixels (H x W x 3), shape (D,); NaN where they are undefined."""

    @property
    def policy(self) -> dict[str, Any]:
        """Everything that the features depend on, JSON-serialisable."""
        return {"features": self.name, "version": self.version, "scipy": metadata.version("scipy")}

    def value(self, pixels: Pixels) -> float:
        (unit,) = Svr.of(self.parameters_.arrays).predict(self._features(pixels)[None])
        return float(100 * (1 - unit))

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Compute the features, which are cached, and fit the regressor."""
        cache = FeatureCache(self.settings.cache or folder / "features")
        found, checks = (
            cache.vectors(part.paths, self.policy, lambda pixels: self._features(pixels)[None].astype(np.float32))[:, 0]
            for part in (rated, validation)
        )
        checking = checks.astype(np.float64), validation.unit_mos
        fitted = fit_svr(found.astype(np.float64), rated.unit_mos, checking, self.settings.svr)
        arrays = {name: array.astype(np.float32) for name, array in fitted.arrays().items()}
        self.parameters_ = Parameters(arrays, {"mos_range": list(rated.mos_range)})
        return self

    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """Scores of n images on the MOS range of the database it was fitted on, shape (n,)."""
        raw = self.raw(images)
        low, high = self.parameters_.facts["mos_range"]
        return low + (high - low) * (1 - raw / 100)

    def percent(self, raw: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
        """The predicted MOS on a scale of 0 (worst) to 100 (best), clipped to it."""
        return np.clip(100 - raw, 0, 100)

    def _features(self, pixels: Pixels) -> Values:
        self.check(pixels)
        found = self.features(pixels)
        if not np.isfinite(found).all():
            raise undefined(self.name)
        return found


def measure(image: Source, compute: Callable[[Pixels], T]) -> T:
    """The result of a function of the pixels of an image; errors of the function are given the name of the image.

    Raises:
        ImageError: The image cannot be read or used.
    """
    photo = images.read(image)
    try:
        return compute(photo.pixels)
    except ImageError as error:
        raise type(error)(photo.name, error.cause, error.cure) from None


def undefined(method: str) -> ImageError:
    """The error of an image without a value; the name is empty."""
    return UnsupportedImage("", f"{method} is undefined for images of nearly uniform luminance", "use another image or method")


def shipped(kind: type[HandcraftedMethod[Any]]) -> Parameters:
    """The parameters of a method that ship with the laboratory.

    Raises:
        LabError: None do.
    """
    folder = _folder(kind.name)
    if not folder.is_dir():
        raise LabError(f"{kind.name} has to be fitted first: no parameters of it ship; use `noref lab train`")
    return kind.load(folder).parameters_


def _folder(name: str) -> Path:
    return Path(str(resources.files("noref.lab.models") / name))
