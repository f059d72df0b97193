"""BLIINDS-II: statistics of local discrete cosine transforms at three scales, and a support vector regressor."""

from noref.lab.arrays import Pixels, Values
from noref.lab.features import dct
from noref.lab.features.planes import luma
from noref.lab.methods.handcrafted import RegressionMethod, RegressionSettings
from noref.lab.methods.registry import register


@register("bliinds2")
class Bliinds2Method(RegressionMethod[RegressionSettings]):
    """BLIINDS-II (Saad, Bovik and Charrier 2012): DCT statistics and a support vector regressor.

    The paper predicts by a joint distribution of features and scores, fitted to LIVE. Here, as in most comparisons, a support
    vector regressor takes its place, which can be fitted to any database.
    """

    settings_type = RegressionSettings
    citation = (
        "Saad, Bovik and Charrier (2012): Blind Image Quality Assessment: A Natural Scene Statistics Approach in the DCT Domain"
    )
    shortest = 32

    def features(self, pixels: Pixels) -> Values:
        return dct.bliinds2(luma(pixels))
