"""Measures of a classifier: accuracy and macro F1, each class against the rest, calibration, and confusion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import metrics

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
        One row per class: `class`, `n` (photos of it), `sensitivity`, `specificity`, `precision` and `f1` of the most probable
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
        One row per level: `level`, `n`, `accuracy`.

    Examples:
        >>> answers = Answers(np.array(["blur", "noise"]), np.array([[0.9, 0.1], [0.6, 0.4]]), ["blur", "noise"])
        >>> by_level(answers, pd.Series([1, 3])).to_numpy().tolist()
        [[1.0, 1.0, 1.0], [3.0, 1.0, 0.0]]
    """
    table = pd.DataFrame({"level": levels.to_numpy(), "right": answers.named == answers.true})
    return table.groupby("level")["right"].agg(n="size", accuracy="mean").reset_index().astype({"level": int})
