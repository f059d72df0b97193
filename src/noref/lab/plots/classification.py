"""Figures of classification results."""

from matplotlib.figure import Figure
from sklearn import metrics

from noref.lab.metrics.classification import Answers, calibration, confusion


def draw(answers: Answers) -> dict[str, Figure]:
    """Draw `confusion` (numbers of photos; rows are true classes), `roc` (each class against the rest) and `reliability`."""
    figures = {name: Figure(figsize=(6, 5.5), layout="constrained") for name in ("confusion", "roc", "reliability")}
    matrix, curves, diagram = (figure.subplots() for figure in figures.values())
    counts = confusion(answers).drop(columns="true").to_numpy()
    shown = metrics.ConfusionMatrixDisplay(counts, display_labels=list(answers.classes))
    shown.plot(ax=matrix, xticks_rotation=45, colorbar=False, cmap="Blues")
    for name, column in zip(answers.classes, answers.probabilities.T, strict=True):
        if 0 < (answers.true == name).sum() < len(answers.true):
            metrics.RocCurveDisplay.from_predictions(answers.true == name, column, name=name, ax=curves)
    curves.set(xlabel="false positive rate", ylabel="true positive rate")
    bins = calibration(answers)
    diagram.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfect calibration")
    diagram.plot(bins["confidence"], bins["accuracy"], marker="o", label="test photos")
    diagram.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    diagram.legend()
    return figures
