"""How well classes are predicted: accuracy and macro F1, each class against the rest, calibration, confusion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import metrics

BINS = 10  # of confidence


@dataclass(frozen=True, eq=False)
class Answers:
    """What a method said of n photos.

    Attributes:
        true: The class of each photo, n.
        probabilities: Of the classes, n x K.
        classes: Their names, K; every class in `true` is among them.
    """

    true: npt.NDArray[np.str_]
    probabilities: npt.NDArray[np.float64]
    classes: Sequence[str]

    @property
    def named(self) -> npt.NDArray[np.str_]:
        """The most probable class of each photo, n."""
        return np.array(self.classes)[self.probabilities.argmax(axis=1)]


def overall(answers: Answers) -> dict[str, float]:
    """One number for each thing that one number can tell.

    Returns:
        `n`, `accuracy`, `macro_f1` (over the classes that are there or were named), `mean_auc` (over the classes that have one)
        and `calibration_error` (expected, over `BINS`; lower is better).
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
    """Each class against the rest, a row each; NaN where there is nothing to measure on.

    Returns:
        `class`, `n` (photos of it), `sensitivity` (of them, the share named so), `specificity` (of the others, the share named
        otherwise), `precision` (of those named so, the share that is), `f1`, and `auc`, the area under the ROC curve.
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
    """Is a photo that is named with confidence p named rightly with probability p?

    Returns:
        A row for each of `BINS` equal ranges of confidence that has photos: `n`, mean `confidence`, `accuracy`.
    """
    confidence = answers.probabilities.max(axis=1)
    table = pd.DataFrame({"confidence": confidence, "accuracy": (answers.named == answers.true).astype(float)})
    bins = np.ceil(confidence * BINS)
    found = table.groupby(bins).agg(n=("accuracy", "size"), confidence=("confidence", "mean"), accuracy=("accuracy", "mean"))
    return found.reset_index(drop=True)


def confusion(answers: Answers) -> pd.DataFrame:
    """Photos of each class (rows, `true`) that were named as each (columns)."""
    counts = metrics.confusion_matrix(answers.true, answers.named, labels=list(answers.classes))
    return pd.DataFrame(counts, pd.Index(answers.classes, name="true"), list(answers.classes)).reset_index()


def by_level(answers: Answers, levels: "pd.Series[float]") -> pd.DataFrame:
    """`n` and `accuracy` of the photos of each `level` of distortion; those without one are left out."""
    table = pd.DataFrame({"level": levels.to_numpy(), "right": answers.named == answers.true})
    return table.groupby("level")["right"].agg(n="size", accuracy="mean").reset_index().astype({"level": int})
