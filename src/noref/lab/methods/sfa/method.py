"""SFA: frozen features of overlapping crops, aggregated three times, each with a partial least squares regression."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.cross_decomposition import PLSRegression

from noref.lab.arrays import Vectors
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.files import make_folder
from noref.lab.methods.network import ScoringNetworkMethod
from noref.lab.methods.registry import register
from noref.lab.methods.sfa.network import STATISTICS, VERSION, SfaNetwork
from noref.lab.metrics.agreement import agreement
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.preprocessing import AreaConfig, WorkingSize
from noref.lab.settings import Positive, settings
from noref.lab.training.vectors import vectors_by


@settings
class SfaSettings:
    """Settings of SFA."""

    backbone: BackboneConfig = BackboneConfig(name="tf_efficientnet_lite1")
    side: Positive = 224
    """Side of crops in pixels, a multiple of 32; crops are taken at steps of half a side."""
    components: Positive = 10
    """Components of each partial least squares regression."""
    data: AreaConfig = AreaConfig()


@register("sfa")
class SfaMethod(ScoringNetworkMethod[SfaSettings]):
    """Semantic feature aggregation (Li, Jiang, Lin, Jiang 2019).

    `fit` writes `pls.csv`: SRCC of each of the three regressions, and of their mean, on the validation part, which nothing
    depends on.
    """

    settings_type = SfaSettings
    citation = "Li, Jiang, Lin and Jiang (2019): Which Has Better Visual Quality: The Clear Blue Sky or a Blurry Animal?"
    network_: SfaNetwork

    @property
    def working_size(self) -> WorkingSize:
        """The size policy: both sides are multiples of the step, and at least one crop."""
        side = self.settings.side
        return WorkingSize(self.settings.data.area, side, side // 2)

    def build_network(self, pretrained: bool) -> SfaNetwork:
        if self.settings.side % self.multiple:
            raise LabError(f"the side of crops must be a multiple of {self.multiple} pixels, not {self.settings.side}")
        return SfaNetwork(self.settings.backbone.build(pretrained), self.settings.side)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        head, channels = self.network_.head, self.network_.backbone.stages[-1].channels
        inputs, checks = self._vectors(rated.paths), self._vectors(validation.paths)
        ends = np.cumsum([channels * count for count in STATISTICS.values()])[:-1]
        parts = zip(STATISTICS, np.split(inputs, ends, axis=1), np.split(checks, ends, axis=1), strict=True)
        predicted, weights, biases = {}, [], []
        for name, part, checked in parts:
            fit = PLSRegression(self.settings.components, scale=False).fit(part, rated.unit_mos)
            predicted[name] = np.ravel(fit.predict(checked))
            weights.append(np.ravel(fit.coef_))
            biases.append(np.ravel(fit.predict(np.zeros_like(part[:1])))[0])
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(np.concatenate(weights) / len(STATISTICS)))
            head.bias.fill_(float(np.mean(biases)))
        predicted["mean of the three"] = np.mean(list(predicted.values()), axis=0)
        rows = [(name, agreement(scores, validation.unit_mos)["srcc"]) for name, scores in predicted.items()]
        make_folder(folder)
        pd.DataFrame(rows, columns=["aggregation", "val_srcc"]).to_csv(folder / "pls.csv", index=False)

    def _vectors(self, paths: Sequence[Path]) -> Vectors:
        crops = {"sfa": self.settings.side, "aggregation": VERSION}
        facts = {**self.network_.backbone.policy(), "size": asdict(self.working_size), **crops}
        return vectors_by(self.network_.describe, self.working_size, paths, self.settings.data.cache, facts)
