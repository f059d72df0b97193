"""Prediction interval of the score."""

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import QuantileRegressor
from torch import Tensor, nn

COVERAGE = 0.9
_LEAST = 0.02  # half the width at least: MOS are not more precise than that

Scores = npt.NDArray[np.float64]


class Interval(nn.Module):
    """Scores N to low and high ends, N x 2: as far below as above, by a parabola over the score."""

    coefficients: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("coefficients", torch.zeros(3))

    def forward(self, score: Tensor) -> Tensor:
        inside = score.clamp(0, 1)
        constant, slope, bend = self.coefficients
        half = (constant + slope * inside + bend * inside.square()).clamp(min=_LEAST)
        return torch.stack([inside - half, inside + half], dim=1)


def fitted(scores: Scores, mos: Scores) -> Interval:
    """The interval that contains `COVERAGE` of these images' MOS, a little more since they are few.

    Quantile regression of the absolute error on the score and its square: errors are largest in the middle of the scale, and
    smallest among good photos.

    Args:
        scores: n, of photos that the score was not fitted to.
        mos: n, from 0 to 1.
    """
    inside = scores.clip(0, 1)
    quantile = min(COVERAGE * (1 + 1 / len(scores)), 1 - 0.5 / len(scores))
    inputs = np.stack([inside, inside**2], axis=1)
    fit = QuantileRegressor(quantile=quantile, alpha=0).fit(inputs, np.abs(inside - mos))
    found = Interval()
    found.coefficients.copy_(torch.tensor([fit.intercept_, *fit.coef_]))
    return found
