"""Meta-learning over tasks, one for each type of distortion (Zhu et al. 2020, section 3.2)."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset

from noref.lab import distortions
from noref.lab.arrays import Pixels
from noref.lab.methods.metaiqa.network import MetaIqaNetwork
from noref.lab.preprocessing import WorkingSize
from noref.lab.settings import Positive, Rate, settings
from noref.lab.training.finetuning import OptimizerConfig, ScoreModule
from noref.lab.training.loop import Schedule
from noref.lab.training.losses import Loss
from noref.lab.training.photos import crop_at_random
from noref.lab.training.working import WorkingPhotos

LEVELS = 5
Task = tuple[Tensor, Tensor, Tensor, Tensor]
"""Pixels and targets of the support images, then those of the query images."""


@settings
class MetaSchedule(Schedule):
    """Meta-learning; an epoch has every task once. With 0 epochs, it is left out."""

    batch: Positive = 5
    """Tasks in a meta step."""
    accumulate: Literal[1] = 1
    """Always 1, since the mean over the tasks of a batch takes its place."""
    support: Positive = 75
    """Images of a task in its first step."""
    query: Positive = 50
    """Images of a task in its second step."""
    side: Positive = 256
    """Side of the squares that pristine images are resized to before they are distorted."""
    head_lr: Rate = 1e-2
    """Learning rate of the head within a task."""
    backbone_lr: Rate = 1e-4
    """Learning rate of the backbone within a task."""


class DistortionTasks(Dataset[Task]):
    """One task for each type of distortion: support and query images of different photos, each photo at a random level.

    Indexed by (epoch, task). Everything random depends on seed, epoch and type only. The target of an image falls evenly with
    its level, from .9 at level 1 to .1 at level 5. Where there are enough photos, no photo is in both parts.

    Args:
        paths: Pristine photos, at least two.
        types: Names of distortions.
        schedule: Number and size of images.
        crop: Side of the random crops of each image, mirrored at random.
        seed: Random seed.
    """

    def __init__(self, paths: Sequence[Path], types: Sequence[str], schedule: MetaSchedule, crop: int, seed: int) -> None:
        self.paths, self.schedule, self.crop, self.seed = list(paths), schedule, crop, seed
        self.types = [distortions.get(name) for name in types]
        self.photos = WorkingPhotos(WorkingSize(schedule.side**2, 1))
        self.photos.use(self.paths, 2)  # each is needed many times

    def __len__(self) -> int:
        return len(self.types)

    def __getitem__(self, place: tuple[int, int]) -> Task:
        epoch, index = place
        distortion = self.types[index]
        key = hashlib.sha256(distortion.name.encode()).digest()[:8]
        rng = np.random.default_rng((self.seed, epoch, int.from_bytes(key, "big")))
        order = rng.permutation(len(self.paths))
        half = max(1, len(order) * self.schedule.support // (self.schedule.support + self.schedule.query))
        parts: list[Tensor] = []
        for photos, count in ((order[:half], self.schedule.support), (order[half:], self.schedule.query)):
            levels = rng.integers(1, LEVELS + 1, count)
            images = [
                distortion(self._square(self.paths[photo]), level, rng)
                for photo, level in zip(np.resize(photos, count), levels.tolist(), strict=True)
            ]
            parts.append(torch.from_numpy(np.stack([crop_at_random([image], self.crop, rng)[0] for image in images])))
            parts.append(torch.from_numpy(1 - (levels - 0.5) / LEVELS).float())
        return parts[0], parts[1], parts[2], parts[3]

    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of the images of each task."""
        return [(self.crop, self.crop)] * len(self)

    def _square(self, path: Path) -> Pixels:
        side = self.schedule.side
        return np.asarray(Image.fromarray(self.photos.pixels(path)).resize((side, side), Image.Resampling.BICUBIC))


def meta_step(network: nn.Module, tasks: Iterable[Task], loss: Loss, optimizer: Any) -> Tensor:
    """Move the weights by the mean displacement that the tasks cause, each starting from the same weights.

    Within a task, the optimizer takes one step on the support images, and from there one on the query images. The gradients are
    of first order: the second step does not differentiate through the first one, as in the paper.

    Args:
        network: Pixels N x H x W x 3 to scores N.
        tasks: At least one.
        loss: Loss of scores and targets.
        optimizer: Of the weights of the network that are trained.

    Returns:
        The mean loss of the query images, each after the first step of its task.
    """
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    start = [weight.detach().clone() for weight in weights]
    moved = [torch.zeros_like(weight) for weight in start]
    losses = []
    for support, support_mos, query, query_mos in tasks:
        _restore(weights, start)
        for pixels, mos in ((support, support_mos), (query, query_mos)):
            optimizer.zero_grad()
            error = loss(network(pixels), mos)
            error.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        losses.append(error.detach())
        moved = [total + weight.detach() - before for total, weight, before in zip(moved, weights, start, strict=True)]
    _restore(weights, [before + total / len(losses) for before, total in zip(start, moved, strict=True)])
    return torch.stack(losses).mean()


@torch.no_grad()
def _restore(weights: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)


class MetaModule(ScoreModule):
    """Meta-learning on batches of tasks; logs `val_loss` and `val_srcc` of rated photos, which were not trained on."""

    def __init__(self, network: MetaIqaNetwork, schedule: MetaSchedule) -> None:
        super().__init__(network, {"mse": 1.0}, OptimizerConfig())
        self.schedule = schedule
        self.automatic_optimization = False

    def training_step(self, batch: list[Tensor], _: int) -> None:  # type: ignore[override]
        loss = meta_step(self.network, zip(*batch, strict=True), self.loss, self.optimizers())
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch[0]), prog_bar=True)

    def configure_optimizers(self) -> Any:
        head = [*self.network.get_submodule("head").parameters()]
        backbone = [weight for weight in self.network.backbone.parameters() if weight.requires_grad]
        groups: list[dict[str, Any]] = [{"params": head, "lr": self.schedule.head_lr}, {"params": backbone}]
        return torch.optim.Adam(groups, lr=self.schedule.backbone_lr)
