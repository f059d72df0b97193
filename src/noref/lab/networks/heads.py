"""Regression heads: regressors fitted by scikit-learn, as modules that also return the gradient of the score.

Every head maps vectors N x D to scores N and slopes N x D (the gradient of the score with respect to the vector), so that
quality maps and export need no automatic differentiation.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn


class LinearHead(nn.Module):
    """score = ((vector - mean) / scale) . weight + bias."""

    mean: Tensor
    scale: Tensor

    def __init__(self, length: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(length))
        self.register_buffer("scale", torch.ones(length))
        self.weight = nn.Parameter(torch.zeros(length))
        self.bias = nn.Parameter(torch.zeros(()))

    @torch.no_grad()
    def start_at(self, score: float, sample: npt.NDArray[np.float32]) -> None:
        """Initialise to a constant score, and to the mean and scale of a sample of vectors, n x D."""
        scaler = StandardScaler().fit(sample)
        self.mean.copy_(torch.from_numpy(scaler.mean_))
        self.scale.copy_(torch.from_numpy(scaler.scale_))
        self.weight.zero_()
        self.bias.fill_(score)

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        # Not a matrix product, which mixed precision would round to three digits.
        score = ((vectors - self.mean) / self.scale * self.weight).sum(dim=1) + self.bias
        return score, (self.weight / self.scale).expand_as(vectors)


class RbfHead(nn.Module):
    """An RBF support vector regressor on the principal axes of standardised vectors.

    Args:
        length: Length of a vector, D.
        axes: Number of principal axes.
        supports: Number of support vectors.
    """

    mean: Tensor
    scale: Tensor
    centre: Tensor
    axes: Tensor
    supports: Tensor
    weight: Tensor
    bias: Tensor
    gamma: Tensor

    def __init__(self, length: int, axes: int, supports: int) -> None:
        super().__init__()
        for name, shape in {
            "mean": (length,),
            "scale": (length,),
            "centre": (length,),
            "axes": (axes, length),
            "supports": (supports, axes),
            "weight": (supports,),
            "bias": (),
            "gamma": (),
        }.items():
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        place = ((vectors - self.mean) / self.scale - self.centre) @ self.axes.T
        distance = place.square().sum(1)[:, None] - 2 * place @ self.supports.T + self.supports.square().sum(1)
        bumps = self.weight * torch.exp(-self.gamma * distance)
        score = bumps.sum(dim=1)
        slope = 2 * self.gamma * (bumps @ self.supports - score[:, None] * place)
        return score + self.bias, slope @ self.axes / self.scale


class HiddenHead(nn.Module):
    """One hidden layer of rectified linear units, trained by gradient descent; it is piecewise linear, so the slope is exact.

    Args:
        length: Length of a vector, D.
        hidden: Number of hidden units.
        dropout: Dropout rate on the vector.

    Attributes:
        output: The last layer.
    """

    def __init__(self, length: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout, self.hidden, self.output = nn.Dropout(dropout), nn.Linear(length, hidden), nn.Linear(hidden, 1)

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.hidden(self.dropout(vectors))
        slope = ((hidden > 0).float() * self.output.weight) @ self.hidden.weight
        return self.output(hidden.relu())[:, 0], slope


Head = LinearHead | RbfHead


def from_pipeline(fitted: Pipeline) -> Head:
    """Convert a fitted pipeline to a head with the same predictions.

    Args:
        fitted: StandardScaler and a linear regressor, or StandardScaler, PCA (not whitened) and an RBF SVR.
    """
    scaler, regressor = fitted[0], fitted[-1]
    facts: dict[str, Any] = {"mean": scaler.mean_, "scale": scaler.scale_}
    head: Head
    if len(fitted) == 2:
        head = LinearHead(len(scaler.mean_))
        facts |= {"weight": regressor.coef_.ravel(), "bias": np.ravel(regressor.intercept_)[0]}
    else:
        pca: PCA = fitted[1]
        head = RbfHead(len(scaler.mean_), pca.n_components_, len(regressor.support_vectors_))
        facts |= {
            "centre": pca.mean_,
            "axes": pca.components_,
            "supports": regressor.support_vectors_,
            "weight": regressor.dual_coef_[0],
            "bias": regressor.intercept_[0],
            "gamma": regressor._gamma,
        }
    head.load_state_dict({name: _tensor(value) for name, value in facts.items()})
    return head.eval()


def _tensor(value: npt.ArrayLike) -> Tensor:
    return torch.as_tensor(np.asarray(value, np.float32))
