"""Distributions of ratings: those of maximum entropy with a given mean and deviation, and the distance between two of them."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from noref.lab.arrays import Values

BINS = 10
CENTRES = np.linspace(0, 1, BINS)  # of the bins, on the MOS scaled to [0, 1]: ratings 1 to 10 in the paper
_NEAREST = 0.02  # least distance of the mean from the ends, and of the deviation from the limits for that mean
_STEPS = 100  # at most, of Newton's method


def of_maximum_entropy(mean: npt.ArrayLike, deviation: npt.ArrayLike) -> Values:
    """The distributions over `CENTRES` of the largest entropy with a given mean and standard deviation, n x 10.

    They are proportional to exp(a x + b x^2). The databases with MOS publish no histograms; the paper approximates those of
    TID2013 in this way (Section II-D).

    Args:
        mean: n means, 0 to 1; moved to .02 to .98.
        deviation: n standard deviations on the same scale, or one for all; moved to what is possible for that mean.

    Examples:
        >>> found = of_maximum_entropy([0.5], [0.2])
        >>> (found @ CENTRES).round(3).tolist()
        [0.5]
    """
    mean = np.clip(np.asarray(mean, np.float64), _NEAREST, 1 - _NEAREST)
    step = CENTRES[1]
    lowest = np.sqrt(np.maximum((mean % step) * (step - mean % step), 0)) + _NEAREST
    highest = np.sqrt(mean * (1 - mean)) - _NEAREST
    deviation = np.clip(np.broadcast_to(np.asarray(deviation, np.float64), mean.shape), lowest, np.maximum(highest, lowest))
    target = np.stack([mean, mean**2 + deviation**2], axis=1)
    return np.stack([_fit(each) for each in target])


def _fit(target: Values) -> Values:
    """The distribution with that mean and mean square: the minimum of a convex function, by Newton's method."""
    powers = np.stack([CENTRES, CENTRES**2])
    slopes = np.zeros(2)

    def dual(slopes: Values) -> float:
        return float(np.logaddexp.reduce(slopes @ powers) - slopes @ target)

    for _ in range(_STEPS):
        weights = _softmax(slopes @ powers)
        missed = powers @ weights - target
        if np.abs(missed).max() < 1e-9:
            break
        centred = powers - (powers @ weights)[:, None]
        move = np.linalg.solve((centred * weights) @ centred.T + 1e-12 * np.eye(2), missed)
        length = 1.0
        while dual(slopes - length * move) > dual(slopes) - 1e-4 * length * (missed @ move) and length > 1e-6:
            length /= 2
        slopes = slopes - length * move
    return _softmax(slopes @ powers)


def _softmax(logits: Values) -> Values:
    shares: Values = np.exp(logits - np.logaddexp.reduce(logits))
    return shares


def emd(predicted: Tensor, target: Tensor) -> Tensor:
    """The loss of NIMA: the earth mover's distance with r = 2, (mean of |CDF - CDF'|^2 over the bins)^(1/2), averaged.

    Args:
        predicted: Distributions over ordered bins, N x 10.
        target: The same.
    """
    difference = (predicted - target).cumsum(dim=1)
    return (difference.square().mean(dim=1) + 1e-12).sqrt().mean()


def mean_of(shares: Tensor) -> Tensor:
    """The means of distributions over `CENTRES`: ... x 10 to ..."""
    return shares @ torch.linspace(0, 1, BINS, device=shares.device)
