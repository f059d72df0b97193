"""Whole photos as the last heads read them: what describes each, and what is known of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from noref.lab.datasets.rated import RatedImages
from noref.lab.distortions.chains import FAMILIES, HIGHEST
from noref.lab.methods.unified.network import FEATURES, last_vectors
from noref.lab.methods.unified.refit_heads import FeatureSet
from noref.lab.networks import color_histogram
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.cache import FeatureCache, Pixels, Vectors
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.training.photos import Photos
from noref.lab.training.vectors import photo_vectors


@dataclass(frozen=True)
class WholePhotos:
    """How whole photos are looked at, one at a time.

    Always in single precision, as by the model that is exported: in bfloat16 plain pictures come out far from where they are.

    Attributes:
        backbone: On the processor, in evaluation mode.
        size: How photos come to the network.
        cache: Folder that keeps what describes photos on disk; None for none.
    """

    backbone: Backbone
    size: WorkingSize
    cache: str | Path | None

    def vectors(self, paths: Sequence[Path]) -> Vectors:
        """Of n photos on disk, n x D; as `network.last_vectors`, but kept.

        Raises:
            ImageError: A photo cannot be read, or is smaller than `size` allows.
        """

        def measure(pixels: Pixels) -> Vectors:
            found: Vectors = color_histogram.color_histogram(torch.from_numpy(working_pixels(pixels, self.size))[None]).numpy()
            return found

        policy = {"color_histogram": color_histogram.VERSION, "size": asdict(self.size)}
        measured = FeatureCache(self.cache).vectors(paths, policy, measure)
        seen = photo_vectors(self.backbone, FEATURES, self.size, paths, "32-true", self.cache)
        return np.hstack([seen, measured[:, 0]])

    def rated(self, rated: RatedImages) -> FeatureSet:
        """Photos whose opinions are known, and nothing of their defects; raises what `vectors` does."""
        unknown = torch.full((len(rated), len(FAMILIES), HIGHEST), torch.nan)
        return FeatureSet(torch.from_numpy(self.vectors(rated.paths)), torch.from_numpy(rated.unit_mos).float(), unknown)

    def made(self, made: Photos, folder: Path, draws: int = 1) -> FeatureSet:
        """Photos that are made anew in each of some draws, one draw after the other; finished ones are kept in `folder`.

        They depend on the backbone, which their names contain, and on the photos, the seed and this code.
        """
        known = []
        for draw in range(draws):
            file = folder / f"{self.backbone.digest()}-{draw}.safetensors"
            if not file.is_file():
                folder.mkdir(parents=True, exist_ok=True)
                save_file(self._draw(made, draw)._asdict(), file.with_suffix(".half"))
                file.with_suffix(".half").replace(file)
            known.append(FeatureSet(**load_file(file)))
        return FeatureSet(*(torch.cat(values) for values in zip(*known, strict=True)))

    @torch.inference_mode()
    def _draw(self, made: Photos, draw: int) -> FeatureSet:
        known = []
        for index in range(len(made)):
            pixels, truth = made[draw, index]
            vectors = last_vectors(self.backbone(pixels[None]), pixels[None])
            known.append(FeatureSet(vectors[0], truth.mos, truth.answers))
        return FeatureSet(*(torch.stack(values) for values in zip(*known, strict=True)))
