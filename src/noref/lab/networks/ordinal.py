"""Ordinal outputs: for each of K families, five binary outputs, whether its level is at least 1, 2 … 5.

After Frank and Hall, "A Simple Approach to Ordinal Classification", ECML 2001. The first output is the
probability that the defect is present; the sum of all outputs is the expected level. A single cross-entropy trains both, the
level needs neither clipping nor a mask for absent defects, and levels are ordered without being evenly spaced.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from noref.lab.distortions.chains import FAMILIES, HIGHEST

_ITERATIONS = 200


class Found(NamedTuple):
    """Predictions for N images, with families in the order of `chains.FAMILIES`.

    Attributes:
        probabilities: Probability that each defect is present, N x K.
        levels: Expected level of each defect, N x K, 0 (absent) to 5 (severe).
    """

    probabilities: Tensor
    levels: Tensor


class OrdinalHead(nn.Module):
    """A linear layer on standardised features: vectors N x D to logits N x K x L, that the k-th family's level is at least l.

    Args:
        length: D.
        families: K, the number of families.
        levels: L, the number of levels.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, length: int, families: int = len(FAMILIES), levels: int = HIGHEST) -> None:
        super().__init__()
        self.shape = (-1, families, levels)
        self.register_buffer("mean", torch.zeros(length))
        self.register_buffer("scale", torch.ones(length))
        self.weight = nn.Parameter(torch.zeros(families * levels, length))
        self.bias = nn.Parameter(torch.zeros(families * levels))

    def standardise(self, sample: Tensor) -> None:
        """Set mean and scale from a sample of vectors, n x D; constant features are not scaled."""
        scaler = StandardScaler().fit(sample.numpy())
        self.mean.copy_(torch.from_numpy(scaler.mean_))
        self.scale.copy_(torch.from_numpy(scaler.scale_))

    def forward(self, vectors: Tensor) -> Tensor:
        return F.linear((vectors - self.mean) / self.scale, self.weight, self.bias).float().reshape(self.shape)


def read(logits: Tensor) -> Found:
    """Logits N x K x 5 to probabilities and levels."""
    answers = logits.sigmoid()
    return Found(answers[..., 0], answers.sum(dim=2))


def at_least(levels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Ordinal targets: levels … x K to … x K x 5, 1 where the level is at least 1, 2 … 5, else 0."""
    return (levels[..., None] > np.arange(HIGHEST)).astype(np.float32)


def fit(head: OrdinalHead, vectors: Tensor, targets: Tensor, penalty: float) -> None:
    """Fit the weights of a standardised head by penalised logistic regression, in place.

    Args:
        head: For K families with L levels each.
        vectors: N x D.
        targets: N x K x L, from 0 to 1.
        penalty: Weight of the sum of squared weights, beside the mean cross-entropy of an output.
    """
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        total = F.binary_cross_entropy_with_logits(head(vectors), targets) + penalty * head.weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]
