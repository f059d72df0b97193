"""DIIVINE: statistics of a normalised steerable pyramid, and a support vector regressor."""

from typing import Any

from noref.lab.arrays import Pixels, Values
from noref.lab.features import diivine, steerable
from noref.lab.features.planes import luma
from noref.lab.methods.handcrafted import RegressionMethod, RegressionSettings
from noref.lab.methods.registry import register
from noref.lab.preprocessing import WorkingSize
from noref.lab.settings import Positive, settings


@settings
class DiivineSettings(RegressionSettings):
    """Settings of DIIVINE."""

    area: Positive = 1024 * 1024
    """Pixels above which a photo is shrunk, which bounds memory and time."""


@register("diivine")
class DiivineMethod(RegressionMethod[DiivineSettings]):
    """DIIVINE (Moorthy and Bovik 2011): steerable pyramid statistics and a support vector regressor. Needs noref[diivine].

    The paper first classifies the distortion, then averages one regressor for each class, weighted by probability. Databases of
    authentic photos have no classes; as in most comparisons, one regressor on the same features takes the place of both stages.
    """

    settings_type = DiivineSettings
    citation = "Moorthy and Bovik (2011): Blind Image Quality Assessment: From Natural Scene Statistics to Perceptual Quality"
    shortest = diivine.LEAST_SIDE

    @property
    def policy(self) -> dict[str, Any]:
        return {**super().policy, "area": self.settings.area, "pyrtools": steerable.version()}

    def features(self, pixels: Pixels) -> Values:
        size = WorkingSize(self.settings.area, self.shortest, multiple=1)
        return diivine.diivine(luma(size.apply(pixels)))
