"""Test photos with MOS and predicted score."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noref.lab.errors import LabError
from noref.lab.plots import photos


@pytest.fixture(scope="module")
def run(rated, tmp_path_factory) -> Path:
    """Predictions of a run on all photos: 1 - MOS, so that the errors are large."""
    folder = tmp_path_factory.mktemp("run")
    rated.table.assign(predicted=1 - rated.table["mos"]).to_csv(folder / "predictions.csv", index=False)
    return folder


def test_evenly_spaced_goes_from_the_worst_to_the_best_in_even_steps():
    mos = [0.1, 0.9, 0.12, 0.5, 0.31, 0.7, 0.11, 0.5]
    table = pd.DataFrame({"mos": mos})
    assert [mos[row] for row in photos.evenly_spaced(table, 5)] == [0.1, 0.31, 0.5, 0.7, 0.9]
    assert photos.evenly_spaced(table, 5)[2] == 3  # of two alike the first
    assert photos.evenly_spaced(pd.DataFrame({"mos": [0.1, 0.9, 0.1]}), 4) == [0, 1]


def test_largest_errors_are_in_descending_order_whatever_their_sign():
    table = pd.DataFrame({"mos": [0.5, 0.2, 0.9, 0.4], "predicted": [0.5, 0.9, 0.1, 0.5]})
    assert photos.largest_errors(table, 3) == [2, 1, 3]


def test_failed_photos_are_left_out(tmp_path):
    pd.DataFrame({"image": ["a", "b"], "mos": [0.1, 0.2], "predicted": [np.nan, 0.3]}).to_csv(tmp_path / "predictions.csv")
    assert photos.read_predictions(tmp_path)["image"].tolist() == ["b"]


@pytest.mark.parametrize("answers", [{"predicted": ["jpeg"], "mos": [0.0]}, {"predicted": [3.5], "probability": [0.9]}])
def test_predictions_other_than_scores_are_not_drawn(answers, tmp_path):
    pd.DataFrame({"image": ["a"], **answers}).to_csv(tmp_path / "predictions.csv")
    with pytest.raises(LabError, match="predicts classes or defects instead of scores"):
        photos.read_predictions(tmp_path)


def test_photos_carry_both_scores(run, rated):
    predictions = photos.read_predictions(run)
    figure = photos.draw(predictions, "biq2021", rated.folder, "Mine")
    again = photos.draw(predictions, "biq2021", rated.folder, "Mine")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [axes.get_title() for axes in again.axes]
    low, high = rated.mos.min(), rated.mos.max()
    assert titles[0] == f"MOS {low:.2f}, predicted {1 - low:.2f}"
    assert f"MOS {high:.2f}, predicted {1 - high:.2f}" in titles[: photos.COLUMNS]
    worst = max(rated.mos, key=lambda mos: abs(1 - 2 * mos))
    assert titles[photos.COLUMNS] == f"MOS {worst:.2f}, predicted {1 - worst:.2f}"
    shown = rated.table.set_index("mos")["image"][low]
    np.testing.assert_array_equal(
        np.asarray(figure.axes[0].images[0].get_array()), np.asarray(Image.open(rated.folder / shown))
    )
