"""Training of everything at once: the MOS, the quality of each place, and defects."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.errors import LabError
from noref.lab.methods.unified.network import Learner, Logits, expected, ordinal_targets
from noref.lab.methods.unified.photos import Targets
from noref.lab.metrics.agreement import agreement
from noref.lab.metrics.defects import by_family
from noref.lab.networks.ordinal import read
from noref.lab.training.finetuning import FineTuningModule, OptimizerConfig

UNIT = 0.04  # square of the usual deviation of opinions; squared errors of the map count in it, to compare with cross-entropies
PARTS = ("rated", "distorted", "quality", "defects")


class UnifiedModule(FineTuningModule):
    """A weighted sum of four losses, each a mean over what is known of it in the batch.

    "rated" and "distorted" are cross-entropies of ordinal targets, on rated photos and on distorted ones; "quality" is the
    squared error of the map, or of its mean where no more is known; "defects" the cross-entropy of all outputs.

    Checkpoints are chosen by `val_both`, the mean of two SRCC of the expected score, over rated and over distorted photos, or
    by `val_map`, the same of the map's mean.

    Raises:
        LabError: One of the four has no weight, or there are others; or as `FineTuningModule`.
    """

    def __init__(self, network: Learner, weights: Mapping[str, float], optimizer: OptimizerConfig, map_lr: float) -> None:
        super().__init__(network, optimizer, {"local": map_lr})
        if set(weights) != set(PARTS):
            raise LabError(f"losses needs a weight for each of {', '.join(PARTS)}, not for {', '.join(weights)}")
        self.weights = weights
        self.known: list[tuple[Logits, Targets]] = []

    def losses(self, told: Logits, truth: Targets) -> dict[str, Tensor]:
        """The four losses of a batch, unweighted."""
        distorted = ~truth.quality.isnan().any(dim=(1, 2))
        entropy = F.binary_cross_entropy_with_logits
        mos = entropy(told.mos, ordinal_targets(truth.mos), reduction="none").mean(dim=1)
        off_mean = (told.quality.mean(dim=(1, 2)) - truth.mos).square() / UNIT
        # NaN must not even stand in the branch not taken: its gradient would be NaN too.
        off_places = (told.quality - truth.quality.nan_to_num()).square().mean(dim=(1, 2)) / UNIT
        defects = entropy(told.defects, truth.answers.nan_to_num(), reduction="none").mean(dim=(1, 2))
        return {
            "rated": _mean(mos, ~distorted),
            "distorted": _mean(mos, distorted),
            "quality": torch.where(distorted, off_places, off_mean).mean(),
            "defects": _mean(defects, ~truth.answers.isnan().any(dim=(1, 2))),
        }

    def training_step(self, batch: tuple[Tensor, Targets], _: int) -> Tensor:
        pixels, truth = batch
        losses = self.losses(self.network(pixels), truth)
        loss = torch.stack([self.weights[part] * losses[part] for part in PARTS]).sum()
        for name, value in (*losses.items(), ("loss", loss)):
            self.log(f"train_{name}", value, on_step=False, on_epoch=True, batch_size=len(pixels), prog_bar=name == "loss")
        return loss

    def validation_step(self, batch: tuple[Tensor, Targets], _: int) -> None:
        pixels, truth = batch
        self.known.append((self.network(pixels), truth))

    def on_validation_epoch_end(self) -> None:
        said = {
            "both": expected(torch.cat([told.mos for told, _ in self.known]).float()).cpu().numpy(),
            "map": torch.cat([told.quality.mean(dim=(1, 2)) for told, _ in self.known]).cpu().numpy(),
        }
        mos = torch.cat([truth.mos for _, truth in self.known]).cpu().numpy()
        distorted = torch.cat([~truth.quality.isnan().any(dim=(1, 2)) for _, truth in self.known]).cpu().numpy()
        logits = torch.cat([told.defects for told, _ in self.known]).float().cpu()
        answers = torch.cat([truth.answers for _, truth in self.known]).cpu()
        self.known.clear()
        named = ~answers.isnan().any(dim=(1, 2))
        found = read(logits[named])
        levels = answers[named].sum(dim=2).round().long()
        defects = by_family(found.probabilities.numpy(), found.levels.numpy(), levels.numpy()).iloc[0]
        self.log("val_auc", float(defects["auc"]))
        for name, scores in said.items():
            rated, made = (agreement(scores[which], mos[which])["srcc"] for which in (~distorted, distorted))
            if name == "both":
                self.log("val_srcc", rated)
                self.log("val_distorted_srcc", made)
            self.log(f"val_{name}", (rated + made) / 2, prog_bar=True)


def _mean(values: Tensor, which: Tensor) -> Tensor:
    """Over some of N values; 0 where there are none."""
    return (values * which).sum() / which.sum().clamp(min=1)
