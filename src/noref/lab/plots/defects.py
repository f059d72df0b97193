"""Figures of predicted defects."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import RocCurveDisplay

from noref.lab.distortions.chains import FAMILIES, HIGHEST, Levels
from noref.lab.metrics.defects import Values


def draw(probabilities: Values, predicted: Values, levels: Levels) -> Figure:
    """Draw the ROC curves of all families, and the mean predicted level at each true level.

    Args:
        probabilities: As for `metrics.defects.by_family`.
        predicted: As for `metrics.defects.by_family`.
        levels: As for `metrics.defects.by_family`.
    """
    figure = Figure(figsize=(12, 5.4), layout="constrained")
    curves, level_axes = figure.subplots(1, 2)
    for family, probability, guess, level in zip(FAMILIES, probabilities.T, predicted.T, levels.T, strict=True):
        if 0 < (level > 0).sum() < len(level):
            RocCurveDisplay.from_predictions(level > 0, probability, name=family, ax=curves)
        means = [guess[level == step].mean() if (level == step).any() else np.nan for step in range(HIGHEST + 1)]
        level_axes.plot(range(HIGHEST + 1), means, marker="o", markersize=3, label=family)
    curves.set(title="presence", xlabel="false positive rate", ylabel="true positive rate")
    level_axes.plot([0, HIGHEST], [0, HIGHEST], color="black", linewidth=0.8, linestyle=":")
    level_axes.set(title="level", xlabel="true level", ylabel="mean predicted level")
    level_axes.legend()
    return figure
