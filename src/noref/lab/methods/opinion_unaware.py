"""Base class of methods that need no rated photos: their value follows from the photo and, often, from pristine photos."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import optimize, special
from typing_extensions import Self

from noref.errors import ImageError
from noref.lab.arrays import Values
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.methods.handcrafted import HandcraftedMethod, Parameters
from noref.lab.settings import NotNegative, settings


@settings
class OpinionUnawareSettings:
    """Settings common to methods that need no rated photos."""

    calibration: NotNegative = 0
    """Number of training photos on which `fit` calibrates the scale of 0 to 100; 0 for none. Predictions do not change."""


O = TypeVar("O", bound=OpinionUnawareSettings)  # noqa: E741


class OpinionUnawareMethod(HandcraftedMethod[O]):
    """A method that needs no rated photos: `predict` works before `fit`, and returns the raw value, negated if lower is better.

    The scale of 0 to 100 is a logistic function of the raw value, fitted to the MOS of some photos.
    """

    @property
    def ready(self) -> bool:
        return True

    @property
    def learns(self) -> bool:
        return False

    def learn(self) -> Mapping[str, Values] | None:
        """The arrays of the parameters, computed from images that the settings name; None to keep the parameters as they are.

        Raises:
            ImageError: An image cannot be read, or is too small.
            LabError: A setting does not fit these images.
        """
        return None

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Learn from pristine images, and calibrate, where the settings demand it; otherwise, do nothing."""
        arrays = self.learn()
        if arrays is not None:
            self.parameters_ = Parameters(arrays)
        if self.settings.calibration:
            chosen = np.random.default_rng(self.seed).permutation(len(rated))[: self.settings.calibration]
            raw, mos = self._rated(rated.select(rated.table["image"].iloc[chosen].tolist()))
            self.parameters_ = Parameters(self.parameters_.arrays, {"calibration": calibrate(raw, mos)})
        return self

    def percent(self, raw: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
        """Raw values on a scale of 0 (worst) to 100 (best): the MOS that the calibration expects; None if not calibrated."""
        curve = self.parameters_.facts.get("calibration")
        return None if curve is None else 100 * special.expit(curve[0] + curve[1] * raw)

    def _rated(self, rated: RatedImages) -> tuple[Values, Values]:
        """Raw values and MOS (0 to 1) of the photos that have a value."""
        found = []
        for path, mos in zip(rated.paths, rated.unit_mos, strict=True):
            try:
                found.append((self.raw([path])[0], mos))
            except ImageError:
                continue
        if len(found) < 3:
            raise LabError(f"{self.name} has a value for {len(found)} of the photos; it cannot be calibrated on fewer than 3")
        raw, targets = np.array(found).T
        return raw, targets


def calibrate(raw: Values, mos: Values) -> tuple[float, float]:
    """Intercept a and slope b of the logistic function 1 / (1 + exp(-(a + b raw))) with the least squared error.

    Args:
        raw: Values of n photos, shape (n,).
        mos: Their MOS, scaled to [0, 1].

    Examples:
        >>> raw = np.linspace(0, 10, 11)
        >>> print(np.round(calibrate(raw, 1 / (1 + np.exp(raw / 2 - 2))), 3))
        [ 2.  -0.5]
    """
    centre, spread = float(np.median(raw)), float(np.subtract(*np.percentile(raw, [75, 25]))) or 1.0

    def errors(curve: Values) -> Values:
        return special.expit(curve[0] + curve[1] * (raw - centre) / spread) - mos

    level, slope = (float(number) for number in optimize.least_squares(errors, [0.0, 0.0]).x)
    return level - slope * centre / spread, slope / spread
