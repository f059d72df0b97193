"""The linear probe: one logistic regression for each family and level, on features of the pretrained backbone."""

from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from noref.lab.arrays import Vectors
from noref.lab.distortions.chains import FAMILIES, HIGHEST, Levels
from noref.lab.errors import LabError
from noref.lab.metrics.defects import by_family
from noref.lab.networks.ordinal import OrdinalHead, at_least, read

CS = np.logspace(-5, 0, 6)  # inverse penalties to try; features are standardised


def fitted_head(
    vectors: Vectors, levels: Levels, checking: Vectors, checking_levels: Levels
) -> tuple[OrdinalHead, dict[str, Any]]:
    """Fit logistic regressions; their common penalty is chosen by the mean AUC on the validation part.

    Args:
        vectors: Training features, n x D.
        levels: Their levels, n x K.
        checking: Validation features, m x D, used to choose the penalty only.
        checking_levels: Their levels, m x K.

    Returns:
        The head, and a summary of the fit: `c`, `val_auc` and `val_srcc`.

    Raises:
        LabError: No training image has a certain defect at a certain level or above.
    """
    answers = at_least(levels).reshape(len(levels), -1)
    absent = np.flatnonzero(answers.max(axis=0) == 0)
    if len(absent):
        family, level = list(FAMILIES)[absent[0] // HIGHEST], absent[0] % HIGHEST + 1
        raise LabError(f"no training image has {family} at level {level} or above; set `copies` higher")
    scaler = StandardScaler().fit(vectors)
    standard = scaler.transform(vectors)
    fits = [LogisticRegression(max_iter=2000, warm_start=True) for _ in answers.T]
    tried = []
    for c in CS:
        for fit, answer in zip(fits, answers.T, strict=True):
            fit.set_params(C=c).fit(standard, answer)
        head = OrdinalHead(vectors.shape[1])
        facts = {
            "mean": scaler.mean_,
            "scale": scaler.scale_,
            "weight": np.concatenate([fit.coef_ for fit in fits]),
            "bias": np.concatenate([fit.intercept_ for fit in fits]),
        }
        head.load_state_dict({name: torch.as_tensor(value, dtype=torch.float32) for name, value in facts.items()})
        with torch.inference_mode():
            found = read(head(torch.from_numpy(checking)))
        mean = by_family(found.probabilities.numpy(), found.levels.numpy(), checking_levels).iloc[0]
        tried.append((head, {"c": float(c), "val_auc": float(mean["auc"]), "val_srcc": float(mean["srcc"])}))
    return max(tried, key=lambda one: one[1]["val_auc"])
