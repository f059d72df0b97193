"""Fine-tuning as a Lightning module, whatever is predicted: the same in one process and in many."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import lightning.pytorch as pl
import torch
from timm.optim import param_groups_layer_decay  # type: ignore[attr-defined]
from torch import Tensor

from noref.lab.metrics.agreement import agreement
from noref.lab.networks.pooled import PooledNetwork
from noref.lab.settings import Rate, Share, settings
from noref.lab.training.losses import Loss, mixture

OPTIMIZERS: Mapping[str, type[torch.optim.Optimizer]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@settings
class OptimizerConfig:
    """How the weights of a pretrained network move."""

    name: Literal["adam", "adamw"] = "adamw"
    """Update rule."""
    head_lr: Rate = 1e-4
    """Highest learning rate of the heads."""
    backbone_lr: Rate = 1e-4
    """Highest learning rate of the backbone's last layer."""
    layer_decay: Share = 1.0
    """Factor from the learning rate of each layer to that of the layer before it (timm's grouping)."""
    weight_decay: Rate = 0.05
    """Weight decay of all matrices and kernels."""
    warm_up: Share = 0.1
    """Share of the steps in which the learning rates rise from 0; after it they fall to 0 along half a cosine."""


class FineTuningModule(pl.LightningModule):
    """One learning rate for the backbone, others for the heads; subclasses define losses and validation.

    Args:
        network: A backbone and its heads.
        optimizer: Settings of the optimizer.
        head_lrs: Learning rates of single heads, by their names in the network, instead of `optimizer.head_lr`.
    """

    def __init__(self, network: PooledNetwork, optimizer: OptimizerConfig, head_lrs: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.network, self.optimizer, self.head_lrs = network, optimizer, dict(head_lrs or {})

    def configure_optimizers(self) -> Any:
        steps = self.optimizer
        groups: list[dict[str, Any]] = []
        for name, head in self.network.named_children():
            if name != "backbone":
                rate = self.head_lrs.get(name, steps.head_lr)
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
        optimizer = OPTIMIZERS[steps.name](groups, lr=steps.head_lr)  # type: ignore[call-arg]
        total = int(self.trainer.estimated_stepping_batches)
        return warm_up_and_cosine(optimizer, total, round(steps.warm_up * total))


class PredictionModule(FineTuningModule):
    """Predict one tensor for each image, by one loss.

    Losses see the batch of all processes together, so gradients are those of one process with the whole batch; so do the
    validation figures.
    """

    def __init__(self, network: PooledNetwork, loss: Loss, optimizer: OptimizerConfig) -> None:
        super().__init__(network, optimizer)
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


class ScoreModule(PredictionModule):
    """Predict the MOS, scaled to [0, 1]; logs `val_loss` and `val_srcc`.

    Args:
        network: Pixels to scores N.
        losses: Weights of "mse", "huber", "plcc" and "norm-in-norm" (`training.losses`).
        optimizer: Settings of the optimizer.

    Raises:
        LabError: There is no loss of that name, or a weight is not positive.
    """

    def __init__(self, network: PooledNetwork, losses: Mapping[str, float], optimizer: OptimizerConfig) -> None:
        super().__init__(network, mixture(losses), optimizer)

    def on_validation_epoch_end(self) -> None:
        predicted, photos = self.validated()
        mos = torch.as_tensor(photos.mos, device=self.device)
        self.log("val_loss", self.loss(predicted, mos))
        self.log("val_srcc", validation_srcc(predicted, mos), prog_bar=True)


def validation_srcc(predicted: Tensor, mos: Tensor) -> float:
    """SRCC of predictions N and MOS N; 0 for constant predictions, which rank nothing."""
    srcc = agreement(predicted.float().cpu().numpy(), mos.float().cpu().numpy())["srcc"]
    return 0.0 if math.isnan(srcc) else srcc


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
