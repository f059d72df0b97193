"""BRISQUE: statistics of MSCN coefficients at two scales, and a support vector regressor."""

from pathlib import Path

import numpy as np
from scipy.special import gammaln

from noref.lab.arrays import Pixels, Values
from noref.lab.features import mscn
from noref.lab.features.gaussians import fit_asymmetric, fit_symmetric
from noref.lab.features.neighbours import streamed_moments
from noref.lab.features.planes import ArrayPlane, HalvedPlane, Plane, luma
from noref.lab.methods.handcrafted import Parameters, RegressionMethod, RegressionSettings
from noref.lab.methods.registry import register
from noref.lab.methods.svr import from_libsvm
from noref.lab.settings import PathText, settings


@settings
class BrisqueSettings(RegressionSettings):
    """Settings of BRISQUE."""

    parameters: PathText | None = None
    """The authors' LIBSVM model, `allmodel`; null for the model that ships. `fit` replaces either."""
    ranges: PathText | None = None
    """The authors' ranges of features, `allrange`; null for the file beside `parameters` whose name has "range" for "model"."""


@register("brisque")
class BrisqueMethod(RegressionMethod[BrisqueSettings]):
    """BRISQUE (Mittal, Moorthy and Bovik 2012): MSCN statistics and a support vector regressor.

    With the authors' model, the raw value is that of their MATLAB release, a DMOS of LIVE.
    """

    settings_type = BrisqueSettings
    citation = "Mittal, Moorthy and Bovik (2012): No-Reference Image Quality Assessment in the Spatial Domain"
    shortest = 32

    def features(self, pixels: Pixels) -> Values:
        plane: Plane = ArrayPlane(luma(pixels))
        return np.concatenate([_statistics(plane), _statistics(HalvedPlane(plane))])

    @property
    def ready(self) -> bool:
        return self.settings.parameters is not None or super().ready

    def initial(self) -> Parameters:
        if self.settings.parameters is None:
            return super().initial()
        model = Path(self.settings.parameters)
        ranges = self.settings.ranges or model.with_stem(model.stem.replace("model", "range"))
        return Parameters(from_libsvm(model, Path(ranges)).of_distortion().arrays(), {"mos_range": [0, 100]})


def _statistics(plane: Plane) -> Values:
    """The 18 features of one scale: shape and variance of the coefficients; shape, mean and both variances of each product."""
    own, products = streamed_moments(coefficients for coefficients, _ in mscn.strips(plane, padding="zero"))
    found = [*fit_symmetric(own)]
    for product in products:
        one = fit_asymmetric(product, empty=0.0)
        spread = np.exp(gammaln(2 / one.alpha) - (gammaln(1 / one.alpha) + gammaln(3 / one.alpha)) / 2)
        found += [one.alpha, (one.right - one.left) * spread, one.left**2, one.right**2]
    return np.array(found)
