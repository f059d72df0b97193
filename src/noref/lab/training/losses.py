"""Losses of scores, on batches of predictions and MOS, both in [0, 1]."""

from collections.abc import Callable, Mapping

import torch.nn.functional as F
from torch import Tensor

from noref.lab.errors import LabError
from noref.lab.lookup import lookup

Loss = Callable[[Tensor, Tensor], Tensor]
"""Loss of the predictions and targets of N images."""

_SMALL = 1e-2  # smaller norms are not normalised to 1, which would amplify tiny differences within a batch


def plcc(predicted: Tensor, mos: Tensor) -> Tensor:
    """(1 - PLCC) / 2 of a batch (N and N), in [0, 1]; invariant to the scale of predictions; 0.5 for a constant batch.

    Examples:
        >>> import torch
        >>> mos = torch.tensor([0.1, 0.5, 0.9])
        >>> round(plcc(mos / 2, mos).item(), 3), round(plcc(1 - mos, mos).item(), 3)
        (0.0, 1.0)
    """
    return (1 - _normalised(predicted) @ _normalised(mos)) / 2


def norm_in_norm(predicted: Tensor, mos: Tensor) -> Tensor:
    """Distance between normalised predictions and normalised MOS, divided by its maximum, in [0, 1].

    Both (N and N) are centred and scaled to Euclidean norm 1; the distance is the 1-norm. Source: Li, Jiang and Jiang,
    "Norm-in-Norm Loss with Faster Convergence and Better Performance for Image Quality Assessment", ACM MM 2020, with p = 1
    and q = 2, which they recommend. Their additional term, the same distance for predictions times PLCC, is left out.

    Examples:
        >>> import torch
        >>> mos = torch.tensor([0.1, 0.5, 0.9])
        >>> round(norm_in_norm(1 - mos, mos).item(), 3)
        0.816
    """
    distance = (_normalised(predicted) - _normalised(mos)).abs().sum()
    return distance / (2 * len(mos) ** 0.5)


def _normalised(values: Tensor) -> Tensor:
    return F.normalize(values - values.mean(), dim=0, eps=_SMALL)


LOSSES: Mapping[str, Loss] = {
    "mse": F.mse_loss,
    "huber": lambda predicted, mos: F.huber_loss(predicted, mos, delta=0.1),
    "plcc": plcc,
    "norm-in-norm": norm_in_norm,
}


def mixture(weights: Mapping[str, float]) -> Loss:
    """The weighted sum of losses by name.

    Raises:
        LabError: There is no loss of that name (the message suggests similar names), a weight is not positive, or there are no
            losses.

    Examples:
        >>> import torch
        >>> mos = torch.tensor([0.1, 0.5, 0.9])
        >>> round(mixture({"mse": 1.0, "plcc": 0.5})(1 - mos, mos).item(), 3)
        0.927
    """
    if not weights or min(weights.values()) <= 0:
        raise LabError(f"loss must map names to weights above 0, not {dict(weights)}")
    parts = [(lookup("loss", name, LOSSES), weight) for name, weight in weights.items()]

    def loss(predicted: Tensor, mos: Tensor) -> Tensor:
        first, *rest = [weight * part(predicted, mos) for part, weight in parts]
        return sum(rest, first)

    return loss
