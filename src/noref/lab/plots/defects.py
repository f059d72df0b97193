"""Figures of predicted defects."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import RocCurveDisplay

from noref.lab.distortions.chains import FAMILIES, HIGHEST, Levels
from noref.lab.metrics.defects import Values


def draw(probabilities: Values, predicted: Values, levels: Levels) -> Figure:
    """ROC curves of all families, and the mean predicted level at each true one.

    Args:
        probabilities: As for `metrics.defects.by_family`.
        predicted: Likewise.
        levels: Likewise.
    """
    figure = Figure(figsize=(12, 5.4), layout="constrained")
    curves, strengths = figure.subplots(1, 2)
    for family, probability, guess, level in zip(FAMILIES, probabilities.T, predicted.T, levels.T, strict=True):
        if 0 < (level > 0).sum() < len(level):
            RocCurveDisplay.from_predictions(level > 0, probability, name=family, ax=curves)
        means = [guess[level == step].mean() if (level == step).any() else np.nan for step in range(HIGHEST + 1)]
        strengths.plot(range(HIGHEST + 1), means, marker="o", markersize=3, label=family)
    curves.set(title="there or not", xlabel="share of photos without it that are named", ylabel="share with it that are named")
    strengths.plot([0, HIGHEST], [0, HIGHEST], color="black", linewidth=0.8, linestyle=":")
    strengths.set(title="how strong", xlabel="true level", ylabel="mean predicted level")
    strengths.legend()
    return figure
