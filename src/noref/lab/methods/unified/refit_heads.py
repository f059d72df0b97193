"""Refit the heads on vectors of whole photos once the backbone is trained: defects, score, and a correction of the score.

The ordinal targets of defects and of the score are fitted by penalised logistic regression, the residual of the score by a
support vector regressor, which also reads the levels of the defects: mild ones hardly show on its principal axes. The penalty
of the defects is chosen on held-out photos. The others are fixed: a few hundred MOS cannot tell them apart.
"""

import copy
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from torch import Tensor

from noref.lab.methods.unified.network import coordinates, ordinal_expectation, ordinal_targets
from noref.lab.metrics.defects import by_family
from noref.lab.networks import color_histogram
from noref.lab.networks.compact import compact
from noref.lab.networks.heads import RbfHead, from_pipeline
from noref.lab.networks.ordinal import OrdinalHead, read

PENALTY = 0.3  # of the steps of opinion
DEFECT_PENALTIES = (0.01, 0.03, 0.1)
C = 0.3  # of the correction
COLOR_HISTOGRAM_WEIGHT = 4.0  # they are few, and a penalty is the same for all inputs
LEAST_SCALE = 0.05  # few photos are brightly coloured all over, and those that are must not lie far off the scale
EPSILON = 0.02  # of opinions from 0 to 1
_ITERATIONS = 400  # opinions are within .01 of this after 100


class FeatureSet(NamedTuple):
    """What describes n whole photos, and what is known of them.

    Attributes:
        vectors: n x D.
        mos: n, from 0 to 1.
        answers: n x K x 5, whether the level of a defect is at least 1, 2 … 5; NaN where that is not known.
    """

    vectors: Tensor
    mos: Tensor
    answers: Tensor

    @property
    def named(self) -> Tensor:
        """Which photos' defects are all known, n."""
        return ~self.answers.isnan().any(dim=(1, 2))

    @property
    def clean(self) -> Tensor:
        """Which photos are known to have no defect, n."""
        return (self.answers == 0).all(dim=(1, 2))


def counts(made: FeatureSet, distorted: float, clean: float, draws: int) -> Tensor:
    """What each of n made photos counts, beside 1 of a rated one: by whether it came out clean, shared among the draws."""
    return torch.where(made.clean, clean, distorted) / draws


def weight_color_histogram(head: OrdinalHead) -> None:
    """Let the last `color_histogram.COUNT` inputs of a standardised head count `COLOR_HISTOGRAM_WEIGHT` times as much."""
    scale = head.scale[-color_histogram.COUNT :]
    scale.copy_(scale.clamp(min=LEAST_SCALE) / COLOR_HISTOGRAM_WEIGHT)


def fit_defects(head: OrdinalHead, made: FeatureSet, held_out: FeatureSet) -> pd.DataFrame:
    """Fit the defects in place.

    Args:
        head: Of K families.
        made: Photos to learn from; those whose defects are not all known teach nothing.
        held_out: Photos that choose the penalty, by the lowest cross-entropy: an AUC cannot see that probabilities are too low.

    Returns:
        Columns penalty, val_loss, val_auc.
    """
    vectors, answers = made.vectors[made.named], made.answers[made.named]
    fits = [_answering(head, vectors, answers, torch.ones(len(vectors)), penalty) for penalty in DEFECT_PENALTIES]
    logits = [fitted(held_out.vectors[held_out.named]) for fitted in fits]
    truth = held_out.answers[held_out.named]
    loss = [float(F.binary_cross_entropy_with_logits(found, truth)) for found in logits]
    head.load_state_dict(fits[int(np.argmin(loss))].state_dict())
    auc = [_auc(found, truth) for found in logits]
    return pd.DataFrame({"penalty": DEFECT_PENALTIES, "val_loss": loss, "val_auc": auc})


@torch.no_grad()
def fit_score(head: OrdinalHead, defects: OrdinalHead, known: FeatureSet, weights: Tensor, axes: int, seed: int) -> RbfHead:
    """Fit the opinion in place, and give its correction.

    Args:
        head: Of one opinion.
        defects: Fitted already, and left as they are.
        known: Rated photos and made ones.
        weights: n, what each counts.
        axes: Principal axes under the correction.
        seed: Of the search for these.
    """
    steps = _answering(head, known.vectors, ordinal_targets(known.mos)[:, None], weights, PENALTY)
    head.load_state_dict(steps.state_dict())
    onto_axes = make_pipeline(StandardScaler(), PCA(min(axes, *known.vectors.shape), random_state=seed))
    places = np.hstack([onto_axes.fit_transform(known.vectors.numpy()), coordinates(defects(known.vectors)).numpy()])
    off = (known.mos - ordinal_expectation(steps, known.vectors)).double().numpy()
    svr = SVR(C=C, epsilon=EPSILON).fit(places, off, weights.double().numpy())
    correction = from_pipeline(Pipeline([*onto_axes.steps, ("svr", svr)]))
    assert isinstance(correction, RbfHead)
    compact(correction)
    return correction


def _answering(head: OrdinalHead, vectors: Tensor, answers: Tensor, weights: Tensor, penalty: float) -> OrdinalHead:
    """A head with the same standardisation, fitted to answers (n x K x L, from 0 to 1), in the precision that is exported.

    `penalty` is of the squares of an answer's weights, beside its mean cross-entropy.
    """
    fitted = copy.deepcopy(head).requires_grad_(True)
    torch.nn.init.zeros_(fitted.weight)
    torch.nn.init.zeros_(fitted.bias)
    shares = (weights / weights.sum())[:, None]
    optimizer = torch.optim.LBFGS(fitted.parameters(), max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        off = F.binary_cross_entropy_with_logits(fitted(vectors).flatten(1), answers.flatten(1), reduction="none")
        total = (off * shares).sum() + penalty * fitted.weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]
    compact(fitted)
    return fitted.requires_grad_(False)


def _auc(logits: Tensor, answers: Tensor) -> float:
    found, levels = read(logits), answers.sum(dim=2).round().long()
    return float(by_family(found.probabilities.numpy(), found.levels.numpy(), levels.numpy()).iloc[0]["auc"])
