"""Measures of a classifier: accuracy and macro F1, each class against the rest, calibration, and confusion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from sklearn import metrics

from noref.lab.datasets.rated import RatedImages
from noref.lab.tables import as_markdown

BINS = 10  # of confidence


@dataclass(frozen=True, eq=False)
class Answers:
    """Predictions of a classifier for n photos.

    Attributes:
        true: n names: the class of each photo.
        probabilities: n x K, 0 to 1, of each class.
        classes: K names; every class in `true` is among them.

    Examples:
        >>> answers = Answers(np.array(["blur", "noise"]), np.array([[0.9, 0.1], [0.6, 0.4]]), ["blur", "noise"])
        >>> answers.named.tolist()
        ['blur', 'blur']
    """

    true: npt.NDArray[np.str_]
    probabilities: npt.NDArray[np.float64]
    classes: Sequence[str]

    @property
    def named(self) -> npt.NDArray[np.str_]:
        """The most probable class of each photo, n names."""
        return np.array(self.classes)[self.probabilities.argmax(axis=1)]


def overall(answers: Answers) -> dict[str, float]:
    """Measures over all classes.

    Returns:
        `n`; `accuracy`; `macro_f1` over the classes that are present or predicted; `mean_auc` over the classes that have one;
        `calibration_error`, the expected calibration error over `BINS` bins of confidence (C. Guo et al., On Calibration of
        Modern Neural Networks, ICML 2017). All 0 to 1; the error is better when lower.

    Examples:
        >>> answers = Answers(np.array(["blur", "noise"]), np.array([[0.9, 0.1], [0.6, 0.4]]), ["blur", "noise"])
        >>> print("accuracy {accuracy:.2f}, macro F1 {macro_f1:.2f}, mean AUC {mean_auc:.2f}".format(**overall(answers)))
        accuracy 0.50, macro F1 0.33, mean AUC 1.00
    """
    true, named, bins = answers.true, answers.named, calibration(answers)
    return {
        "n": len(true),
        "accuracy": float(metrics.accuracy_score(true, named)),
        "macro_f1": float(metrics.f1_score(true, named, average="macro", zero_division=0)),
        "mean_auc": float(by_class(answers)["auc"].mean()),
        "calibration_error": float((bins["n"] * (bins["accuracy"] - bins["confidence"]).abs()).sum() / len(true)),
    }


def by_class(answers: Answers) -> pd.DataFrame:
    """Each class against the rest.

    Returns:
        One row a class: `class`, `n` (photos of it), `sensitivity`, `specificity`, `precision` and `f1` of the most probable
        class, and `auc`, the area under the ROC curve of its probability. All 0 to 1; NaN where undefined.

    Examples:
        >>> answers = Answers(np.array(["blur", "noise"]), np.array([[0.9, 0.1], [0.6, 0.4]]), ["blur", "noise"])
        >>> by_class(answers)[["class", "n", "sensitivity", "specificity"]].to_numpy().tolist()
        [['blur', 1, 1.0, 0.0], ['noise', 1, 0.0, 1.0]]
    """
    true, named, classes = answers.true, answers.named, list(answers.classes)
    precision, sensitivity, f1, count = metrics.precision_recall_fscore_support(
        true, named, labels=classes, zero_division=np.nan
    )
    rightly_not = metrics.multilabel_confusion_matrix(true, named, labels=classes)[:, 0, 0]
    others = len(true) - count
    auc = [
        metrics.roc_auc_score(true == name, column) if 0 < number < len(true) else np.nan
        for name, column, number in zip(classes, answers.probabilities.T, count, strict=True)
    ]
    return pd.DataFrame(
        {
            "class": classes,
            "n": count,
            "sensitivity": sensitivity,
            "specificity": np.divide(rightly_not, others, out=np.full(len(classes), np.nan), where=others > 0),
            "precision": precision,
            "f1": f1,
            "auc": auc,
        }
    )


def calibration(answers: Answers) -> pd.DataFrame:
    """Reliability: accuracy by confidence, the probability of the predicted class.

    Returns:
        One row for each of `BINS` bins of equal width that has photos: `n`, mean `confidence`, `accuracy`. An edge belongs to
        the bin below it.

    Examples:
        >>> answers = Answers(np.array(["blur", "noise"]), np.array([[0.9, 0.1], [0.6, 0.4]]), ["blur", "noise"])
        >>> calibration(answers).to_numpy().tolist()
        [[1.0, 0.6, 0.0], [1.0, 0.9, 1.0]]
    """
    confidence = answers.probabilities.max(axis=1)
    table = pd.DataFrame({"confidence": confidence, "accuracy": (answers.named == answers.true).astype(float)})
    bins = np.ceil(confidence * BINS)
    found = table.groupby(bins).agg(n=("accuracy", "size"), confidence=("confidence", "mean"), accuracy=("accuracy", "mean"))
    return found.reset_index(drop=True)


def confusion(answers: Answers) -> pd.DataFrame:
    """Confusion matrix: numbers of photos of each class (rows, `true`) by predicted class (columns).

    Examples:
        >>> answers = Answers(np.array(["blur", "noise"]), np.array([[0.9, 0.1], [0.6, 0.4]]), ["blur", "noise"])
        >>> confusion(answers).to_numpy().tolist()
        [['blur', 1, 0], ['noise', 1, 0]]
    """
    counts = metrics.confusion_matrix(answers.true, answers.named, labels=list(answers.classes))
    return pd.DataFrame(counts, pd.Index(answers.classes, name="true"), list(answers.classes)).reset_index()


def by_level(answers: Answers, levels: "pd.Series[float]") -> pd.DataFrame:
    """Accuracy by level of distortion.

    Args:
        answers: Of n photos.
        levels: n whole numbers, NaN for photos without one; these are left out.

    Returns:
        One row a level: `level`, `n`, `accuracy`.

    Examples:
        >>> answers = Answers(np.array(["blur", "noise"]), np.array([[0.9, 0.1], [0.6, 0.4]]), ["blur", "noise"])
        >>> by_level(answers, pd.Series([1, 3])).to_numpy().tolist()
        [[1.0, 1.0, 1.0], [3.0, 1.0, 0.0]]
    """
    table = pd.DataFrame({"level": levels.to_numpy(), "right": answers.named == answers.true})
    return table.groupby("level")["right"].agg(n="size", accuracy="mean").reset_index().astype({"level": int})


def report(test: RatedImages, answers: Answers, folder: Path, facts: Mapping[str, float]) -> pd.DataFrame:
    """Write all that is to be said of a test part into a results folder.

    These are `results.csv` (one row), `classes.csv`, `confusion.csv`, all in `results.md`; `predictions.csv` with the class
    named and a column p_CLASS for each probability; `confusion.png`, `roc.png` and `reliability.png`.

    Args:
        test: n photos.
        answers: Of them.
        folder: Where to write.
        facts: More for the one row, such as what learning took.

    Returns:
        The one row: `part`, all of `overall`, and `facts`.
    """
    results = pd.DataFrame([{"part": "all", **overall(answers), **facts}])
    tables = {"results": results, "classes": by_class(answers), "confusion": confusion(answers)}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    if "level" in test.table:
        tables["levels"] = by_level(answers, test.table["level"])
    (folder / "results.md").write_text("\n".join(map(as_markdown, tables.values())))
    columns = dict(zip((f"p_{name}" for name in answers.classes), answers.probabilities.T, strict=True))
    test.table.assign(predicted=answers.named, **columns).to_csv(folder / "predictions.csv", index=False)
    for name, figure in draw(answers).items():
        figure.savefig(folder / f"{name}.png", dpi=100)
    return results


def draw(answers: Answers) -> dict[str, Figure]:
    """Pictures `confusion` (photos; rows are true classes), `roc` (each class against the rest) and `reliability`."""
    figures = {name: Figure(figsize=(6, 5.5), layout="constrained") for name in ("confusion", "roc", "reliability")}
    matrix, curves, diagram = (figure.subplots() for figure in figures.values())
    counts = confusion(answers).drop(columns="true").to_numpy()
    shown = metrics.ConfusionMatrixDisplay(counts, display_labels=list(answers.classes))
    shown.plot(ax=matrix, xticks_rotation=45, colorbar=False, cmap="Blues")
    for name, column in zip(answers.classes, answers.probabilities.T, strict=True):
        if 0 < (answers.true == name).sum() < len(answers.true):
            metrics.RocCurveDisplay.from_predictions(answers.true == name, column, name=name, ax=curves)
    curves.set(xlabel="share of other photos named so", ylabel="share of its photos named so")
    bins = calibration(answers)
    diagram.plot([0, 1], [0, 1], color="grey", linestyle="--", label="as confident as right")
    diagram.plot(bins["confidence"], bins["accuracy"], marker="o", label="test photos by confidence")
    diagram.set(xlabel="confidence", ylabel="share of photos named rightly", xlim=(0, 1), ylim=(0, 1))
    diagram.legend()
    return figures
