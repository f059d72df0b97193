"""Weibull distributions, fitted by maximum likelihood."""

import numpy as np

from noref.lab.arrays import Values

ITERATIONS = 50  # of Newton's method, which needs about four
TOLERANCE = 1e-3  # last relative step of the shape; the error is about its square


def fit(values: Values) -> tuple[Values, Values]:
    """Scales and shapes, both of shape (n,), of n samples of positive values (n x m); infinite shapes of constant samples.

    The equation of the shape is that of A. C. Cohen (Technometrics 7(4), 1965), solved by Newton's method.

    Examples:
        >>> sample = 3 * np.random.default_rng(0).weibull(1.5, (1, 10_000))
        >>> scale, shape = fit(sample)
        >>> print(scale.round(1), shape.round(1))
        [3.] [1.5]
    """
    logarithms = np.log(values)
    largest = logarithms.max(axis=1, keepdims=True)
    logarithms -= largest  # so that no power overflows
    spread = logarithms.std(axis=1)
    varied = spread > 1e-12
    shape = np.full(len(values), np.inf)
    scale = np.exp(largest[:, 0])
    if varied.any():
        shape[varied] = _shape(logarithms[varied], np.pi / np.sqrt(6) / spread[varied])
        powers = np.exp(shape[varied, None] * logarithms[varied])
        scale[varied] *= powers.mean(axis=1) ** (1 / shape[varied])
    return scale, shape


def _shape(logarithms: Values, start: Values) -> Values:
    mean, shape = logarithms.mean(axis=1), start
    for _ in range(ITERATIONS):
        powers = np.exp(shape[:, None] * logarithms)
        total = powers.sum(axis=1)
        first = np.einsum("ij,ij->i", powers, logarithms) / total
        second = np.einsum("ij,ij,ij->i", powers, logarithms, logarithms) / total
        step = (first - mean - 1 / shape) / (second - first**2 + 1 / shape**2)
        shape = np.maximum(shape - step, shape / 10)
        if (np.abs(step) < TOLERANCE * shape).all():
            break
    return shape
