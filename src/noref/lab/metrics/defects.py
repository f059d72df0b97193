"""Metrics of predicted defects: presence (ROC) and level (rank correlation) for each family."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_auc_score

from noref.lab.distortions.chains import FAMILIES, Levels
from noref.lab.metrics.agreement import agreement

Values = npt.NDArray[np.floating[Any]]


def by_family(probabilities: Values, predicted: Values, levels: Levels) -> pd.DataFrame:
    """The performance for each family of defects, after the mean over the families for which it is defined.

    Args:
        probabilities: Predicted probability of each defect, n x K.
        predicted: Predicted levels, n x K.
        levels: True levels, n x K; 0 if a defect is absent.

    Returns:
        Columns `part` ("mean", then families), `n`, `present` (number of photos with the defect), `auc` (photos with the defect
        against all others), `auc_from_2` (the same without photos that have it at level 1), `srcc` of the levels over the
        photos with the defect, and `srcc_all` over all photos. NaN where undefined.

    Examples:
        >>> levels = np.zeros((4, len(FAMILIES)), np.int64)
        >>> levels[:, 1] = [0, 1, 3, 5]  # focus blur
        >>> table = by_family(levels / 5, levels.astype(float), levels).set_index("part")
        >>> table.loc["focus blur", ["n", "present", "auc"]].tolist()
        [4.0, 3.0, 1.0]
    """
    rows = []
    for family, probability, guess, level in zip(FAMILIES, probabilities.T, predicted.T, levels.T, strict=True):
        present, plain = level > 0, level != 1
        rows.append(
            {
                "part": family,
                "n": len(level),
                "present": int(present.sum()),
                "auc": _auc(present, probability),
                "auc_from_2": _auc(present[plain], probability[plain]),
                "srcc": agreement(guess[present], level[present])["srcc"],
                "srcc_all": agreement(guess, level)["srcc"],
            }
        )
    table = pd.DataFrame(rows)
    figures = table.drop(columns=["part", "n", "present"])
    mean = {"part": "mean", "n": len(levels), "present": int((levels > 0).any(axis=1).sum()), **figures.mean()}
    return pd.concat([pd.DataFrame([mean]), table], ignore_index=True)


def confusions(probabilities: Values, levels: Levels) -> pd.DataFrame:
    """Mean probability of each family (columns) over the photos with a single defect, or none (rows, column `only`).

    Args:
        probabilities: Predicted probability of each defect, n x K.
        levels: True levels, n x K; 0 if a defect is absent.

    Examples:
        >>> levels = np.zeros((2, len(FAMILIES)), np.int64)
        >>> levels[1, 1] = 3
        >>> confusions((levels > 0).astype(float), levels)["only"].map(str).tolist()
        ['none', 'focus blur']
    """
    table = pd.DataFrame(probabilities, columns=list(FAMILIES))
    names = np.array(["none", *FAMILIES])
    count = (levels > 0).sum(axis=1)
    only = pd.Series(names[np.where(count > 0, levels.argmax(axis=1) + 1, 0)], name="only")
    means = table[count <= 1].groupby(only[count <= 1]).mean()
    return means.reindex([name for name in names if name in means.index]).reset_index()


def _auc(present: npt.NDArray[np.bool_], probability: Values) -> float:
    return float(roc_auc_score(present, probability)) if 0 < present.sum() < len(present) else float("nan")
