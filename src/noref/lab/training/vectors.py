"""What describes whole photos, by a backbone as it is now: the inputs of a head that is fitted before anything else."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.cache import FeatureCache, Pixels, Vectors
from noref.lab.networks.pooling import Features, describe
from noref.lab.preprocessing import WorkingSize, working_pixels


class Views(NamedTuple):
    """What to look at instead of each photo.

    Attributes:
        make: A photo at working size to k versions of it (uint8, H x W x 3 each).
        facts: What they depend on in addition to the photo, as JSON can hold it.
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
    """Vectors of photos at working size, n x D; or of k views of each, n k x D, those of a photo together.

    Args:
        backbone: Left in evaluation mode, on the processor, also after an error.
        features: What describes a photo.
        size: How photos come to the network.
        paths: n photos.
        precision: "bf16-mixed" lets the backbone compute in bfloat16; all others in single precision.
        cache: Folder that keeps the vectors; None for none.
        views: What to look at; None for the photos themselves.

    Raises:
        ImageError: A photo cannot be read, or is smaller than `size` allows.
    """
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    policy: dict[str, Any] = {
        "backbone": backbone.digest(),
        "stages": [list(stage) for stage in backbone.stages],
        "size": asdict(size),
        "crops": None,
        "features": features,
        "precision": precision if device.type == "cpu" else f"{precision} on {device.type}",
    }

    if views is not None:
        policy["views"] = views.facts

    @torch.inference_mode()
    def look(pixels: Pixels) -> Vectors:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
            vectors: Vectors = describe(backbone(torch.from_numpy(pixels)[None].to(device)), features).cpu().numpy()
        return vectors

    def compute(pixels: Pixels) -> Vectors:
        working = working_pixels(pixels, size)
        return np.concatenate([look(view) for view in ([working] if views is None else views.make(working))])

    backbone.eval().to(device)
    try:
        found = FeatureCache(cache).vectors(paths, policy, compute)
    finally:
        backbone.cpu()
    return found.reshape(-1, found.shape[-1])
