"""Pooled features of whole photos, extracted with the backbone in its current state."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from noref.lab.arrays import Pixels, Vectors
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.cache import FeatureCache
from noref.lab.networks.pooling import Features, describe
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.training.precision import fast_precision


class Views(NamedTuple):
    """Versions of each photo whose features are extracted instead of those of the photo itself.

    Attributes:
        make: Makes k versions (uint8, H x W x 3 each) of a photo at working size.
        facts: Everything that the versions depend on apart from the photo, JSON-serialisable.
    """

    make: Callable[[Pixels], Iterable[Pixels]]
    facts: Any


def photo_vectors(
    backbone: Backbone,
    features: Features,
    size: WorkingSize,
    paths: Sequence[Path],
    precision: str,
    cache: str | Path | None,
    views: Views | None = None,
) -> Vectors:
    """Feature vectors of photos at working size, n x D; or of k views of each photo, nk x D, grouped by photo.

    Args:
        backbone: In evaluation mode and on the CPU afterwards, also after an error.
        features: Kind of features.
        size: The size policy.
        paths: n photos.
        precision: "bf16-mixed" lets the backbone compute in bfloat16 where that is fast; else, it computes in single precision.
        cache: Folder of the feature cache; None for none.
        views: Versions of each photo; None for the photos themselves.

    Raises:
        ImageError: A photo cannot be read, or is smaller than `size` allows.
    """
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    precision = fast_precision(precision)
    policy: dict[str, Any] = {
        **backbone.policy(),
        "size": asdict(size),
        "crops": None,
        "features": features,
        "precision": precision if device.type == "cpu" else f"{precision} on {device.type}",
    }

    if views is not None:
        policy["views"] = views.facts

    @torch.inference_mode()
    def extract(pixels: Pixels) -> Vectors:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
            vectors: Vectors = describe(backbone(torch.from_numpy(pixels)[None].to(device)), features).cpu().numpy()
        return vectors

    def compute(pixels: Pixels) -> Vectors:
        working = working_pixels(pixels, size)
        return np.concatenate([extract(view) for view in ([working] if views is None else views.make(working))])

    backbone.eval().to(device)
    try:
        found = FeatureCache(cache).vectors(paths, policy, compute)
    finally:
        backbone.cpu()
    return found.reshape(-1, found.shape[-1])


def vectors_by(
    describe: Callable[[Tensor], Tensor],
    size: WorkingSize,
    paths: Sequence[Path],
    cache: str | Path | None,
    facts: Mapping[str, Any],
) -> Vectors:
    """One vector of each photo at working size, n x D, by any function of its pixels; on the CPU in single precision.

    Args:
        describe: uint8 1 x H x W x 3 to 1 x D.
        size: The size policy.
        paths: n photos.
        cache: Folder of the feature cache; None for none.
        facts: Everything that the vectors depend on apart from the photos, JSON-serialisable.

    Raises:
        ImageError: A photo cannot be read, or is smaller than `size` allows.
    """

    @torch.inference_mode()
    def compute(pixels: Pixels) -> Vectors:
        found: Vectors = describe(torch.from_numpy(working_pixels(pixels, size))[None]).numpy()
        return found

    return FeatureCache(cache).vectors(paths, facts, compute)[:, 0]
