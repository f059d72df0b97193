"""Where fine-tuning starts from: a head that already fits the backbone as it came.

A fresh head's first gradients are noise, and they distort what the backbone has learned before the head can use it. A ridge
regression on the features of the untouched backbone costs one look at each photo and leaves only small steps to do.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from noref.lab.metrics.agreement import agreement
from noref.lab.networks.heads import LinearHead, from_pipeline

ALPHAS = np.logspace(-1, 5, 13)  # ridge penalties that are tried; features are standardised

Vectors = npt.NDArray[np.float32]
MOS = npt.NDArray[np.float64]


def fitted_head(vectors: Vectors, mos: MOS, checking: Vectors, validation_mos: MOS) -> tuple[LinearHead, dict[str, Any]]:
    """Ridge regression, its penalty chosen by SRCC on validation photos.

    Args:
        vectors: n x D, to learn from.
        mos: n.
        checking: m x D, for the choice of the penalty only.
        validation_mos: m.

    Returns:
        The head, and what is worth knowing of it: `alpha` and `val_srcc` (null where all predictions are alike).
    """
    tried = []
    for alpha in ALPHAS:
        fitted = make_pipeline(StandardScaler(), Ridge(alpha)).fit(vectors, mos)
        srcc = agreement(fitted.predict(checking), validation_mos)["srcc"]
        tried.append((-1.0 if np.isnan(srcc) else srcc, float(alpha), fitted))
    srcc, alpha, best = max(tried, key=lambda one: one[:2])
    head = from_pipeline(best)
    assert isinstance(head, LinearHead)
    return head, {"alpha": alpha, "val_srcc": srcc}


def flat_head(vectors: Vectors, mos: MOS) -> LinearHead:
    """A head that answers the mean opinion whatever it sees, its inputs standardised over a sample of vectors (n x D)."""
    ridge = make_pipeline(StandardScaler(), Ridge()).fit(vectors, np.full(len(vectors), mos.mean()))
    head = from_pipeline(ridge)
    assert isinstance(head, LinearHead)
    return head
