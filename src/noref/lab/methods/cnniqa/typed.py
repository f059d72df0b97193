"""Training data and loss of CNNIQA++: patches with a MOS, a type of distortion, or both."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from noref.lab.datasets.rated import RatedImages
from noref.lab.networks.patches import SIDE
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.pairs import DistortedPairs
from noref.lab.training.patches import PatchModule, RatedPatches, random_patches
from noref.lab.training.working import Shape

UNKNOWN = -1  # the type of rated photos without one
LEVELS = (1, 3, 5)  # of the distortions of pristine photos
SHARE = 0.5  # of the loss of types; the rest is that of scores


class TypedPatches(RatedPatches):
    """Random patches of rated photos, and of pristine photos under every type at three levels: patches, MOS (or NaN), type.

    Args:
        rated, size, count, margin, seed: As for `RatedPatches`.
        types: Names of the types; an item has the index of its type, or `UNKNOWN`.
        pristine: The pristine photos; if there are none, the types of the rated photos are used.
    """

    def __init__(
        self,
        rated: RatedImages,
        types: Sequence[str],
        pristine: Sequence[Path],
        size: WorkingSize,
        count: int,
        margin: int,
        seed: int,
    ) -> None:
        super().__init__(rated, size, count, margin, seed)
        kinds = [UNKNOWN] * len(rated)
        if not pristine:
            places = {name: place for place, name in enumerate(types)}
            kinds = [places.get(name, UNKNOWN) for name in rated.table["type"]]
        self.pairs = DistortedPairs(pristine, types if pristine else (), size, seed=seed, levels=LEVELS)
        self.kinds = kinds + [types.index(distortion.name) for _, distortion, _ in self.pairs.pairs]

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, place: tuple[int, int]) -> tuple[Tensor, Tensor, int]:  # type: ignore[override]
        epoch, index = place
        kind, rated = self.kinds[index], len(self.paths)
        if index < rated:
            return *super().__getitem__(place), kind
        _, distorted = self.pairs[epoch, index - rated]
        patches = random_patches(distorted.numpy(), self.count, self.margin, np.random.default_rng((self.seed, *place)))
        return patches, torch.tensor(torch.nan), kind

    def shapes(self) -> list[Shape]:
        """As for `RatedPatches`."""
        self.pairs.shapes()  # checks the pristine photos, and lets worker processes share them
        return super().shapes() + [(SIDE, SIDE)] * len(self.pairs)


class TypedModule(PatchModule):
    """Train CNNIQA++: the mean absolute error of the scores and the cross-entropy of the types of patches, half each."""

    def loss(self, batch: list[Tensor]) -> Tensor:
        patches, mos, kind = batch
        found = self.network(patches)
        rated, typed = ~mos.isnan(), kind != UNKNOWN
        errors = (found.quality[rated] - mos[rated, None]).abs()
        surprise = -found.types[typed].log_softmax(dim=2)[torch.arange(int(typed.sum())), :, kind[typed]]
        return (1 - SHARE) * _mean(errors) + SHARE * _mean(surprise)


def _mean(values: Tensor) -> Tensor:
    """The mean; 0 of no values."""
    return values.sum() / max(values.numel(), 1)
