"""Fine-tuning as Lightning modules, for any kind of prediction, in one or several processes with equal results."""

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
    """The optimizer for fine-tuning a pretrained network."""

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
    """Optimizer and schedule with separate learning rates for backbone and heads; subclasses define loss and validation.

    Args:
        network: A backbone and its heads.
        optimizer: Settings of the optimizer.
        head_lrs: Learning rates of heads, by their names in the network, that replace `optimizer.head_lr`.
    """

    def __init__(self, network: PooledNetwork, optimizer: OptimizerConfig, head_lrs: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.network, self.optimizer, self.head_lrs = network, optimizer, dict(head_lrs or {})

    def configure_optimizers(self) -> Any:
        chosen = self.optimizer
        groups: list[dict[str, Any]] = []
        for name, head in self.network.named_children():
            if name != "backbone":
                rate = self.head_lrs.get(name, chosen.head_lr)
                for decay, bias in ((chosen.weight_decay, False), (0.0, True)):
                    weights = [weight for key, weight in head.named_parameters() if key.endswith("bias") == bias]
                    groups.append({"params": weights, "lr": rate, "weight_decay": decay})
        body = param_groups_layer_decay(
            self.network.backbone.body, weight_decay=chosen.weight_decay, layer_decay=chosen.layer_decay
        )
        groups += [
            {"params": group["params"], "lr": chosen.backbone_lr * group["lr_scale"], "weight_decay": group["weight_decay"]}
            for group in body
        ]
        optimizer = OPTIMIZERS[chosen.name](groups, lr=chosen.head_lr)  # type: ignore[call-arg]
        total = int(self.trainer.estimated_stepping_batches)
        return warm_up_and_cosine(optimizer, total, round(chosen.warm_up * total))


class PredictionModule(FineTuningModule):
    """Train the prediction of one tensor per image with one loss.

    Losses and validation metrics are computed over all processes together, so that the gradients are those of a single process
    with the whole batch.
    """

    def __init__(self, network: PooledNetwork, loss: Loss, optimizer: OptimizerConfig) -> None:
        super().__init__(network, optimizer)
        self.loss = loss
        self.collected: list[Tensor] = []

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        pixels, target = batch
        predicted, target = self._of_all(self.network(pixels)), self._of_all(target)
        loss = self.loss(predicted, target)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(target), prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        self.collected.append(self.network(batch[0]))

    def validated(self) -> tuple[Tensor, Any]:
        """Predictions for all validation photos, in the order of their data set, and that data set."""
        loader: Any = self.trainer.val_dataloaders
        places = torch.tensor([index for batch in loader.batch_sampler for _, index in batch], device=self.device)
        gathered = self._of_all(torch.cat(self.collected))
        self.collected.clear()
        predicted = gathered.new_zeros(len(loader.photos), *gathered.shape[1:])
        predicted[self._of_all(places)] = gathered  # an index may occur twice: see SameSizeBatches
        return predicted, loader.photos

    def _of_all(self, values: Tensor) -> Tensor:
        """Gather the N values of every process, concatenated."""
        gathered: Any = self.all_gather(values, sync_grads=values.requires_grad)
        return gathered.reshape(-1, *values.shape[1:])


class ScoreModule(PredictionModule):
    """Train the prediction of the MOS, scaled to [0, 1]; logs `val_loss` and `val_srcc`.

    Args:
        network: Pixels to scores N.
        losses: Names of losses ("mse", "huber", "plcc", "norm-in-norm"; see `training.losses`) and their weights in the sum.
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
    """SRCC of predictions N and MOS N; 0 if the predictions are constant."""
    srcc = agreement(predicted.float().cpu().numpy(), mos.float().cpu().numpy())["srcc"]
    return 0.0 if math.isnan(srcc) else srcc


def warm_up_and_cosine(optimizer: torch.optim.Optimizer, total: int, warm_up: int) -> dict[str, Any]:
    """For `configure_optimizers`: a linear warm-up for `warm_up` of `total` steps, then half a cosine down to 0."""

    def share(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return (1 + math.cos(math.pi * (step - warm_up) / max(total - warm_up, 1))) / 2

    return _by_step(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share))


def one_cycle(optimizer: torch.optim.Optimizer, rates: float | list[float], total: int) -> dict[str, Any]:
    """For `configure_optimizers`: the one-cycle schedule over `total` steps, with `rates` as maximum (Smith 2018)."""
    total = max(total, 2)
    warm_up = max(0.1, 1.5 / total)  # OneCycleLR divides by zero if that is exactly one step
    return _by_step(optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total, pct_start=warm_up))


def log_spaced(optimizer: torch.optim.Optimizer, total: int, last: float) -> dict[str, Any]:
    """For `configure_optimizers`: learning rates that fall exponentially over `total` steps to the share `last`."""
    fall = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: last ** (step / max(total, 1)))
    return _by_step(optimizer, fall)


def _by_step(optimizer: torch.optim.Optimizer, scheduler: torch.optim.lr_scheduler.LRScheduler) -> dict[str, Any]:
    """Update per step, not per epoch: Lightning saves checkpoints before the update of an epoch, so a resumed run would lag."""
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
