"""Learning everything at once: opinions, what each place deserves, and faults."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.errors import LabError
from noref.lab.methods.faults.judge import judge
from noref.lab.methods.faults.network import read
from noref.lab.methods.unified.network import Learner, Told, expected, steps_reached
from noref.lab.methods.unified.photos import Truth
from noref.lab.metrics.agreement import agreement
from noref.lab.training.finetuning import SmallSteps, Steps

UNIT = 0.04  # square of the usual deviation of opinions; squared errors of the map count in it, to compare with cross-entropies
PARTS = ("rated", "spoiled", "quality", "faults")


class LearnAll(SmallSteps):
    """A weighted sum of four losses, each a mean over what is known of it in the batch.

    "rated" and "spoiled" are cross-entropies of the opinion's steps, on photos that people rated and on spoiled ones; "quality"
    squared errors of the map, of its mean where no more is known; "faults" the cross-entropy of all answers.

    Checkpoints are chosen by `val_both`, the mean of two SRCC of the expected opinion, over rated photos and over spoiled ones,
    or by `val_map`, the same of the map's mean.

    Raises:
        LabError: One of the four has no weight, or there are others; or as `SmallSteps`.
    """

    def __init__(self, network: Learner, weights: Mapping[str, float], steps: Steps) -> None:
        super().__init__(network, steps)
        if set(weights) != set(PARTS):
            raise LabError(f"losses needs a weight for each of {', '.join(PARTS)}, not for {', '.join(weights)}")
        self.weights = weights
        self.known: list[tuple[Told, Truth]] = []

    def losses(self, told: Told, truth: Truth) -> dict[str, Tensor]:
        """The four losses of a batch, unweighted."""
        spoiled = ~truth.quality.isnan().any(dim=(1, 2))
        entropy = F.binary_cross_entropy_with_logits
        opinion = entropy(told.opinion, steps_reached(truth.opinion), reduction="none").mean(dim=1)
        off_mean = (told.quality.mean(dim=(1, 2)) - truth.opinion).square() / UNIT
        # NaN must not even stand in the branch not taken: its gradient would be NaN too.
        off_places = (told.quality - truth.quality.nan_to_num()).square().mean(dim=(1, 2)) / UNIT
        faults = entropy(told.faults, truth.answers.nan_to_num(), reduction="none").mean(dim=(1, 2))
        return {
            "rated": _mean(opinion, ~spoiled),
            "spoiled": _mean(opinion, spoiled),
            "quality": torch.where(spoiled, off_places, off_mean).mean(),
            "faults": _mean(faults, ~truth.answers.isnan().any(dim=(1, 2))),
        }

    def training_step(self, batch: tuple[Tensor, Truth], _: int) -> Tensor:
        pixels, truth = batch
        losses = self.losses(self.network(pixels), truth)
        loss = torch.stack([self.weights[part] * losses[part] for part in PARTS]).sum()
        for name, value in (*losses.items(), ("loss", loss)):
            self.log(f"train_{name}", value, on_step=False, on_epoch=True, batch_size=len(pixels), prog_bar=name == "loss")
        return loss

    def validation_step(self, batch: tuple[Tensor, Truth], _: int) -> None:
        pixels, truth = batch
        self.known.append((self.network(pixels), truth))

    def on_validation_epoch_end(self) -> None:
        said = {
            "both": expected(torch.cat([told.opinion for told, _ in self.known]).float()).cpu().numpy(),
            "map": torch.cat([told.quality.mean(dim=(1, 2)) for told, _ in self.known]).cpu().numpy(),
        }
        opinions = torch.cat([truth.opinion for _, truth in self.known]).cpu().numpy()
        spoiled = torch.cat([~truth.quality.isnan().any(dim=(1, 2)) for _, truth in self.known]).cpu().numpy()
        logits = torch.cat([told.faults for told, _ in self.known]).float().cpu()
        answers = torch.cat([truth.answers for _, truth in self.known]).cpu()
        self.known.clear()
        named = ~answers.isnan().any(dim=(1, 2))
        found = read(logits[named])
        levels = answers[named].sum(dim=2).round().long()
        faults = judge(found.probabilities.numpy(), found.levels.numpy(), levels.numpy()).iloc[0]
        self.log("val_auc", float(faults["auc"]))
        for name, scores in said.items():
            rated, made = (agreement(scores[which], opinions[which])["srcc"] for which in (~spoiled, spoiled))
            if name == "both":
                self.log("val_srcc", rated)
                self.log("val_spoiled_srcc", made)
            self.log(f"val_{name}", (rated + made) / 2, prog_bar=True)


def _mean(values: Tensor, which: Tensor) -> Tensor:
    """Over some of N values; 0 where there are none."""
    return (values * which).sum() / which.sum().clamp(min=1)
