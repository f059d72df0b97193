"""Joint training of the score, its spread, the quality map and the defects; and of the map's head alone."""

from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.errors import LabError
from noref.lab.methods.unified.network import Logits, UnifiedNetwork, expected_mos, mos_targets
from noref.lab.methods.unified.photos import Targets
from noref.lab.metrics.agreement import agreement
from noref.lab.metrics.defects import by_family
from noref.lab.networks.ordinal import read
from noref.lab.training.finetuning import OPTIMIZERS, FineTuningModule, OptimizerConfig, warm_up_and_cosine

MOS_VARIANCE = 0.04  # of rated photos, about: squared errors are divided by it, so that they compare with cross-entropies
MAP_LR_RATIO = 5  # the map's head has more to learn: it starts from random weights
PARTS = ("rated", "distorted", "map", "defects", "order")
ORDER_SCALE = 0.02  # of MOS from 0 to 1: pairs whose predictions differ by much more hardly count


class UnifiedModule(FineTuningModule):
    """A weighted sum of five losses, each a mean over the images of the batch whose targets are known.

    `rated` and `distorted` are the cross-entropies of the ordinal targets of the MOS, on rated images and on distorted ones;
    `map` is the squared error of the quality map, or of its mean where only the MOS is known; `defects` is the cross-entropy
    of the ordinal targets of the levels; `order` penalises pairs in which the higher level has the higher predicted MOS
    (`photos.LevelPairs`; the loss of RankNet, Burges et al., "Learning to Rank using Gradient Descent", ICML 2005). The
    spread is fitted to the errors on rated images (Laplace likelihood); its gradient ends at its head, so that its weight is 1.

    Checkpoints are chosen by `val_both`, the mean of the SRCC on rated and on distorted images.

    Raises:
        LabError: `weights` does not name the five losses; or as `FineTuningModule`.
    """

    def __init__(self, network: UnifiedNetwork, weights: Mapping[str, float], optimizer: OptimizerConfig) -> None:
        super().__init__(network, optimizer, {"map": MAP_LR_RATIO * optimizer.head_lr})
        if set(weights) != set(PARTS):
            raise LabError(f"losses needs a weight for each of {', '.join(PARTS)}, not for {', '.join(weights)}")
        self.weights = weights
        self.seen: list[tuple[Logits, Targets]] = []

    def losses(self, found: Logits, targets: Targets) -> dict[str, Tensor]:
        """The losses of a batch, unweighted, and that of the spread."""
        distorted = ~targets.quality.isnan().any(dim=(1, 2))
        entropy = F.binary_cross_entropy_with_logits
        mos = entropy(found.mos, mos_targets(targets.mos), reduction="none").mean(dim=1)
        mean_error = (found.quality.mean(dim=(1, 2)) - targets.mos).square() / MOS_VARIANCE
        # NaN must not even stand in the branch that is not taken: its gradient would be NaN too.
        cell_errors = _cell_errors(found.quality, targets.quality.nan_to_num())
        defects = entropy(found.defects, targets.answers.nan_to_num(), reduction="none").mean(dim=(1, 2))
        error = (expected_mos(found.mos.detach()) - targets.mos).abs()
        return {
            "rated": _mean(mos, ~distorted),
            "distorted": _mean(mos, distorted),
            "map": torch.where(distorted, cell_errors, mean_error).mean(),
            "defects": _mean(defects, ~targets.answers.isnan().any(dim=(1, 2))),
            "spread": _mean(error / found.spread + found.spread.log(), ~distorted),
        }

    def training_step(self, batch: tuple[Tensor, Targets], _: int) -> Tensor:
        pixels, targets = batch
        pairs = pixels.ndim > 4  # N x 2 images, of `photos.LevelPairs`
        if pairs:
            pixels, targets = pixels.flatten(0, 1), Targets(*(values.flatten(0, 1) for values in targets))
        found = self.network(pixels)
        losses = self.losses(found, targets)
        losses["order"] = order(expected_mos(found.mos), targets.mos) if pairs else losses["rated"].new_zeros(())
        loss = losses["spread"] + torch.stack([self.weights[part] * losses[part] for part in PARTS]).sum()
        for name, value in (*losses.items(), ("loss", loss)):
            self.log(f"train_{name}", value, on_step=False, on_epoch=True, batch_size=len(pixels), prog_bar=name == "loss")
        return loss

    def validation_step(self, batch: tuple[Tensor, Targets], _: int) -> None:
        pixels, targets = batch
        found = self.network(pixels)
        mean_only = targets._replace(quality=targets.quality.mean(dim=(1, 2)))  # photos of several shapes follow each other
        self.seen.append((found._replace(quality=found.quality.mean(dim=(1, 2))), mean_only))

    def on_validation_epoch_end(self) -> None:
        found = Logits(*(torch.cat(values).float().cpu() for values in zip(*(found for found, _ in self.seen), strict=True)))
        targets = Targets(*(torch.cat(values).cpu() for values in zip(*(targets for _, targets in self.seen), strict=True)))
        self.seen.clear()
        distorted, known = ~targets.quality.isnan(), ~targets.answers.isnan().any(dim=(1, 2))
        defects, levels = read(found.defects[known]), targets.answers[known].sum(dim=2).round().long()
        table = by_family(defects.probabilities.numpy(), defects.levels.numpy(), levels.numpy())
        self.log("val_auc", float(table.iloc[0]["auc"]))
        for prefix, scores in (("val_", expected_mos(found.mos)), ("val_map_", found.quality)):
            rated, made = (
                agreement(scores[which].numpy(), targets.mos[which].numpy())["srcc"] for which in (~distorted, distorted)
            )
            self.log(f"{prefix}srcc", rated)
            self.log(f"{prefix}distorted_srcc", made)
            self.log(f"{prefix}both", (rated + made) / 2, prog_bar=prefix == "val_")


