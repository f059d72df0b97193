"""Pretrained networks cut before their classifier: convolutional networks and transformers of timm, and torchvision's AlexNet.

Maps of transformers come from timm's `forward_intermediates`. If all blocks have maps of the same shape, `TAPS` evenly spaced
blocks are taken. It is built with `dynamic_img_size`, so that its position embedding is interpolated to the
size of each image; transformers without that option are refused. Sides must be multiples of the patch size: for patches of 14
pixels set the option `dynamic_img_pad`.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn
from torchvision.models import AlexNet_Weights, alexnet

from noref.lab.errors import LabError
from noref.lab.lookup import lookup
from noref.lab.networks import weights as weight_files
from noref.lab.settings import Channels, NotNegative, PathText, settings

IMAGENET = "imagenet"  # as `weights`: downloaded from the public source of the network
TAPS = 4  # number of maps of a network without stages, such as a plain vision transformer


class Stage(NamedTuple):
    """One of the maps of a backbone: its number of channels, and the side of a cell in pixels of the photo."""

    channels: int
    reduction: int


class Backbone(nn.Module):
    """A network without its classifier: pixels to the maps of every stage, finest first.

    Args:
        name: "alexnet", or a network of timm.
        weights: None for random weights, "imagenet" to download the published ones, or a safetensors file (weights of a
            classifier in it are ignored).
        mean, std: Mean and standard deviation of pixels / 255 per channel, for normalisation; None for timm's values.
        options: Further arguments of `timm.create_model`, such as {"pad_type": "same"}.

    Attributes:
        stages: The maps that `forward` returns, in order. The last one is the network's final map; it is a vector (one cell)
            for networks that end in fully connected layers, such as AlexNet (fc7) and VGG.

    Raises:
        LabError: There is no network of that name (the message suggests similar names), it has no maps, or an option is
            unknown; `weights` is not a safetensors file or does not fit (the message names the keys); or the published weights
            cannot be downloaded.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        weights: str | Path | None = None,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        fetch = weights == IMAGENET
        self.body: Any = _AlexNet(fetch) if name == "alexnet" else _from_timm(name, fetch, dict(options or {}))
        facts: Any = self.body.pretrained_cfg
        for what, values in (("mean", mean or facts["mean"]), ("std", std or facts["std"])):
            if len(values) != 3:
                raise LabError(f"{what} needs a number for each of the three colour channels, not {list(values)}")
            self.register_buffer(what, torch.tensor(values)[:, None, None], persistent=False)
        self.eval()
        self._taps: list[int] | None = None  # indices of the blocks whose maps are taken; None for all
        # Whether the output of the network is added "after" the maps, replaces the last one ("instead"), or neither.
        self._last = "none"
        self.stages = self._tap(name)
        if weights is not None and not fetch:
            self.load(weights)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """uint8 N x H x W x 3 to float maps N x C x h x w, one for each of `stages`."""
        normalised = (pixels.permute(0, 3, 1, 2) / 255 - self.mean) / self.std
        last, maps = self.body.forward_intermediates(normalised, indices=self._taps, norm=self._last == "none")
        if self._last != "none":
            last = self.body.forward_head(last)
            maps = [*(maps if self._last == "after" else maps[:-1]), last]
        return [cells.float() for cells in maps]

    def load(self, weights: str | Path) -> None:
        """Load weights from a safetensors file.

        Raises:
            LabError: The file cannot be read, or its weights do not fit the network.
        """
        found = weight_files.read(weights)
        expected = {key: tensor for key, tensor in self.body.state_dict().items() if not key.endswith("num_batches_tracked")}
        missing = sorted(expected.keys() - found.keys())
        extra = sorted(key for key in found.keys() - expected.keys() if not _ignored(key))
        shaped = sorted(key for key in expected.keys() & found.keys() if expected[key].shape != found[key].shape)
        defects = [
            f"{len(keys)} {defect} ({', '.join(keys[:3])}{', …' if len(keys) > 3 else ''})"
            for defect, keys in (("missing", missing), ("unknown", extra), ("of another shape", shaped))
            if keys
        ]
        if defects:
            raise LabError(f"the weights in {weights} do not fit this network: {'; '.join(defects)}; are they for another?")
        self.body.load_state_dict({key: found[key] for key in expected}, strict=False)

    def save(self, weights: Path) -> None:
        """Write what `load` reads."""
        weight_files.write(self.body.state_dict(), weights)

    def freeze(self, stages: int) -> None:
        """Exclude the weights of the first stages from training.

        Raises:
            LabError: The network has fewer stages.
        """
        if stages > len(self.stages):
            raise LabError(f"{stages} stages cannot be frozen: the network has {len(self.stages)}")
        if stages:
            weights = list(self.parameters())
            last = self(torch.zeros(1, 64, 64, 3, dtype=torch.uint8))[stages - 1]
            used = torch.autograd.grad(last.sum(), weights, allow_unused=True)
            for weight, gradient in zip(weights, used, strict=True):
                weight.requires_grad_(gradient is None)

    def digest(self) -> str:
        """Hash of architecture, weights, normalisation and the blocks whose maps are taken."""
        taps = () if self._taps is None else (self._taps,)
        return weight_files.digest(self.body, self.mean.tolist(), self.std.tolist(), *taps)

    def policy(self) -> dict[str, Any]:
        """Everything that the maps of a photo depend on, for the policy of a `FeatureCache`."""
        return {"backbone": self.digest(), "stages": [list(stage) for stage in self.stages]}

    @torch.no_grad()
    def _tap(self, name: str, side: int = 256) -> list[Stage]:
        """Choose the maps by a dry run."""
        pixels = torch.zeros(1, 3, side, side)
        try:
            last, maps = self.body.forward_intermediates(pixels)
            last = self.body.forward_head(last)
            if len({cells.shape for cells in maps}) == 1 and len(maps) > TAPS:
                self._taps = [round(len(maps) * (tap + 1) / TAPS) - 1 for tap in range(TAPS)]
            # If the output is tokens, or has its channels last, the map of the last block is used instead.
            if last.ndim == 4 and last.shape[2] == last.shape[3] and last.shape[1] not in last.shape[2:]:
                self._last = "after" if last.shape[1] != maps[-1].shape[1] else "instead"
            maps = self(torch.zeros(1, side, side, 3, dtype=torch.uint8))
        except (AssertionError, AttributeError, TypeError) as error:
            cause = f"{name} gives no maps of images of any size ({error})"
            raise LabError(f"{cause}; choose a convolutional network, or a transformer with dynamic_img_size") from error
        return [Stage(cells.shape[1], round(side / cells.shape[2])) for cells in maps]


