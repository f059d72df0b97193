"""The mean score as a metric of torchmetrics."""

from pathlib import Path

import torch
from torch import Tensor
from torchmetrics import Metric

from noref import card
from noref.lab.torch.quality import QualityMetric
from noref.scorer import View


class MeanQuality(Metric):
    """The mean score of photos, accumulated over batches and processes.

    Photos of different batches may differ in size.

    Args:
        model: As of `QualityMetric`.
        view: As of `QualityMetric`.

    Examples:
        >>> import torch
        >>> from noref.lab.torch import MeanQuality
        >>> mean = MeanQuality("fast")
        >>> mean.update(torch.rand(2, 3, 96, 128))
        >>> mean.update(torch.rand(1, 3, 64, 64))
        >>> 0 <= mean.compute() <= 100
        tensor(True)
    """

    is_differentiable = True
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 100.0

    total: Tensor
    count: Tensor

    def __init__(self, model: str | Path = card.DEFAULT, *, view: View = "common") -> None:
        super().__init__()
        self.quality = QualityMetric(model, view=view)
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, pixels: Tensor) -> None:
        """Add photos; arguments and errors as of `QualityMetric`.

        Raises:
            ValueError: A score is not finite.
        """
        scores = self.quality(pixels)
        if not torch.isfinite(scores).all():
            raise ValueError("a score is not finite: the pixels hold NaN")
        self.total = self.total + scores.double().sum()
        self.count = self.count + len(pixels)

    def compute(self) -> Tensor:
        """The mean score, 0 to 100; NaN before the first photo."""
        return (self.total / self.count).float()
