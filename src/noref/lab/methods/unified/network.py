"""One backbone with five outputs: score, defects, quality map, spread of the score, and distance from the training photos."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noref.lab.distortions.chains import FAMILIES
from noref.lab.networks.backbone import Backbone, Stage
from noref.lab.networks.ordinal import OrdinalHead, read
from noref.lab.networks.pooled import CELL, PooledNetwork
from noref.lab.networks.pooling import Features, describe, length

FEATURES: Features = "stages"  # early stages respond to noise, blur and blocking
MOS_STEPS = tuple(step / 10 for step in range(1, 10))
"""Thresholds of the ordinal targets of the MOS, which is scaled to [0, 1]."""
MOS_SOFTNESS = 0.05  # a MOS is the mean of a few ratings: it passes a threshold over about this range
DETAIL = ("focus blur", "motion blur", "noise", "pixelation", "banding", "compression")
"""Families of defects that change the detail of a photo, not its light or colour."""
LEAST_SPREAD = 0.02
WIDER_FROM = 0.8  # distance from which the interval is wider; about 96 % of the training photos are nearer
_WIDTH = 32  # channels to which the map's head reduces every stage


class Logits(NamedTuple):
    """What training needs of N images of H x W pixels.

    Attributes:
        mos: N x 9, logits that the MOS is at least .1, .2 … .9.
        quality: N x H/16 x W/16, the MOS of each cell, from 0 to 1.
        defects: N x K x 5, logits that the level of a defect is at least 1, 2 … 5.
        spread: N, expected absolute error of the predicted MOS.
    """

    mos: Tensor
    quality: Tensor
    defects: Tensor
    spread: Tensor


class MapHead(nn.Module):
    """The maps of all stages to one value a cell of `CELL` pixels.

    A 1 x 1 convolution reduces each stage to few channels; the finer stages are averaged over each cell after a ReLU, so that
    fine structure counts whatever its sign. H and W must be multiples of 32.
    """

    def __init__(self, stages: list[Stage]) -> None:
        super().__init__()
        self.reductions = [stage.reduction for stage in stages]
        self.narrow = nn.ModuleList(nn.Conv2d(stage.channels, _WIDTH, 1) for stage in stages)
        self.mix = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1, padding_mode="replicate")
        self.out = nn.Conv2d(_WIDTH, 1, 1)
        nn.init.zeros_(self.out.weight)

    def start_at(self, mos: float) -> None:
        """Let the untrained head predict this MOS for every cell."""
        assert self.out.bias is not None
        nn.init.constant_(self.out.bias, mos)

    def forward(self, maps: list[Tensor]) -> Tensor:
        on_grid = [self._on_grid(conv(cells), r) for conv, cells, r in zip(self.narrow, maps, self.reductions, strict=True)]
        quality: Tensor = self.out(F.relu(self.mix(F.relu(torch.stack(on_grid).sum(dim=0)))))
        return quality[:, 0]

    @staticmethod
    def _on_grid(cells: Tensor, reduction: int) -> Tensor:
        if reduction < CELL:
            return F.avg_pool2d(F.relu(cells), CELL // reduction)
        return cells if reduction == CELL else F.interpolate(cells, scale_factor=reduction // CELL, mode="bilinear")


class UnifiedNetwork(PooledNetwork):
    """Images (uint8, N x H x W x 3; H and W multiples of 32) to `Logits` in training, to named outputs afterwards.

    Args:
        backbone: See `PooledNetwork`.
        axes: Principal axes of the feature distance.
        penalty: Share of the MOS that a certain defect of detail costs, beyond what the head of the MOS takes off.

    Attributes:
        early: Length of the pooled features of the stages whose stride is at most `CELL`; they come first.
    """

    def __init__(self, backbone: Backbone, axes: int, penalty: float = 0.0) -> None:
        super().__init__(backbone, FEATURES)
        vector = length(backbone.stages, FEATURES)
        self.mos = OrdinalHead(vector, 1, len(MOS_STEPS))
        self.defects = OrdinalHead(vector)
        self.map = MapHead(backbone.stages)
        self.spread = OrdinalHead(vector, 1, 1)
        early = [stage for stage in backbone.stages if stage.reduction <= CELL]
        self.early = length(early or backbone.stages, FEATURES)
        self.distance = FeatureDistance(self.early, axes)
        self.penalty, self.detail = penalty, [list(FAMILIES).index(family) for family in DETAIL]
        self.offset, self.slope, self.bend = (nn.Buffer(torch.tensor(each)) for each in (0.0, 1.0, 0.0))
        self.interval_factor = nn.Buffer(torch.zeros(()))

    def forward(self, pixels: Tensor) -> Logits:
        maps = self.backbone(pixels)
        return self.logits(describe(maps, self.features), self.map(maps).float())

    def logits(self, vectors: Tensor, quality: Tensor) -> Logits:
        """The same from the pooled features, N x D, and the map, N x H/16 x W/16."""
        # The spread must not train the backbone: that would trade accuracy for predictable errors.
        return Logits(self.mos(vectors)[:, 0], quality, self.defects(vectors), self.expected_error(vectors.detach()))

    def unusual(self, vectors: Tensor) -> Tensor:
        """The distance from the training photos, N, from the pooled features, N x D, by those of the early stages.

        The late stages have learned that composed and drawn pictures have no defects; in their features these resemble photos.
        """
        return self.distance(vectors[:, : self.early])

    def expected_error(self, vectors: Tensor) -> Tensor:
        """The spread, N, from the pooled features, N x D."""
        return LEAST_SPREAD + F.softplus(self.spread(vectors)[:, 0, 0])

    @torch.no_grad()
    def expect_everywhere(self, error: Tensor) -> None:
        """Let the spread be `LEAST_SPREAD + error` for every photo."""
        nn.init.zeros_(self.spread.weight)
        self.spread.bias.copy_(error.expm1().log())  # the inverse of softplus

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """All six outputs. The map is shifted so that its mean is the score."""
        maps = self.backbone(pixels)
        vectors, quality = describe(maps, self.features), self.map(maps).float()
        found = self.logits(vectors, quality)
        score, defects, distance = self.score(found), read(found.defects), self.unusual(vectors)
        half = self.half_width(found.spread, distance)
        inside = score.clamp(0, 1)
        return {
            "score": score,
            "map": quality + (score[:, None, None] - quality.mean(dim=(1, 2), keepdim=True)),
            "defects": defects.probabilities,
            "levels": defects.levels,
            "interval": torch.stack([inside - half, inside + half], dim=1),
            "unusual": distance,
        }

    def score(self, found: Logits) -> Tensor:
        """The predicted MOS, N: that of its head, less the penalty where detail is probably damaged, on a fitted curve."""
        intact = (-F.softplus(found.defects[:, self.detail, 0]).sum(dim=1)).exp()  # the product of 1 - probability
        penalised = expected_mos(found.mos) * (1 - self.penalty * (1 - intact))
        return self.offset + penalised * (self.slope + self.bend * penalised)

    def half_width(self, spread: Tensor, distance: Tensor) -> Tensor:
        """Half the width of the prediction interval, N: the calibrated spread, widened for unusual pictures."""
        return self.interval_factor * spread * distance.clamp(min=WIDER_FROM)


class FeatureDistance(nn.Module):
    """Distance of pooled features from those of the training images, 1 at a threshold.

    The features are standardised and projected on principal axes; the distance is the root mean square of the coordinates in
    units of their standard deviations, with the residual outside these axes as one more coordinate.

    Args:
        length: Of a vector.
        axes: Principal axes.
    """

    def __init__(self, length: int, axes: int) -> None:
        super().__init__()
        self.mean, self.scale = nn.Buffer(torch.zeros(length)), nn.Buffer(torch.ones(length))
        self.axes, self.deviation = nn.Buffer(torch.zeros(axes, length)), nn.Buffer(torch.ones(axes))
        self.residual, self.threshold = nn.Buffer(torch.ones(())), nn.Buffer(torch.ones(()))

    def forward(self, vectors: Tensor) -> Tensor:
        """Distances N of vectors N x D."""
        standard = (vectors - self.mean) / self.scale
        places = standard @ self.axes.T
        inside = (places / self.deviation).square().mean(dim=1)
        outside = (standard.square().sum(dim=1) - places.square().sum(dim=1)).clamp(min=0) / self.residual
        return ((inside + outside) / 2).sqrt() / self.threshold

    @torch.no_grad()
    def fit(self, vectors: Tensor, share: float, known: Tensor) -> None:
        """Take the axes from photos and other known images, and the threshold from photos.

        Args:
            vectors: Of training photos, n x D.
            share: Of these, those below the threshold.
            known: Of other in-distribution images, m x D; m may be 0.
        """
        every = torch.cat([vectors, known])
        self.mean.copy_(every.mean(dim=0))
        self.scale.copy_(every.std(dim=0).clamp(min=1e-3))
        standard = (every - self.mean) / self.scale
        _, values, axes = torch.linalg.svd(standard, full_matrices=False)
        count = min(len(self.axes), len(every) // 2, every.shape[1] - 1)  # the other axes stay zero
        self.axes[:count] = axes[:count]
        self.deviation[:count] = values[:count] / (len(every) - 1) ** 0.5
        self.residual.copy_((values[count:].square().sum() / (len(every) - 1)).clamp(min=1e-6))
        self.threshold.copy_(torch.quantile(self(vectors), share))


def mos_targets(mos: Tensor) -> Tensor:
    """MOS N, from 0 to 1, to ordinal targets N x 9: whether it is at least each of `MOS_STEPS`, softly."""
    return torch.sigmoid((mos[:, None] - torch.tensor(MOS_STEPS, device=mos.device)) / MOS_SOFTNESS)


def expected_mos(logits: Tensor) -> Tensor:
    """The expected MOS, N, from ordinal logits N x 9."""
    return (MOS_STEPS[1] - MOS_STEPS[0]) * (logits.sigmoid().sum(dim=1) + 0.5)
