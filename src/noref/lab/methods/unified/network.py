"""One backbone with three outputs: a score, the defects, and the quality of each place.

During training the MOS has ordinal targets, like the levels of defects: classes of quality train a backbone better than squared
errors (.808 against .792 of validation SRCC with the same regressor). In the end, score and defects get heads that also read
the color histogram, and the score is the expectation of the ordinal outputs, corrected by a regressor.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noref.lab.methods.unified.interval import Interval
from noref.lab.networks import color_histogram
from noref.lab.networks.backbone import Backbone, Stage
from noref.lab.networks.heads import RbfHead
from noref.lab.networks.ordinal import OrdinalHead, read
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.networks.pooled import PooledNetwork
from noref.lab.networks.pooling import Features, describe, length

CELL = 16  # pixels a side of a cell of the quality map
FEATURES: Features = "stages"  # early stages see noise, blur and blocks
STEPS = tuple(step / 10 for step in range(1, 10))  # of opinions
TEMPERATURE = 0.05  # of opinions: over how much a step is passed
LEVEL = 4.0  # of a defect, among principal axes whose deviations range from 3 to 20
_WIDTH = 32  # channels in which the stages meet


class Logits(NamedTuple):
    """What the network returns for N images of H x W pixels during training.

    Attributes:
        mos: N x 9, logits that the MOS is at least .1, .2 … .9 (higher is better).
        quality: N x H/16 x W/16, the MOS of each place alone, from 0 to 1.
        defects: N x K x 5, logits that the level of a defect is at least 1, 2 … 5.
    """

    mos: Tensor
    quality: Tensor
    defects: Tensor


class Prediction(NamedTuple):
    """Predictions for N images of H x W pixels.

    Attributes:
        score: N, MOS from 0 to 1, higher is better.
        quality: N x H/16 x W/16, same scale; its mean is the score.
        defects: As in `Logits`.
    """

    score: Tensor
    quality: Tensor
    defects: Tensor


class LocalHead(nn.Module):
    """The maps of all stages to one value a cell of `CELL` pixels.

    Each stage is brought to few channels by its own 1 x 1 convolution, then to the common grid; finer ones by the mean over a
    cell of what a ReLU leaves of them, so that fine structure counts whatever its sign. H and W must be multiples of 32.
    """

    def __init__(self, stages: list[Stage]) -> None:
        super().__init__()
        self.reductions = [stage.reduction for stage in stages]
        self.narrow = nn.ModuleList(nn.Conv2d(stage.channels, _WIDTH, 1) for stage in stages)
        self.mix = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1, padding_mode="replicate")
        self.out = nn.Conv2d(_WIDTH, 1, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, maps: list[Tensor]) -> Tensor:
        meeting = [self._on_grid(conv(cells), r) for conv, cells, r in zip(self.narrow, maps, self.reductions, strict=True)]
        quality: Tensor = self.out(F.relu(self.mix(F.relu(torch.stack(meeting).sum(dim=0)))))
        return quality[:, 0]

    @staticmethod
    def _on_grid(cells: Tensor, reduction: int) -> Tensor:
        if reduction < CELL:
            return F.avg_pool2d(F.relu(cells), CELL // reduction)
        return cells if reduction == CELL else F.interpolate(cells, scale_factor=reduction // CELL, mode="bilinear")


class Learner(PooledNetwork):
    """Photos (uint8, N x H x W x 3; H and W multiples of 32) to `Logits`.

    Args:
        backbone: See `PooledNetwork`.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__(backbone, FEATURES)
        vector = length(backbone.stages, FEATURES)
        self.mos = OrdinalHead(vector, 1, len(STEPS))
        self.defects = OrdinalHead(vector)
        self.local = LocalHead(backbone.stages)

    def forward(self, pixels: Tensor) -> Logits:
        maps = self.backbone(pixels)
        vectors = describe(maps, self.features)
        return Logits(self.mos(vectors)[:, 0], self.local(maps).float(), self.defects(vectors))


class UnifiedNetwork(OutputNetwork):
    """Photos (uint8, N x H x W x 3; H and W multiples of 32) to `Prediction`.

    Args:
        backbone, local: Of a `Learner` that has learned.
        mos, defects: Fitted to what `last_vectors` gives.
        correction: From the same and the levels of defects to the residual of the score.
    """

    def __init__(
        self, backbone: Backbone, local: LocalHead, mos: OrdinalHead, defects: OrdinalHead, correction: RbfHead
    ) -> None:
        super().__init__()
        self.backbone, self.local, self.mos, self.defects, self.correction = backbone, local, mos, defects, correction
        self.interval = Interval()

    def forward(self, pixels: Tensor) -> Prediction:
        """The map is shifted so that its mean is the score."""
        maps = self.backbone(pixels)
        seen, quality = last_vectors(maps, pixels), self.local(maps)
        score = self.score(seen)
        shift = score[:, None, None] - quality.mean(dim=(1, 2), keepdim=True)
        return Prediction(score, quality + shift, self.defects(seen))

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """All five outputs."""
        predicted: Prediction = self(pixels)
        found = read(predicted.defects)
        return {
            "score": predicted.score,
            "map": predicted.quality,
            "defects": found.probabilities,
            "levels": found.levels,
            "interval": self.interval(predicted.score),
        }

    def score(self, seen: Tensor) -> Tensor:
        """The scores, N, that `last_vectors` N x D stand for."""
        return ordinal_expectation(self.mos, seen) + self.correction(seen, coordinates(self.defects(seen)))[0]


def last_vectors(maps: list[Tensor], pixels: Tensor) -> Tensor:
    """What describes N photos in the end, N x `last_length`: their maps' moments, then their color_histogram."""
    return torch.cat([describe(maps, FEATURES), color_histogram.color_histogram(pixels)], dim=1)


def last_length(backbone: Backbone) -> int:
    """Of what `last_vectors` gives."""
    return length(backbone.stages, FEATURES) + color_histogram.COUNT


def last_heads(backbone: Backbone) -> tuple[OrdinalHead, OrdinalHead]:
    """Of opinion and of defects, not fitted yet."""
    return OrdinalHead(last_length(backbone), 1, len(STEPS)), OrdinalHead(last_length(backbone))


def coordinates(defects: Tensor) -> Tensor:
    """Logits of defects, N x K x 5, as the correction sees them beside its principal axes, N x K: levels, of like size.

    One weight for all families: standardised, those that are poorly told and seldom there would count most.
    """
    return LEVEL * read(defects).levels


def ordinal_targets(mos: Tensor) -> Tensor:
    """Opinions N to N x 9: how far each reaches beyond each of `STEPS`, 0 to 1, softly, since opinions are means of a few."""
    return torch.sigmoid((mos[:, None] - torch.tensor(STEPS, device=mos.device)) / TEMPERATURE)


def ordinal_expectation(head: OrdinalHead, vectors: Tensor) -> Tensor:
    """The opinions, N, that the steps say of vectors N x D, before any correction."""
    return expected(head(vectors)[:, 0])


def expected(logits: Tensor) -> Tensor:
    """The opinions, N, that logits N x 9 stand for."""
    return (STEPS[1] - STEPS[0]) * (logits.sigmoid().sum(dim=1) + 0.5)
