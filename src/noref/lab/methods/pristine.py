"""Base class of methods that compare the statistics of a photo's blocks with a Gaussian model of those of pristine photos."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from noref.errors import ImageTooSmall
from noref.lab.arrays import Pixels, Values
from noref.lab.errors import LabError
from noref.lab.features.natural import Normal
from noref.lab.methods.handcrafted import Parameters, measure
from noref.lab.methods.opinion_unaware import OpinionUnawareMethod, OpinionUnawareSettings
from noref.lab.settings import PathText, Share, settings
from noref.lab.training.pairs import find_photos


@settings
class PristineSettings(OpinionUnawareSettings):
    """Settings common to methods with a model of pristine photos."""

    pristine: PathText | None = None
    """Folder of pristine images that `fit` learns the model from; null for a model at hand."""
    parameters: PathText | None = None
    """The authors' model, a MATLAB file, to use instead of the model that ships."""
    sharpness: Share = 0.75
    """Share of the sharpness of its sharpest block that a block of a pristine image needs to be learned from."""


class BlockFeatures(NamedTuple):
    """Features of n blocks (n x D), NaN where they are undefined, and the mean local deviation in each block (n)."""

    features: Values
    sharpness: Values


P = TypeVar("P", bound=PristineSettings)


class PristineMethod(OpinionUnawareMethod[P]):
    """A method with a model of pristine photos, which ships, or is learned from a folder, or read from the authors' file."""

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Number of dimensions of the model; it must be fitted to more blocks than that."""

    @abstractmethod
    def blocks(self, pixels: Pixels) -> BlockFeatures:
        """The features of the blocks of uint8 RGB pixels (H x W x 3)."""

    @abstractmethod
    def model(self, rows: Values) -> Mapping[str, Values]:
        """The parameters learned from features of blocks of pristine images (n x D, finite)."""

    @abstractmethod
    def released(self, file: Path) -> Mapping[str, Values]:
        """The parameters in the file that the authors released.

        Raises:
            LabError: The file cannot be read, or holds something else.
        """

    @property
    def ready(self) -> bool:
        return self.settings.pristine is None

    @property
    def learns(self) -> bool:
        return self.settings.pristine is not None

    def external_images(self) -> Sequence[Path]:
        """The pristine images."""
        return find_photos(self.settings.pristine)

    def initial(self) -> Parameters:
        if self.settings.pristine is not None:
            raise LabError(f"{self.name} has to learn from {self.settings.pristine} first; use `noref lab train`")
        if self.settings.parameters is None:
            return super().initial()
        return Parameters(self.released(Path(self.settings.parameters)))

    def learn(self) -> Mapping[str, Values] | None:
        if self.settings.pristine is None:
            return None
        rows = np.concatenate([measure(path, self._sharp) for path in self.external_images()])
        if len(rows) <= self.dimensions:
            raise LabError(
                f"{self.settings.pristine} has {len(rows)} sharp blocks for {self.dimensions} dimensions; add pristine images"
            )
        return self.model(rows)

    def _sharp(self, pixels: Pixels) -> Values:
        self.check(pixels)
        features, sharpness = self.blocks(pixels)
        kept = (sharpness > self.settings.sharpness * sharpness.max()) & np.isfinite(features).all(axis=1)
        return features[kept]


def normal(arrays: Mapping[str, Values]) -> Normal:
    """The Gaussian model in the arrays `mean` and `covariance`."""
    return Normal(arrays["mean"].astype(np.float64), arrays["covariance"].astype(np.float64))


def too_few_blocks(pixels: Pixels, side: int) -> ImageTooSmall:
    """The error of an image that has fewer than two blocks; the name is empty."""
    height, width = pixels.shape[:2]
    return ImageTooSmall("", f"{width} x {height} pixels hold fewer than 2 blocks of {side}", "use a larger version")
