"""Fine-tuning as a Lightning module, whatever is predicted: the same in one process and in many."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import lightning.pytorch as pl
import torch
from timm.optim import param_groups_layer_decay  # type: ignore[attr-defined]
from torch import Tensor

from noref.lab.lookup import lookup
from noref.lab.networks.pooled import PooledNetwork

Loss = Callable[[Tensor, Tensor], Tensor]
"""Of what the network says of N photos, and what it should say."""

OPTIMIZERS: Mapping[str, type[torch.optim.Optimizer]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights move.

    Attributes:
        optimizer: "adam" or "adamw".
        head_lr: Learning rate of all heads, at its highest.
        backbone_lr: The same of the backbone's last layer.
        layer_decay: What the rate is multiplied by from each layer to the one before it (timm's grouping; 1 for alike).
        weight_decay: Of all weights that are matrices or kernels, and of the heads'.
        warm_up: Share of all steps in which the rates rise from 0; after it they fall back to 0 along half a cosine.
        heads: Rates of single heads, by their names in the network, in the place of `head_lr`.
    """

    optimizer: str = "adamw"
    head_lr: float = 1e-4
    backbone_lr: float = 1e-4
    layer_decay: float = 1.0
    weight_decay: float = 0.05
    warm_up: float = 0.1
    heads: Mapping[str, float] = field(default_factory=dict)


class FineTuningModule(pl.LightningModule):
    """Small steps for the backbone, larger ones for the heads; what is learned is the subclass's.

    Raises:
        LabError: There is no optimizer of that name.
    """

    def __init__(self, network: PooledNetwork, steps: OptimizerConfig) -> None:
        super().__init__()
        self.network, self.steps = network, steps
        self.optimizer = lookup("optimizer", steps.optimizer, OPTIMIZERS)

    def configure_optimizers(self) -> Any:
        steps = self.steps
        groups: list[dict[str, Any]] = []
        for name, head in self.network.named_children():
            if name != "backbone":
                rate = steps.heads.get(name, steps.head_lr)
                for decay, bias in ((steps.weight_decay, False), (0.0, True)):
                    weights = [weight for key, weight in head.named_parameters() if key.endswith("bias") == bias]
                    groups.append({"params": weights, "lr": rate, "weight_decay": decay})
        body = param_groups_layer_decay(
            self.network.backbone.body, weight_decay=steps.weight_decay, layer_decay=steps.layer_decay
        )
        groups += [
            {"params": group["params"], "lr": steps.backbone_lr * group["lr_scale"], "weight_decay": group["weight_decay"]}
            for group in body
        ]
        optimizer = self.optimizer(groups, lr=steps.head_lr)  # type: ignore[call-arg]
        total = int(self.trainer.estimated_stepping_batches)
        return warm_up_and_cosine(optimizer, total, round(steps.warm_up * total))


class PredictionModule(FineTuningModule):
    """Predict what comes with each photo, one tensor, by one loss.

    Losses see the batch of all processes together, so gradients are those of one process with the whole batch; so do the
    validation figures.
    """

    def __init__(self, network: PooledNetwork, loss: Loss, steps: OptimizerConfig) -> None:
        super().__init__(network, steps)
        self.loss = loss
        self.seen: list[Tensor] = []

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        pixels, wanted = batch
        predicted, wanted = self._of_all(self.network(pixels)), self._of_all(wanted)
        loss = self.loss(predicted, wanted)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(wanted), prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        self.seen.append(self.network(batch[0]))

    def validated(self) -> tuple[Tensor, Any]:
        """What the network says of all validation photos, in the order of their data set, and that data set."""
        loader: Any = self.trainer.val_dataloaders
        places = torch.tensor([index for batch in loader.batch_sampler for _, index in batch], device=self.device)
        said = self._of_all(torch.cat(self.seen))
        self.seen.clear()
        predicted = said.new_zeros(len(loader.photos), *said.shape[1:])
        predicted[self._of_all(places)] = said  # a place may come twice: see SameSizeBatches
        return predicted, loader.photos

    def _of_all(self, values: Tensor) -> Tensor:
        """N values of this process to those of all, one after the other."""
        gathered: Any = self.all_gather(values, sync_grads=values.requires_grad)
        return gathered.reshape(-1, *values.shape[1:])


def warm_up_and_cosine(optimizer: torch.optim.Optimizer, total: int, warm_up: int) -> dict[str, Any]:
    """For `configure_optimizers`: rates rise evenly for `warm_up` of `total` steps, then fall to 0 along half a cosine."""

    def share(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return (1 + math.cos(math.pi * (step - warm_up) / max(total - warm_up, 1))) / 2

    return _by_step(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share))


def one_cycle(optimizer: torch.optim.Optimizer, rates: float | list[float], total: int) -> dict[str, Any]:
    """For `configure_optimizers`: one cycle of large steps over `total` steps, `rates` at the most (Smith 2018)."""
    total = max(total, 2)
    warm_up = max(0.1, 1.5 / total)  # OneCycleLR divides by zero where that is one step exactly
    return _by_step(optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total, pct_start=warm_up))


def _by_step(optimizer: torch.optim.Optimizer, course: torch.optim.lr_scheduler.LRScheduler) -> dict[str, Any]:
    """Not by epoch: Lightning saves checkpoints before the epoch's own step, and a resumed run would lag behind."""
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": course, "interval": "step"}}
