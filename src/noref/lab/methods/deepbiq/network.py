"""DeepBIQ as one module: crops, backbone, pooling of maps and of crops, regressor."""

import torch
from torch import Tensor

from noref.lab.methods.deepbiq.pooling import Pooling, pool
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.crops import CELL, Crops
from noref.lab.networks.heads import Head
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.networks.pooling import Features, describe, shares


class DeepBiq(OutputNetwork):
    """Photos at working size, sides multiples of 16, to score and quality map.

    Args:
        backbone: Computes the maps of each crop.
        crops: The crops to take; None for the whole photo.
        features: How the maps of a crop are pooled to a vector.
        pooling: How the vectors or scores of several crops become one score.
        head: Regressor fitted to these vectors.
    """

    def __init__(self, backbone: Backbone, crops: Crops | None, features: Features, pooling: Pooling, head: Head) -> None:
        super().__init__()
        self.backbone, self.crops, self.head = backbone, crops, head
        self.features, self.pooling = features, pooling

    def forward(self, working: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 1 x H x W x 3 to score (1) and quality map (1 x H / 16 x W / 16), on the MOS scaled to [0, 1]."""
        height, width = working.shape[1] // CELL, working.shape[2] // CELL
        grid = (height, width) if self.crops is None else (self.crops.side // CELL,) * 2
        maps = self.backbone(cut(working[0], self.crops))
        vectors = describe(maps, self.features)
        score, slope = self.score(vectors)
        slope = slope * vectors.shape[0]  # as if every crop were the photo
        over_crops = (slope * (vectors - vectors.mean(dim=0))).sum(dim=1)
        quality = score + over_crops[:, None, None] + shares(maps, slope, self.features, grid)
        if self.crops is not None:
            quality = self.crops.lay(quality, height, width, score)[None]
        return score[None], quality

    def outputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """`score` and `map` of one image."""
        score, quality = self(pixels)
        return {"score": score, "map": quality}

    def score(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """The score of a photo from the vectors of its crops, count x D, and its gradient with respect to them."""
        return pool(vectors, self.head, self.pooling)


def cut(photo: Tensor, crops: Crops | None) -> Tensor:
    """The crops of a photo (H x W x 3), count x side x side x 3; without `crops`, the whole photo as the only one."""
    return photo[None] if crops is None else crops.cut(photo)


@torch.inference_mode()
def vectors_of(photo: Tensor, crops: Crops | None, backbone: Backbone, features: Features, precision: str) -> Tensor:
    """The feature vectors of a photo (H x W x 3) at working size, float, count x D.

    Args:
        photo: uint8.
        crops: As for `DeepBiq`.
        backbone: As for `DeepBiq`.
        features: As for `DeepBiq`.
        precision: "32-true", or "bf16-mixed" to let the backbone compute in bfloat16.
    """
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
        maps = backbone(cut(photo, crops))
    return describe(maps, features)
