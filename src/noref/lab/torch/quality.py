"""The score as a metric and as a loss of images that a network makes."""

import warnings
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn

from noref import card
from noref.errors import BadModel, ImageTooSmall
from noref.lab.torch import onnx_file
from noref.lab.torch.network import SCORE, UNCLIPPED, ExportedNetwork
from noref.scorer import View

Reduction: TypeAlias = Literal["mean", "sum", "none"]
"""What a loss does with the values of a batch."""

_MANY = 0.2  # share of clipped values from which on the range is probably another one


class QualityMetric(nn.Module):
    """Predicts the quality of photos, differentiable with respect to their pixels.

    It computes what `noref.Scorer` computes, with torch: on the same 8-bit pixels the scores agree within 0.2 points, and a
    photo has the same score alone and in a batch. Resizing is part of it, with its gradient; where `Scorer` rounds pixels to 8
    bits after resizing, so does this, and the gradient is that without rounding.

    The weights are those of the exported model. They are frozen, and no part of `parameters` or `state_dict`; `train` has no
    effect. `to` moves them to another device; `double` converts them. Under autocast, convolutions run in half precision.

    Args:
        model: Name of a shipped model; name and version, such as "unified@7"; or path of an exported .onnx file with its card
            beside it.
        view: As of `noref.Scorer`: "native" scores small photos without enlarging them.

    Attributes:
        card: The model's card.

    Raises:
        ModelNotFound: There is no such model.
        BadModel: The file is not a model that noref exported, or has an operator that is not supported here.
        ValueError: There is no such view.

    Examples:
        >>> import torch
        >>> from noref.lab.torch import QualityMetric
        >>> metric = QualityMetric("fast")
        >>> photos = torch.rand(2, 3, 96, 128, requires_grad=True)
        >>> scores = metric(photos)
        >>> scores.shape
        torch.Size([2])
        >>> scores.sum().backward()
        >>> photos.grad.shape
        torch.Size([2, 3, 96, 128])
        >>> list(metric.outputs(photos))
        ['score', 'map', 'defects', 'levels', 'interval', 'unusual']
    """

    def __init__(self, model: str | Path = card.DEFAULT, *, view: View = "common") -> None:
        super().__init__()
        if view not in get_args(View):
            raise ValueError(f"no view {view!r}; views are: {', '.join(get_args(View))}")
        path = card.find(model)
        self.card, self.view, self._looked = card.load(path), view, False
        try:
            graph = onnx_file.read(card.verified_bytes(path, self.card))
            self.network = ExportedNetwork(graph, self.card.shortest)
        except ValueError as error:
            raise BadModel(f"{path}: torch cannot run it ({error}); score with noref.Scorer") from error
        self.eval()

    def forward(self, pixels: Tensor) -> Tensor:
        """Scores of photos.

        Args:
            pixels: sRGB, N x 3 x H x W, floats from 0 to 1; others are clipped, as they would be in an image file, with a
                warning if these are many in the first batch.

        Returns:
            N scores from 0 to 100; higher is better.

        Raises:
            ImageTooSmall: The photos are smaller than the model accepts.
            ValueError: The pixels have another shape or are no floats, or the model predicts defects only.
        """
        return self._found(pixels, everything=False)[SCORE]

    def unclipped(self, pixels: Tensor) -> Tensor:
        """Scores that are not clipped to 0 to 100, so that their gradient does not vanish; arguments as of `forward`.

        There is no warning: the outputs of a network that begins to learn may lie anywhere.
        """
        return self._found(pixels, everything=False, checked=False)[UNCLIPPED]

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """Everything that the model predicts; arguments as of `forward`.

        Returns:
            As many as the model has of `score` (N); `map` (N x h x w, on the scale of the score, not clipped); `defects` and
            `levels` (N x K: probabilities and levels, 0 to 5, of the defects on the card); `interval` (N x 2, the ends of the
            prediction interval); `unusual` (N, the distance from the training photos; above 1, a photo is unlike them).

        Raises:
            ImageTooSmall: The photos are smaller than the model accepts.
            TypeError: The pixels are no tensor.
            ValueError: They have another shape, are no floats, or there are none; or the weights are in half precision.
        """
        found = self._found(pixels, everything=True)
        return {name: values for name, values in found.items() if name != UNCLIPPED}

    def train(self, mode: bool = True) -> "QualityMetric":
        """Stay in evaluation mode."""
        return super().train(False)

    def _require_score(self) -> None:
        """Raise ValueError if the model predicts defects only."""
        if SCORE not in self.network.outputs:
            raise ValueError(f"{self.card.label} predicts defects only; use `outputs`")

    def _look_at_range(self, pixels: Tensor) -> None:
        """Warn if the first batch seems to have another range, such as 0 to 255 or -1 to 1, since it is then clipped."""
        if self._looked or torch.compiler.is_compiling():
            return
        self._looked = True  # once, as reading the value waits for the device
        clipped = float(((pixels < 0) | (pixels > 1)).float().mean())
        if clipped > _MANY:
            text = f"{clipped:.0%} of the values are outside 0 to 1 and are clipped"
            warnings.warn(f"{text}; divide 8-bit pixels by 255, and undo a normalisation, such as to -1 to 1", stacklevel=2)

    def _found(self, pixels: Tensor, *, everything: bool, checked: bool = True) -> dict[str, Tensor]:
        if not isinstance(pixels, Tensor):
            raise TypeError(f"pixels must be a tensor, not {type(pixels).__name__}; noref.Scorer scores files and arrays")
        if pixels.ndim != 4 or pixels.shape[1] != 3 or not pixels.is_floating_point():
            shape = " x ".join(map(str, pixels.shape))
            raise ValueError(f"pixels must be N x 3 x H x W floats from 0 to 1, not {shape} of {pixels.dtype}")
        if not len(pixels):
            raise ValueError("the batch is empty")
        height, width = pixels.shape[2:]
        if min(height, width) < self.card.shortest:
            cure = f"{self.card.label} needs at least {self.card.shortest} on each side"
            raise ImageTooSmall("<tensor>", f"{width} x {height} pixels", cure)
        if not everything:
            self._require_score()
        if checked:
            self._look_at_range(pixels)
        weight = next(self.network.buffers(), torch.zeros(()))
        if weight.dtype in (torch.float16, torch.bfloat16):
            raise ValueError(f"the weights are {weight.dtype}; keep them in single precision, and use torch.autocast")
        return self.network(pixels.to(weight.dtype), everything=everything, native=self.view == "native")


