"""Networks that assess patches of 32 x 32 pixels: photos are cut into a grid of patches that do not overlap."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noref.lab.networks.outputs import OutputNetwork

SIDE = 32  # pixels on each side of a patch


class PatchPrediction(NamedTuple):
    """Predictions for N photos of P patches each.

    Attributes:
        score: N, on the MOS scaled to [0, 1], higher is better.
        quality: N x P, the same for each patch.
        weight: N x P, the weight of each patch in the score, positive; None if all are equal.
        types: N x P x K, logits of the types of distortion; None without them.
    """

    score: Tensor
    quality: Tensor
    weight: Tensor | None = None
    types: Tensor | None = None


class PatchNetwork(OutputNetwork):
    """A network for patches; subclasses define `prepare`, `assess` and `output`.

    In training, `forward` takes patches cut at random places; for a whole photo, `on_grid` cuts it. Both give a patch the same
    surroundings, so that the results agree.

    Attributes:
        margin: Pixels around a patch that `prepare` consumes; at the edges of a photo, they are replicated.
        output: The layer that predicts the score of a patch or photo; its bias is initialised to the mean MOS.
    """

    margin: ClassVar[int] = 0
    output: nn.Linear

    @abstractmethod
    def prepare(self, planes: Tensor) -> Tensor:
        """Photos (N x 3 x (H + 2 margin) x (W + 2 margin), 0 to 255) to the input of the network (N x C x H x W)."""

    @abstractmethod
    def assess(self, patches: Tensor) -> PatchPrediction:
        """Predictions for N x P x C x 32 x 32 prepared patches."""

    def forward(self, patches: Tensor) -> PatchPrediction:
        """Predictions for patches with their margins: uint8, N x P x (32 + 2 margin) x (32 + 2 margin) x 3."""
        prepared = self.prepare(as_planes(patches.flatten(0, 1)))
        return self.assess(torch.unflatten(prepared, 0, patches.shape[:2]))

    def on_grid(self, pixels: Tensor) -> PatchPrediction:
        """Predictions for whole photos: uint8, N x H x W x 3, H and W multiples of 32; P is H / 32 x W / 32, row by row."""
        prepared = self.prepare(F.pad(as_planes(pixels), [self.margin] * 4, mode="replicate"))
        return self.assess(cut(prepared))

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`score`; `map`, whose cells are the patches of `on_grid`; with types, `defects`: their probabilities, averaged."""
        found = self.on_grid(pixels)
        cells = torch.unflatten(found.quality, 1, (pixels.shape[1] // SIDE, pixels.shape[2] // SIDE))
        named = {"score": found.score, "map": cells}
        return named if found.types is None else {**named, "defects": found.types.softmax(dim=2).mean(dim=1)}


def cut(planes: Tensor) -> Tensor:
    """The patches of a grid, row by row: N x C x H x W, H and W multiples of 32, to N x (H / 32 x W / 32) x C x 32 x 32."""
    rows, columns = planes.shape[2] // SIDE, planes.shape[3] // SIDE
    cells = torch.unflatten(torch.unflatten(planes, 3, (columns, SIDE)), 2, (rows, SIDE))
    return cells.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)


def luma(planes: Tensor) -> Tensor:
    """The luma (BT.601) of RGB planes: N x 3 x H x W to N x 1 x H x W, on the same scale."""
    red, green, blue = planes.unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]


def local_normalisation(gray: Tensor, taps: Sequence[float], constant: float) -> Tensor:
    """(I - mean) / (deviation + constant), with mean and standard deviation weighted over a window around each pixel.

    Args:
        gray: N x 1 x H x W, 0 to 255.
        taps: The separable weights of the window along one side, an odd number; their sum is 1.
        constant: Added to the standard deviation, in grey levels.

    Returns:
        N x 1 x (H - n + 1) x (W - n + 1) for n taps: pixels without a full window are dropped.
    """
    border = len(taps) // 2
    centred = gray - 128  # smaller numbers lose less precision when squared
    mean = filtered(centred, taps)
    deviation = (filtered(centred.square(), taps) - mean.square()).clamp(min=0).sqrt()
    return (centred[..., border:-border, border:-border] - mean) / (deviation + constant)


def filtered(values: Tensor, taps: Sequence[float]) -> Tensor:
    """Filter along both sides with n taps, without padding: ... x H x W to ... x (H - n + 1) x (W - n + 1)."""
    # Sums of shifted photos, not convolutions, which mixed precision would round to three digits.
    for axis in (-2, -1):
        length = values.shape[axis] - len(taps) + 1
        values = torch.stack([tap * values.narrow(axis, start, length) for start, tap in enumerate(taps)]).sum(dim=0)
    return values


def as_planes(pixels: Tensor) -> Tensor:
    """Pixels (uint8, N x H x W x 3) as planes (N x 3 x H x W, 0 to 255)."""
    return pixels.permute(0, 3, 1, 2).float()
