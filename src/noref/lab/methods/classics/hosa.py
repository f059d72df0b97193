"""HOSA: statistics of patches, compared with those of a codebook, and a linear support vector regressor."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import Self

from noref.lab.arrays import Pixels, Values
from noref.lab.datasets.rated import RatedImages
from noref.lab.features.codebook import Codebook, hosa, learn, patches
from noref.lab.features.planes import luma
from noref.lab.methods.handcrafted import Parameters, RegressionMethod, RegressionSettings, measure
from noref.lab.methods.registry import register
from noref.lab.methods.svr import SvrSettings
from noref.lab.settings import Positive, settings

EXAMPLES = 200  # patches of a photo that the codebook is learned from


@settings
class HosaSettings(RegressionSettings):
    """Settings of HOSA."""

    svr: SvrSettings = SvrSettings(kernel="linear", c=(128.0,), epsilon=(0.001,))
    codewords: Positive = 100
    """Number of codewords."""
    photos: Positive = 500
    """Number of training photos whose patches the codebook is learned from."""


@register("hosa")
class HosaMethod(RegressionMethod[HosaSettings]):
    """HOSA (Xu et al. 2016): differences of patch statistics from a codebook and a linear support vector regressor.

    The paper's codebook was learned from the photos of CSIQ. Here, `fit` learns it from photos of the training part.
    """

    settings_type = HosaSettings
    citation = (
        "Xu, Ye, Li, Du, Liu and Doermann (2016): Blind Image Quality Assessment Based on High Order Statistics Aggregation"
    )
    shortest = 32

    @property
    def codebook(self) -> Codebook:
        """The codebook; there is none before `fit`."""
        return Codebook.of(self.parameters_.arrays)

    @property
    def policy(self) -> dict[str, Any]:
        content = b"".join(array.tobytes() for array in asdict(self.codebook).values())
        return {**super().policy, "codebook": hashlib.sha256(content).hexdigest()}

    def features(self, pixels: Pixels) -> Values:
        return hosa(luma(pixels), self.codebook)

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Learn the codebook, compute the features, which are cached, and fit the regressor."""
        codebook = asdict(learn(self._examples(rated.paths), self.settings.codewords, self.seed))
        self.parameters_ = Parameters(codebook)
        super().fit(rated, validation, folder)
        self.parameters_ = Parameters({**self.parameters_.arrays, **codebook}, self.parameters_.facts)
        return self

    def _examples(self, paths: Sequence[Path]) -> Values:
        """Patches of some photos, n x 49."""
        rng = np.random.default_rng(self.seed)

        def some(pixels: Pixels) -> Values:
            self.check(pixels)
            found = patches(luma(pixels))
            return found[rng.permutation(len(found))[:EXAMPLES]]

        chosen = rng.permutation(len(paths))[: self.settings.photos]
        return np.concatenate([measure(paths[place], some) for place in chosen])