class QualityLoss(nn.Module):
    """A loss that falls as the predicted quality of photos rises: 1 minus a hundredth of the score.

    The score is not clipped to 0 to 100 here, so the loss of some models can be below 0 or above 1. Use it as a small term
    beside a loss that compares with the reference: alone, or with a large weight, a network learns patterns that raise the
    score and not the quality.

    Args:
        model: As of `QualityMetric`.
        view: As of `QualityMetric`.
        reduction: "mean" or "sum" of the batch, or "none" for a value for each photo.

    Attributes:
        metric: The `QualityMetric` whose score it takes.

    Raises:
        ModelError: As of `QualityMetric`.
        ValueError: There is no such view or reduction, or the model predicts defects only.

    Examples:
        >>> import torch
        >>> from noref.lab.torch import QualityLoss
        >>> loss = QualityLoss("fast", reduction="none")
        >>> photos = torch.rand(2, 3, 96, 128)
        >>> bool(torch.allclose(loss(photos), 1 - loss.metric(photos) / 100))
        True
    """

    def __init__(self, model: str | Path = card.DEFAULT, *, view: View = "common", reduction: Reduction = "mean") -> None:
        super().__init__()
        if reduction not in get_args(Reduction):
            raise ValueError(f"no reduction {reduction!r}; reductions are: {', '.join(get_args(Reduction))}")
        self.metric, self.reduction = QualityMetric(model, view=view), reduction
        self.metric._require_score()

    def forward(self, pixels: Tensor) -> Tensor:
        """The loss of photos; arguments and errors as of `QualityMetric`.

        Returns:
            A scalar, or N values if the reduction is "none"; lower is better.
        """
        losses = 1 - self.metric.unclipped(pixels) / 100
        if self.reduction == "none":
            return losses
        return losses.mean() if self.reduction == "mean" else losses.sum()