class MapModule(pl.LightningModule):
    """Training of the map's head alone; the rest of the network stays as it is.

    The loss is the squared error of the cells of images without MOS, less that of their mean: the map that users see is shifted
    so that its mean is the score. Checkpoints hold the head; they are chosen by `val_loss`, the same on held-out images.
    """

    def __init__(self, network: UnifiedNetwork, optimizer: OptimizerConfig) -> None:
        super().__init__()
        self.network, self.optimizer = network, optimizer

    def state_dict(self, *args: Any, **options: Any) -> Any:
        """The weights of the head."""
        return self.network.map.state_dict(*args, **options)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Load weights of the head; a checkpoint cannot bring back an older backbone."""
        return self.network.map.load_state_dict(state_dict, *args, **options)

    def train(self, mode: bool = True) -> "MapModule":
        """The head alone: the backbone must not update the statistics of its norms."""
        self.network.eval()
        self.network.map.train(mode)
        return self

    def configure_optimizers(self) -> Any:
        chosen = self.optimizer
        weights, rate = self.network.map.parameters(), MAP_LR_RATIO * chosen.head_lr
        optimizer = OPTIMIZERS[chosen.name](weights, lr=rate, weight_decay=chosen.weight_decay)  # type: ignore[call-arg]
        total = int(self.trainer.estimated_stepping_batches)
        return warm_up_and_cosine(optimizer, total, round(chosen.warm_up * total))

    def training_step(self, batch: tuple[Tensor, Targets], _: int) -> Tensor:
        return self._logged("train_loss", batch)

    def validation_step(self, batch: tuple[Tensor, Targets], _: int) -> None:
        self._logged("val_loss", batch)

    def _logged(self, name: str, batch: tuple[Tensor, Targets]) -> Tensor:
        pixels, targets = batch
        with torch.no_grad():
            maps = self.network.backbone(pixels)
        loss = _cell_errors(_centred(self.network.map(maps).float()), _centred(targets.quality)).mean()
        self.log(name, loss, on_step=False, on_epoch=True, batch_size=len(pixels), prog_bar=True)
        return loss


def order(predicted: Tensor, mos: Tensor) -> Tensor:
    """The loss of the order of pairs: predictions 2N and targets 2N, the better image of each pair first.

    Pairs whose targets are equal count as 0.
    """
    better = mos[0::2] > mos[1::2]
    return (F.softplus((predicted[1::2] - predicted[0::2]) / ORDER_SCALE) * better).mean()


def _cell_errors(found: Tensor, targets: Tensor) -> Tensor:
    """Of maps N x h x w: the mean squared error of each, N."""
    return (found - targets).square().mean(dim=(1, 2)) / MOS_VARIANCE


def _centred(quality: Tensor) -> Tensor:
    """Maps N x h x w less their means."""
    return quality - quality.mean(dim=(1, 2), keepdim=True)


def _mean(values: Tensor, which: Tensor) -> Tensor:
    """Over some of N values; 0 where there are none."""
    return (values * which).sum() / which.sum().clamp(min=1)
