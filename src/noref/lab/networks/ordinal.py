"""Ordinal outputs: for each of K things five yes-or-no questions, whether its level is at least 1, 2 … 5.

After Frank and Hall, "A Simple Approach to Ordinal Classification", ECML 2001. The answer to the first question is the
probability that the defect is present; the sum of all answers is the expected level. One cross-entropy trains both, the level
needs no clipping and no mask where the defect is absent, and levels are ordered, but not evenly spaced.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from noref.lab.distortions.chains import FAMILIES, HIGHEST


class Found(NamedTuple):
    """Predictions for N images, families in the order of `chains.FAMILIES`.

    Attributes:
        probabilities: N x K, that a defect is there.
        levels: N x K, 0 (not there) to 5 (severe).
    """

    probabilities: Tensor
    levels: Tensor


class OrdinalHead(nn.Module):
    """Vectors N x D to logits N x K x L: that the k-th of K things is at least at the l-th of L steps.

    Args:
        length: D.
        things: K.
        steps: L.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, length: int, things: int = len(FAMILIES), steps: int = HIGHEST) -> None:
        super().__init__()
        self.shape = (-1, things, steps)
        self.register_buffer("mean", torch.zeros(length))
        self.register_buffer("scale", torch.ones(length))
        self.weight = nn.Parameter(torch.zeros(things * steps, length))
        self.bias = nn.Parameter(torch.zeros(things * steps))

    def standardise(self, sample: Tensor) -> None:
        """Take mean and scale from a sample of vectors, n x D; what is alike in all of them is left as it is."""
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
    """Levels … x K to answers … x K x 5: whether each is at least 1, 2 … 5, as 0 and 1."""
    return (levels[..., None] > np.arange(HIGHEST)).astype(np.float32)
