"""From the vectors of a photo's crops to one score (Bianco et al. 2018, section 2.2)."""

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.networks.heads import Head

Pooling = Literal[
    "feature-min",
    "feature-avg",
    "feature-max",
    "concatenation",
    "prediction-min",
    "prediction-avg",
    "prediction-max",
]
"""Pool the vectors of the crops, concatenate them, or pool the scores of single crops."""

POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

_ON_ARRAYS: dict[str, Callable[..., Any]] = {"min": np.min, "avg": np.mean, "max": np.max}


def pool(crops: Tensor, head: Head, pooling: Pooling) -> tuple[Tensor, Tensor]:
    """The score of a photo, and its gradient with respect to the vector of every crop.

    Pooling is a weighted sum: the mean has equal weights, minimum and maximum give the whole weight to one crop.

    Args:
        crops: count x D.
        head: Fitted to the rows of `inputs`.
        pooling: Kind of pooling.

    Returns:
        The score, a scalar, and its gradient, count x D.
    """
    if pooling == "concatenation":
        score, slope = head(crops.reshape(1, -1))
        return score[0], slope.reshape(crops.shape)
    what, how = pooling.split("-")
    if what == "feature":
        weights = _weights(crops, how)
        score, slope = head((weights * crops).sum(dim=0, keepdim=True))
        return score[0], weights * slope
    scores, slopes = head(crops)
    weights = _weights(scores[:, None], how)
    return (weights[:, 0] * scores).sum(), weights * slopes


def _weights(values: Tensor, how: str) -> Tensor:
    """Weight of each crop in the pooled value, count x D; columns sum to 1."""
    if how == "avg":
        return torch.ones_like(values) / values.shape[0]
    extreme = values.argmin(dim=0) if how == "min" else values.argmax(dim=0)
    return F.one_hot(extreme, values.shape[0]).T.to(values.dtype)


def inputs(crops: npt.NDArray[np.float32], pooling: Pooling) -> npt.NDArray[np.float32]:
    """Rows to fit the regressor to: photos x count x D to one row per photo, or one per crop if predictions are pooled."""
    if pooling == "concatenation":
        return crops.reshape(len(crops), -1)
    what, how = pooling.split("-")
    found: npt.NDArray[np.float32] = _ON_ARRAYS[how](crops, axis=1) if what == "feature" else crops.reshape(-1, crops.shape[2])
    return found


def outputs(scores: npt.NDArray[np.float64], photos: int, pooling: Pooling) -> npt.NDArray[np.float64]:
    """Scores of the rows of `inputs` to one score per photo."""
    if not pooling.startswith("prediction"):
        return scores
    found: npt.NDArray[np.float64] = _ON_ARRAYS[pooling.split("-")[1]](scores.reshape(photos, -1), axis=1)
    return found
