"""The linear probe of a score: ridge regression on features, its penalty chosen on the validation part."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgWarning
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from noref.lab.arrays import Vectors
from noref.lab.metrics.agreement import agreement
from noref.lab.networks.heads import LinearHead, from_pipeline

ALPHAS = np.logspace(-1, 5, 13)  # penalties to try, on standardised features

Scores = npt.NDArray[np.float64]


def ridge_head(vectors: Vectors, mos: Scores, checking: Vectors, checking_mos: Scores) -> tuple[LinearHead, dict[str, Any]]:
    """Fit a linear head; of equal penalties by SRCC, the highest is taken.

    Args:
        vectors: Training features, n x D.
        mos: Their MOS, scaled to [0, 1].
        checking: Validation features, m x D, used to choose the penalty only.
        checking_mos: Their MOS.

    Returns:
        The head, and a summary of the fit: `alpha` and `val_srcc`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)  # of the lowest penalties, where features outnumber photos
        fits = [make_pipeline(StandardScaler(), Ridge(alpha)).fit(vectors, mos) for alpha in ALPHAS]
    srcc = [agreement(fit.predict(checking), checking_mos)["srcc"] for fit in fits]
    best = max(range(len(fits)), key=lambda fit: (np.nan_to_num(srcc[fit], nan=-1), fit))
    head = from_pipeline(fits[best])
    assert isinstance(head, LinearHead)
    return head, {"alpha": float(ALPHAS[best]), "val_srcc": float(srcc[best])}
