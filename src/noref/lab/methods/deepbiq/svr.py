"""The support vector regressor; C and epsilon are chosen on the validation part."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR, LinearSVR

from noref.lab.arrays import Vectors
from noref.lab.methods.deepbiq import pooling as pools
from noref.lab.methods.deepbiq.pooling import Pooling
from noref.lab.methods.svr import Choices
from noref.lab.metrics.agreement import agreement
from noref.lab.settings import Positive, settings

Scores = npt.NDArray[np.float64]

Kernel = Literal["linear", "rbf"]
"""linear is the paper's (LIBLINEAR, squared loss); rbf, on the principal axes of standardised features, is ours."""

_GRIDS = {"linear": (1e-4, 1e-3, 1e-2), "rbf": (0.1, 0.3, 1.0, 3.0)}  # of C
EPSILON = (0.005, 0.02)  # for a MOS scaled to [0, 1]
# If predictions are pooled, the regressor is fitted to single crops. Those of one photo are highly correlated, so more rows add
# little. Fitting time is linear in their number for the linear kernel, and quadratic for the other.
MOST_ROWS = {"linear": 20_000, "rbf": 6_000}


@settings
class DeepBiqSvrSettings:
    """The support vector regressor; C and epsilon are chosen on the validation part."""

    kernel: Kernel = "linear"
    """"linear" is the paper's; "rbf" uses principal axes of the features."""
    c: Choices | None = None
    """Values of C to try; null for the defaults of the kernel."""
    epsilon: Choices | None = None
    """Values of epsilon to try; null for the defaults."""
    axes: Positive = 256
    """Principal axes for the rbf kernel."""


@dataclass(frozen=True)
class Choice:
    """A fitted regressor with its C, its epsilon, and its SRCC on the validation part."""

    fitted: Pipeline
    c: float
    epsilon: float
    srcc: float


def fit(crops: Vectors, mos: Scores, pooling: Pooling, wanted: DeepBiqSvrSettings, seed: int = 0) -> list[Pipeline]:
    """Fit one pipeline for every C and epsilon to try; `networks.heads.from_pipeline` converts them.

    Args:
        crops: photos x count x D.
        mos: MOS of the photos, scaled to [0, 1].
        pooling: Kind of pooling.
        wanted: Settings of the regressor.
        seed: Of the search for principal axes.
    """
    if pooling.startswith("prediction"):
        crops = crops[:, : crops_to_learn_from(crops.shape[:2], wanted.kernel)]
    rows = pools.inputs(crops, pooling)
    each = len(rows) // len(mos)
    return list(_fits(rows, np.repeat(mos, each), wanted, seed))


def crops_to_learn_from(shape: Sequence[int], kernel: Kernel) -> int:
    """Number of crops per photo to fit to if predictions are pooled; `shape` is (photos, crops)."""
    photos, count = shape
    return min(count, max(1, MOST_ROWS[kernel] // photos))


def judge(fits: Sequence[Pipeline], crops: Vectors, mos: Scores, pooling: Pooling) -> list[Choice]:
    """Every fit with its SRCC on validation photos; -1 for constant predictions."""
    found = []
    for fitted in fits:
        srcc = agreement(predict(fitted, crops, pooling), mos)["srcc"]
        found.append(Choice(fitted, fitted[-1].C, fitted[-1].epsilon, -1.0 if math.isnan(srcc) else srcc))
    return found


def best(choices: Sequence[Choice]) -> Choice:
    """The choice with the highest SRCC; the first of equal ones."""
    return max(choices, key=lambda choice: choice.srcc)


def predict(fitted: Pipeline, crops: Vectors, pooling: Pooling) -> Scores:
    """Scores of photos (photos x count x D), on the MOS scaled to [0, 1]."""
    return pools.outputs(fitted.predict(pools.inputs(crops, pooling)), len(crops), pooling)


def _fits(rows: Vectors, targets: Scores, wanted: DeepBiqSvrSettings, seed: int) -> Iterator[Pipeline]:
    linear = wanted.kernel == "linear"
    axes = min(wanted.axes, *rows.shape)
    before = make_pipeline(StandardScaler(), *([] if linear else [PCA(axes, random_state=seed)]))
    prepared = before.fit_transform(rows)
    span = _RowSpace(prepared) if linear and rows.shape[1] > rows.shape[0] else None
    for setting in ParameterGrid({"C": wanted.c or _GRIDS[wanted.kernel], "epsilon": wanted.epsilon or EPSILON}):
        if linear:
            svr = LinearSVR(loss="squared_epsilon_insensitive", dual=False, **setting)
            # LIBLINEAR penalises the intercept like a weight; with centred targets it is close to 0.
            svr.fit(prepared if span is None else span.rows, targets - targets.mean())
            svr.intercept_ = svr.intercept_ + targets.mean()
            if span is not None:
                svr.coef_, svr.n_features_in_ = span.weights(svr.coef_), rows.shape[1]
        else:
            svr = SVR(**setting).fit(prepared, targets)
        yield Pipeline([*before.steps, ("svr", svr)])


class _RowSpace:
    """A matrix with more columns than rows, in coordinates of its row space.

    The weights of a linear regressor with a squared penalty lie in the row space, so the solution is the same. With 25
    concatenated vectors, the matrix becomes about ten times smaller.
    """

    def __init__(self, rows: Vectors) -> None:
        values, axes = np.linalg.eigh((rows @ rows.T).astype(np.float64))
        kept = values > 1e-6 * values[-1]
        lengths = np.sqrt(values[kept])
        self.rows = axes[:, kept] * lengths
        self._wide, self._axes = rows, axes[:, kept] / lengths

    def weights(self, coordinates: Scores) -> Scores:
        """Weights of the original columns."""
        found: Scores = self._wide.T @ (self._axes @ coordinates)
        return found
