"""Networks that were trained for something else, cut before their classifier.

They come by name from timm (convolutional ones: `convnext_*`, `inception_resnet_v2`, `mobilenetv2_100`, `resnet50`,
`efficientnet_*` and many more), and AlexNet from torchvision, which paper 003 stands on.
"""

import contextlib
import hashlib
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

IMAGENET = "imagenet"  # as weights: fetched from the network's public source, which needs a connection


class Stage(NamedTuple):
    """One of the maps that a backbone gives: its channels, and the pixels of the photo that a cell spans on a side."""

    channels: int
    reduction: int


class Backbone(nn.Module):
    """Pixels to the maps after every stage, finest first.

    Args:
        name: "alexnet", or a convolutional network of timm's.
        weights: None for random ones, "imagenet" to fetch the published ones, or a safetensors file; a classifier in it is
            passed over.
        mean, std: Of the pixels over 255, per channel; None for what the network was trained with, by timm's account.
        options: More arguments for `timm.create_model`, such as {"pad_type": "same"}.

    Attributes:
        stages: What `forward` returns, in order. The last is the network's own last map: a vector (one cell) where it ends
            in fully connected layers, as AlexNet (fc7) and VGG do.

    Raises:
        LabError: There is no network of that name (the message suggests near names), it gives no maps (a transformer), or timm
            takes no such option; `weights` is no safetensors file or does not fit (the message names the keys), or the
            published weights cannot be fetched.
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
        self.body, usual_mean, usual_std, tapped = (
            _alexnet(fetch) if name == "alexnet" else _from_timm(name, fetch, dict(options or {}))
        )
        for what, values in (("mean", mean or usual_mean), ("std", std or usual_std)):
            if len(values) != 3:
                raise LabError(f"{what} needs a number for each of the three colour channels, not {list(values)}")
            self.register_buffer(what, torch.tensor(values)[:, None, None], persistent=False)
        self._maps: list[Tensor] = []
        self.eval()
        self.stages = self._tap(name, tapped)
        if weights is not None and not fetch:
            self.load(weights)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """uint8 N x H x W x 3 to float maps N x C x h x w, one for each of `stages`."""
        self._maps = []
        last = self.body((pixels.permute(0, 3, 1, 2) / 255 - self.mean) / self.std)
        maps, self._maps = [*self._maps, last], []
        return [cells.float() for cells in maps]

    def load(self, weights: str | Path) -> None:
        """Take over weights from a safetensors file.

        Raises:
            LabError: The file cannot be read, or its weights do not fit.
        """
        found = weight_files.read(weights)
        wanted = {key: tensor for key, tensor in self.body.state_dict().items() if not key.endswith("num_batches_tracked")}
        missing = sorted(wanted.keys() - found.keys())
        extra = sorted(key for key in found.keys() - wanted.keys() if not _passed_over(key))
        shaped = sorted(key for key in wanted.keys() & found.keys() if wanted[key].shape != found[key].shape)
        defects = [
            f"{len(keys)} {defect} ({', '.join(keys[:3])}{', …' if len(keys) > 3 else ''})"
            for defect, keys in (("missing", missing), ("unknown", extra), ("of another shape", shaped))
            if keys
        ]
        if defects:
            raise LabError(f"the weights in {weights} do not fit this network: {'; '.join(defects)}; are they of another one?")
        self.body.load_state_dict({key: found[key] for key in wanted}, strict=False)

    def save(self, weights: Path) -> None:
        """Write what `load` reads."""
        weight_files.write(self.body.state_dict(), weights)

    def digest(self) -> str:
        """Of architecture, weights and pixel scaling: two backbones that share it see alike."""
        found = hashlib.sha256(repr((self.body, self.mean.tolist(), self.std.tolist())).encode())
        for tensor in self.body.state_dict().values():
            found.update(tensor.cpu().numpy().tobytes())
        return found.hexdigest()[:16]

    def _keep(self, _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self._maps.append(output.clone() if isinstance(_module, nn.ReLU) else output)

    @torch.no_grad()
    def _tap(self, name: str, modules: Sequence[str], side: int = 256) -> list[Stage]:
        """Listen to the modules that end a stage, and see by a dry run what they give."""
        try:
            for module in modules:
                self.body.get_submodule(module).register_forward_hook(self._keep)
            maps = self(torch.zeros(1, side, side, 3, dtype=torch.uint8))
        except (AssertionError, AttributeError):  # some transformers take one size only; a few networks branch between stages
            maps = []
        # A square photo has square maps; where height and width are not last, channels stand in a side's place.
        if not maps or any(cells.ndim != 4 or cells.shape[2] != cells.shape[3] for cells in maps):
            raise LabError(f"{name} gives no maps of N x C x h x w, as only convolutional networks do; choose one of those")
        return [Stage(cells.shape[1], round(side / cells.shape[2])) for cells in maps]


@torch.no_grad()
def average(backbone: Backbone, other: Backbone) -> None:
    """Move a backbone's weights half of the way to another's, in place.

    Networks tuned from the same start lie near enough to be averaged (Wortsman et al., "Model soups", ICML 2022). Statistics of
    batch norms are left alone: both must have kept those that they started with.
    """
    for weight, theirs in zip(backbone.parameters(), other.parameters(), strict=True):
        weight.lerp_(theirs, 0.5)


def _passed_over(key: str) -> bool:
    """Whether a key belongs to a classifier, or counts batches."""
    top = key.split(".", maxsplit=1)[0]
    return top in {"classifier", "classif", "fc", "head", "last_linear"} or key.endswith("num_batches_tracked")


Built = tuple[nn.Module, Sequence[float], Sequence[float], list[str]]


@contextlib.contextmanager
def _fetching(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # no connection, or no room
        cure = "check the connection, or give a safetensors file"
        raise LabError(f"the published weights of {name} cannot be fetched ({error}); {cure}") from error


def _from_timm(name: str, fetch: bool, options: dict[str, Any]) -> Built:
    known = {known: known for known in timm.list_models()}
    lookup("backbone", name.split(".", maxsplit=1)[0], {**known, "alexnet": "alexnet"})
    try:
        with _fetching(name):
            body = timm.create_model(name, pretrained=fetch, **{"num_classes": 0, "global_pool": "", **options})
    except (AssertionError, RuntimeError, TypeError) as error:  # an unknown tag or option, no weights published, no maps
        raise LabError(f"timm cannot build {name} as asked: {error}; change the name or its options") from error
    facts: Any = body.pretrained_cfg
    stages: Any = getattr(body, "feature_info", [])
    # The last stage is the last map itself, unless the network widens it once more, as MobileNet's and VGG do.
    tapped = [stage["module"] for stage in stages if stage["module"] and stage is not stages[-1]]
    if stages and stages[-1]["num_chs"] != getattr(body, "head_hidden_size", body.num_features):
        tapped.append(stages[-1]["module"])
    return body, facts["mean"], facts["std"], tapped


class _AlexNet(nn.Module):
    """torchvision's, up to fc7."""

    def __init__(self, fetch: bool) -> None:
        super().__init__()
        with _fetching("alexnet"):
            whole = alexnet(weights=AlexNet_Weights.IMAGENET1K_V1 if fetch else None)
        self.features, self.avgpool, self.classifier = whole.features, whole.avgpool, whole.classifier[:6]
        for layer in (*self.features, *self.classifier):
            if isinstance(layer, nn.ReLU):
                layer.inplace = False

    def forward(self, pixels: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(pixels)).flatten(1))[:, :, None, None]


def _alexnet(fetch: bool) -> Built:
    after_each_convolution = [f"features.{index}" for index in (1, 4, 7, 9, 11)]
    return _AlexNet(fetch), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), after_each_convolution
