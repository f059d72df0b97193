"""A support vector regressor, fitted by scikit-learn, stored as arrays, and evaluated in float64 by NumPy."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from sklearn.model_selection import ParameterGrid
from sklearn.svm import SVR, LinearSVR
from typing_extensions import Self

from noref.lab.arrays import Values
from noref.lab.errors import LabError
from noref.lab.files import read_text
from noref.lab.metrics.agreement import agreement
from noref.lab.settings import settings

Choices = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]


@settings
class SvrSettings:
    """The support vector regressor; what is given several values is chosen by SRCC on the validation part."""

    kernel: Literal["rbf", "linear"] = "rbf"
    """"rbf" on standardised features, or "linear" (squared loss) on features as they are, for many features."""
    c: Choices = (0.3, 1.0, 3.0, 10.0)
    """Values of C to try, for a MOS scaled to [0, 1]."""
    gamma: Choices = (0.01, 0.03, 0.1)
    """Values of gamma to try; without effect on the linear kernel."""
    epsilon: Choices = (0.02, 0.08)
    """Values of epsilon to try."""


@dataclass(frozen=True)
class Svr:
    """bias + sum of coefficients x kernel(support, (features - offset) x factor).

    Attributes:
        offset, factor: Of D features.
        supports: n x D support vectors; for the linear kernel, one row of weights.
        coefficients: Of n support vectors.
        bias: Shape ().
        gamma: Of the kernel exp(-gamma |x - y|^2), shape (); 0 for the linear kernel.
    """

    offset: Values
    factor: Values
    supports: Values
    coefficients: Values
    bias: Values
    gamma: Values

    def predict(self, features: Values) -> Values:
        """Predictions for n rows of features (n x D), shape (n,); each row is computed on its own."""
        return np.array([self._predict(row) for row in features])

    def _predict(self, features: Values) -> float:
        place = (features - self.offset) * self.factor
        if self.gamma:
            kernel = np.exp(-self.gamma * np.square(self.supports - place).sum(axis=1))
        else:
            kernel = (self.supports * place).sum(axis=1)
        return float((self.coefficients * kernel).sum() + self.bias)

    def of_distortion(self) -> Self:
        """The regressor of a MOS of 0 to 1, where this one predicts a DMOS of 0 to 100."""
        return replace(self, coefficients=-self.coefficients / 100, bias=1 - self.bias / 100)

    def arrays(self) -> dict[str, Values]:
        """The attributes by name, for a file."""
        return {name: np.asarray(value, np.float64) for name, value in asdict(self).items()}

    @classmethod
    def of(cls, arrays: Mapping[str, Values]) -> Self:
        """What `arrays` returned, of any precision; other names are ignored."""
        return cls(**{field.name: arrays[field.name].astype(np.float64) for field in fields(cls)})


def fit_svr(features: Values, targets: Values, checks: tuple[Values, Values], wanted: SvrSettings) -> Svr:
    """Fit regressors with all values of the settings, and return the one with the best SRCC on `checks`.

    Args:
        features: n x D, finite.
        targets: MOS scaled to [0, 1], shape (n,).
        checks: Features and targets of the validation part.
        wanted: Settings.
    """
    offset, factor = np.zeros(features.shape[1]), np.ones(features.shape[1])
    if wanted.kernel == "rbf":
        deviation = features.std(axis=0)
        offset, factor = features.mean(axis=0), 1 / np.where(deviation > 0, deviation, 1)
    grid = {"C": wanted.c, "epsilon": wanted.epsilon} | ({"gamma": wanted.gamma} if wanted.kernel == "rbf" else {})
    best, found = -math.inf, None
    for values in ParameterGrid(grid):
        one = _fitted((features - offset) * factor, targets, values, offset, factor)
        srcc = agreement(one.predict(checks[0]), checks[1])["srcc"]
        if found is None or srcc > best:
            best, found = -1.0 if math.isnan(srcc) else srcc, one
    assert found is not None, "the grid is never empty"
    return found


def _fitted(inputs: Values, targets: Values, values: Mapping[str, float], offset: Values, factor: Values) -> Svr:
    if "gamma" in values:
        machine = SVR(**values, cache_size=500).fit(inputs, targets)
        supports, coefficients, gamma = machine.support_vectors_, machine.dual_coef_[0], values["gamma"]
        bias = machine.intercept_[0]
    else:
        # LIBLINEAR penalises the intercept like a weight; with centred targets it is close to 0.
        machine = LinearSVR(loss="squared_epsilon_insensitive", dual="auto", random_state=0, max_iter=10_000, **values)
        machine.fit(inputs, targets - targets.mean())
        supports, coefficients, gamma = machine.coef_[None], np.ones(1), 0.0
        bias = np.ravel(machine.intercept_)[0] + targets.mean()
    return Svr(offset, factor, supports, coefficients, np.asarray(bias), np.asarray(gamma))


def from_libsvm(model: Path, ranges: Path) -> Svr:
    """A regressor that LIBSVM's svm-train wrote, with the ranges of features that its svm-scale wrote.

    Args:
        model: Text of an epsilon- or nu-SVR with an RBF kernel.
        ranges: Text of the ranges, for the features (x).

    Raises:
        LabError: A file cannot be read, or holds something else.
    """
    try:
        header, _, vectors = read_text(model).partition("\nSV\n")
        facts = dict(line.split(maxsplit=1) for line in header.splitlines())
        if facts["svm_type"] not in ("epsilon_svr", "nu_svr") or facts["kernel_type"] != "rbf":
            raise LabError(f"{model} is not a regressor with an RBF kernel; give one of those")
        kind, interval, *lines = (line.split() for line in read_text(ranges).splitlines() if line.strip())
        low, high = np.array(interval, np.float64)
        bounds = np.array([line[1:] for line in lines], np.float64)
        lines = [line.split() for line in vectors.splitlines()]
        supports = np.zeros((len(lines), len(bounds)))
        for row, (_, *entries) in zip(supports, lines, strict=True):
            for entry in entries:
                index, _, value = entry.partition(":")
                row[int(index) - 1] = float(value)
        if kind != ["x"] or len(lines) != int(facts["total_sv"]):
            raise LabError(f"{model} or {ranges} is incomplete; copy them again")
        coefficients = np.array([line[0] for line in lines], np.float64)
        bias, gamma = -np.array(facts["rho"], np.float64), np.array(facts["gamma"], np.float64)
    except (KeyError, ValueError, IndexError) as error:
        raise LabError(f"{model} is not a LIBSVM model, or {ranges} not the ranges of its features ({error})") from error
    factor = (high - low) / (bounds[:, 1] - bounds[:, 0])
    return Svr(bounds[:, 0] - low / factor, factor, supports, coefficients, bias, gamma)