@settings
class BackboneConfig:
    """The pretrained network of a method."""

    name: str = "convnext_tiny"
    """Name of a timm network, or alexnet."""
    weights: PathText | None = None
    """Safetensors file; "imagenet" downloads the published weights; null for random ones."""
    mean: Channels | None = None
    """Mean of pixels / 255 per channel, for normalisation; null for timm's value."""
    std: Channels | None = None
    """Standard deviation of pixels / 255 per channel, for normalisation; null for timm's value."""
    options: dict[str, Any] | None = None
    """Further arguments of timm.create_model."""
    frozen: NotNegative = 0
    """Number of stages, from the first, whose weights stay as pretrained."""

    def build(self, pretrained: bool = True) -> Backbone:
        """Build the backbone, with random weights unless `pretrained`; raises as `Backbone`."""
        weights = self.weights if pretrained else None
        backbone = Backbone(self.name, weights, mean=self.mean, std=self.std, options=self.options)
        backbone.freeze(self.frozen)
        return backbone


def _ignored(key: str) -> bool:
    """Whether a key belongs to a classifier, or counts batches."""
    top = key.split(".", maxsplit=1)[0]
    return top in {"classifier", "classif", "fc", "head", "last_linear"} or key.endswith("num_batches_tracked")


@contextlib.contextmanager
def _fetching(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # no connection, or no disk space
        cure = "check the connection, or give a safetensors file"
        raise LabError(f"the published weights of {name} cannot be downloaded ({error}); {cure}") from error


def _from_timm(name: str, fetch: bool, options: dict[str, Any]) -> nn.Module:
    known = {known: known for known in timm.list_models()}
    lookup("backbone", name.split(".", maxsplit=1)[0], {**known, "alexnet": "alexnet"})

    def create(**more: Any) -> nn.Module:
        with _fetching(name):
            return timm.create_model(name, pretrained=fetch, **{"num_classes": 0, "global_pool": "", **more, **options})

    try:
        body = create()
        if hasattr(body, "patch_embed") and "dynamic_img_size" not in options:
            with contextlib.suppress(TypeError):  # the architecture has no such option
                body = create(dynamic_img_size=True)
    except (AssertionError, RuntimeError, TypeError) as error:  # an unknown tag or option, or no weights published
        raise LabError(f"timm cannot build {name} as requested: {error}; change the name or its options") from error
    return body


class _AlexNet(nn.Module):
    """torchvision's AlexNet up to fc7, with the interface of timm's networks."""

    pretrained_cfg: Mapping[str, Sequence[float]] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}

    def __init__(self, fetch: bool) -> None:
        super().__init__()
        with _fetching("alexnet"):
            whole = alexnet(weights=AlexNet_Weights.IMAGENET1K_V1 if fetch else None)
        self.features, self.avgpool, self.classifier = whole.features, whole.avgpool, whole.classifier[:6]
        for layer in (*self.features, *self.classifier):
            if isinstance(layer, nn.ReLU):
                layer.inplace = False

    def forward_intermediates(self, pixels: Tensor, **_: Any) -> tuple[Tensor, list[Tensor]]:
        maps = []
        for layer in self.features:
            pixels = layer(pixels)
            if isinstance(layer, nn.ReLU):
                maps.append(pixels)
        return pixels, maps

    def forward_head(self, cells: Tensor) -> Tensor:
        return self.classifier(self.avgpool(cells).flatten(1))[:, :, None, None]

    def forward(self, pixels: Tensor) -> Tensor:
        return self.forward_head(self.forward_intermediates(pixels)[0])
