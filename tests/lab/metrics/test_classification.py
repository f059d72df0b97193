"""Metrics of a classifier on a small example, and the files of its report."""

import numpy as np
import pandas as pd
import pytest

from noref.lab.datasets.rated import RatedImages
from noref.lab.evaluation.report import report
from noref.lab.methods.base import ClassifyingMethod
from noref.lab.metrics import classification
from noref.lab.metrics.classification import Answers
from noref.lab.plots import classification as plots
from noref.lab.settings import settings

CLASSES = ["blur", "clean", "noise"]


def answers() -> Answers:
    """Two blurred photos (one predicted as pristine), two pristine ones, and no noise, though one is predicted."""
    probabilities = np.array([[0.9, 0.1, 0.0], [0.35, 0.55, 0.1], [0.0, 1.0, 0.0], [0.1, 0.3, 0.6]])
    return Answers(np.array(["blur", "blur", "clean", "clean"]), probabilities, CLASSES)


def test_each_class_against_the_rest():
    found = classification.by_class(answers()).set_index("class")
    assert found.loc["blur"].to_dict() == pytest.approx(
        {"n": 2, "sensitivity": 1 / 2, "specificity": 1, "precision": 1, "f1": 2 / 3, "auc": 1}
    )
    assert found.loc["clean"].to_dict() == pytest.approx(
        {"n": 2, "sensitivity": 1 / 2, "specificity": 1 / 2, "precision": 1 / 2, "f1": 1 / 2, "auc": 3 / 4}
    )
    noise = found.loc["noise"]
    assert noise[["n", "specificity", "precision"]].tolist() == [0, 3 / 4, 0]
    assert noise[["sensitivity", "auc"]].isna().all()


def test_one_number_each():
    found = classification.overall(answers())
    assert found == {
        "n": 4,
        "accuracy": 0.5,
        "macro_f1": pytest.approx((2 / 3 + 1 / 2 + 0) / 3),
        "mean_auc": pytest.approx(7 / 8),
        "calibration_error": pytest.approx((0.1 + 0.55 + 0 + 0.6) / 4),
    }


def test_calibration_puts_an_edge_into_the_bin_below_it():
    probabilities = np.array([[0.9, 0.1], [0.85, 0.15], [0.05, 0.95]])
    found = classification.calibration(Answers(np.array(["a", "b", "b"]), probabilities, ["a", "b"]))
    assert found.to_dict("list") == {"n": [2, 1], "confidence": [pytest.approx(0.875), 0.95], "accuracy": [0.5, 1]}


@settings
class Nothing:
    """No settings."""


class Fixed(ClassifyingMethod[Nothing]):
    """Predicts `answers`."""

    settings_type = Nothing
    classes_ = answers().classes

    def predict_proba(self, images):
        return answers().probabilities

    def fit(self, rated, validation, folder):
        return self

    def save(self, folder):
        raise NotImplementedError

    @classmethod
    def load(cls, folder):
        raise NotImplementedError


def test_a_report_is_complete(tmp_path):
    images = [f"{i}.png" for i in range(4)]
    table = pd.DataFrame({"image": images, "content": images, "type": answers().true, "level": [2, 5, 0, 0], "mos": 0.0})
    test = RatedImages("mine", tmp_path, table, (0, 1))
    results = report(Fixed(), test, tmp_path)
    tables, pictures = {"classes.csv", "confusion.csv", "results.csv"}, {"confusion.png", "reliability.png", "roc.png"}
    assert {path.name for path in tmp_path.iterdir()} == tables | pictures | {"predictions.csv", "results.md"}
    assert results.loc[0, ["part", "accuracy"]].tolist() == ["all", 0.5]
    assert pd.read_csv(tmp_path / "confusion.csv").to_dict("split")["data"] == [
        ["blur", 1, 1, 0],
        ["clean", 0, 1, 1],
        ["noise", 0, 0, 0],
    ]
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    assert predictions["predicted"].tolist() == ["blur", "clean", "clean", "noise"]
    assert predictions["p_noise"].tolist() == [0, 0.1, 0, 0.6]
    text = (tmp_path / "results.md").read_text()
    assert "| clean | 2 | 0.500 | 0.500 | 0.500 | 0.500 | 0.750 |" in text
    assert "| 5 | 1 | 0.000 |" in text  # accuracy by level


def test_figures_agree_with_the_tables():
    figures = plots.draw(answers())
    shown = [text.get_text() for text in figures["confusion"].axes[0].texts]
    assert shown == ["1", "1", "0", "0", "1", "1", "0", "0", "0"]
    assert [line.get_label().split(" ")[0] for line in figures["roc"].axes[0].lines] == ["blur", "clean"]
    bins = figures["reliability"].axes[0].lines[1]
    np.testing.assert_allclose(bins.get_ydata(), [0, 1, 1])
