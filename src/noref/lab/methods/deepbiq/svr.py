"""The support vector regressor on top, with C and epsilon chosen on photos that it did not learn from."""

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

from noref.lab.methods.deepbiq import pooling as pools
from noref.lab.methods.deepbiq.pooling import Pooling
from noref.lab.metrics.agreement import agreement

Vectors = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]

Kernel = Literal["linear", "rbf"]
"""linear is the paper's (LIBLINEAR, squared loss); rbf, on standardised features' principal axes, goes beyond it."""

_GRIDS = {"linear": (1e-4, 1e-3, 1e-2), "rbf": (0.1, 0.3, 1.0, 3.0)}  # of C
EPSILON = (0.005, 0.02)  # of opinions from 0 to 1
# Pooled predictions learn from single crops. The crops of a photo are much alike: more rows cost time and teach little. Time
# grows with the rows for the linear kernel, with their square for the other.
MOST_ROWS = {"linear": 20_000, "rbf": 6_000}


@dataclass(frozen=True)
class Regressor:
    """What to fit.

    Attributes:
        kernel: See `Kernel`.
        c, epsilon: Values to try; None for the usual ones of the kernel.
        axes: Principal axes to keep before the rbf kernel.
        seed: Of the search for principal axes.
    """

    kernel: Kernel = "linear"
    c: Sequence[float] | None = None
    epsilon: Sequence[float] | None = None
    axes: int = 256
    seed: int = 0


@dataclass(frozen=True)
class Choice:
    """A fitted regressor, the C and epsilon that it was fitted with, and its SRCC on the validation part."""

    fitted: Pipeline
    c: float
    epsilon: float
    srcc: float


def fit(crops: Vectors, mos: Scores, pooling: Pooling, regressor: Regressor) -> list[Pipeline]:
    """One pipeline for every C and epsilon to try, as `networks.heads.from_pipeline` takes them.

    Args:
        crops: photos x count x D.
        mos: Of the photos, from 0 to 1.
        pooling: What is learned from.
        regressor: What to fit.
    """
    if pooling.startswith("prediction"):
        crops = crops[:, : crops_to_learn_from(crops.shape[:2], regressor.kernel)]
    rows = pools.inputs(crops, pooling)
    each = len(rows) // len(mos)
    return list(_fits(rows, np.repeat(mos, each), regressor))


def crops_to_learn_from(shape: Sequence[int], kernel: Kernel) -> int:
    """How many crops of each photo pooled predictions learn from; shape is (photos, crops)."""
    photos, count = shape
    return min(count, max(1, MOST_ROWS[kernel] // photos))


def judge(fits: Sequence[Pipeline], crops: Vectors, mos: Scores, pooling: Pooling) -> list[Choice]:
    """Every fit with its SRCC on validation photos (-1 where it says the same of all)."""
    found = []
    for fitted in fits:
        srcc = agreement(predict(fitted, crops, pooling), mos)["srcc"]
        found.append(Choice(fitted, fitted[-1].C, fitted[-1].epsilon, -1.0 if math.isnan(srcc) else srcc))
    return found


def best(choices: Sequence[Choice]) -> Choice:
    """The one with the highest SRCC; of equal ones the first."""
    return max(choices, key=lambda choice: choice.srcc)


def predict(fitted: Pipeline, crops: Vectors, pooling: Pooling) -> Scores:
    """Scores of photos (photos x count x D), from 0 to 1 inside the opinions' scale."""
    return pools.outputs(fitted.predict(pools.inputs(crops, pooling)), len(crops), pooling)


def _fits(rows: Vectors, targets: Scores, regressor: Regressor) -> Iterator[Pipeline]:
    linear = regressor.kernel == "linear"
    axes = min(regressor.axes, *rows.shape)
    before = make_pipeline(StandardScaler(), *([] if linear else [PCA(axes, random_state=regressor.seed)]))
    prepared = before.fit_transform(rows)
    turn = _Turned(prepared) if linear and rows.shape[1] > rows.shape[0] else None
    for setting in ParameterGrid({"C": regressor.c or _GRIDS[regressor.kernel], "epsilon": regressor.epsilon or EPSILON}):
        if linear:
            svr = LinearSVR(loss="squared_epsilon_insensitive", dual=False, **setting)
            # LIBLINEAR shrinks the intercept like a weight; round the mean there is nothing to shrink.
            svr.fit(prepared if turn is None else turn.rows, targets - targets.mean())
            svr.intercept_ = svr.intercept_ + targets.mean()
            if turn is not None:
                svr.coef_, svr.n_features_in_ = turn.back(svr.coef_), rows.shape[1]
        else:
            svr = SVR(**setting).fit(prepared, targets)
        yield Pipeline([*before.steps, ("svr", svr)])


class _Turned:
    """Rows with more columns than there are rows, in coordinates of the space that they span.

    Laying 25 vectors end to end gives ten times as many columns as photos. A linear regressor with a squared penalty has its
    weights in the span of the rows, so this is the same problem, ten times smaller.
    """

    def __init__(self, rows: Vectors) -> None:
        values, axes = np.linalg.eigh((rows @ rows.T).astype(np.float64))
        kept = values > 1e-6 * values[-1]
        lengths = np.sqrt(values[kept])
        self.rows = axes[:, kept] * lengths
        self._wide, self._axes = rows, axes[:, kept] / lengths

    def back(self, weights: Scores) -> Scores:
        found: Scores = self._wide.T @ (self._axes @ weights)
        return found
