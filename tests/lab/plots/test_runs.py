"""Figures of a finished experiment: first-layer kernels, and photos with true and predicted score."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from noref.cli import app
from noref.lab.errors import LabError
from noref.lab.methods.diqa.method import DiqaMethod
from noref.lab.plots import runs


def call(*arguments: object):
    return CliRunner().invoke(app, ["lab", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(rated, tmp_path_factory) -> Path:
    """A results folder as a DIQA run leaves it; what it predicts is the opinion turned round, so that it errs by much."""
    folder = tmp_path_factory.mktemp("runs") / "diqa"
    method = DiqaMethod.configured({"stage1": {"epochs": 0}})
    torch.manual_seed(0)
    method.mos_range_, method.network_ = (0.0, 1.0), method.build_network(pretrained=False)
    method.save(folder / "model")
    (folder / "recipe.yaml").write_text("method: diqa\nsplit: official\nseed: 0\ndatabase: biq2021\n")
    rated.table.assign(predicted=1 - rated.table["mos"]).to_csv(folder / "predictions.csv", index=False)
    return folder


def picture(figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def test_the_first_layer_is_the_one_that_sees_the_photo(run):
    weights = runs.first_layer(run)
    assert weights.shape == (48, 1, 3, 3)
    torch.testing.assert_close(weights, DiqaMethod.load(run / "model").network_.scores.stage1.trunk[0].weight)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_kernel_is_scaled_by_its_own_largest_weight_and_grey_is_nothing(channels):
    weights = torch.zeros(5, channels, 4, 4)
    weights[1, 0, 0, 0], weights[1, 0, 1, 1], weights[2, 0, 3, 3] = 2.0, -1.0, -100.0
    figure = runs.kernels(weights, "Mine")
    tiles = picture(figure)
    assert tiles.shape == (2 * 5 + 1, 3 * 5 + 1, 3)  # three a row, a pixel between
    assert (tiles[1:5, 1:5] == 0.5).all()
    np.testing.assert_allclose([tiles[1, 6, 0], tiles[2, 7, 0], tiles[3, 8, 0], tiles[4, 14, 0]], [1, 0.25, 0.5, 0])
    assert (tiles[1, 6, 1:] == (0.5 if channels == 3 else 1)).all()
    assert figure.axes[0].get_title() == "Mine: 5 kernels of 4 x 4\neach divided by its own largest weight; grey is 0"


def test_a_method_without_a_network_is_refused(run, monkeypatch):
    class Statistics:
        name = "brisque"

    monkeypatch.setattr(runs.experiment, "load_model", lambda _: Statistics())
    with pytest.raises(LabError, match="brisque, which has no convolutional network"):
        runs.first_layer(run)


def test_evenly_spaced_goes_from_the_worst_to_the_best_in_even_steps():
    mos = [0.1, 0.9, 0.12, 0.5, 0.31, 0.7, 0.11, 0.5]
    table = pd.DataFrame({"mos": mos})
    assert [mos[row] for row in runs.evenly_spaced(table, 5)] == [0.1, 0.31, 0.5, 0.7, 0.9]
    assert runs.evenly_spaced(table, 5)[2] == 3  # of two alike the first
    assert runs.evenly_spaced(pd.DataFrame({"mos": [0.1, 0.9, 0.1]}), 4) == [0, 1]


def test_misses_are_the_largest_errors_either_way_worst_first():
    table = pd.DataFrame({"mos": [0.5, 0.2, 0.9, 0.4], "predicted": [0.5, 0.9, 0.1, 0.5]})
    assert runs.misses(table, 3) == [2, 1, 3]


def test_failed_photos_are_left_out(tmp_path):
    pd.DataFrame({"image": ["a", "b"], "mos": [0.1, 0.2], "predicted": [np.nan, 0.3]}).to_csv(tmp_path / "predictions.csv")
    assert runs.read_predictions(tmp_path)["image"].tolist() == ["b"]


@pytest.mark.parametrize("answers", [{"predicted": ["jpeg"], "mos": [0.0]}, {"predicted": [3.5], "probability": [0.9]}])
def test_answers_that_are_no_scores_are_not_drawn(answers, tmp_path):
    pd.DataFrame({"image": ["a"], **answers}).to_csv(tmp_path / "predictions.csv")
    with pytest.raises(LabError, match="predicts classes or defects instead of scores"):
        runs.read_predictions(tmp_path)


def test_photos_carry_both_scores(run, rated):
    predictions = runs.read_predictions(run)
    figure = runs.photos(predictions, "biq2021", rated.folder, "Mine")
    again = runs.photos(predictions, "biq2021", rated.folder, "Mine")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [axes.get_title() for axes in again.axes]
    low, high = rated.mos.min(), rated.mos.max()
    assert titles[0] == f"people {low:.2f}, method {1 - low:.2f}"
    assert f"people {high:.2f}, method {1 - high:.2f}" in titles[: runs.EACH]
    worst = max(rated.mos, key=lambda mos: abs(1 - 2 * mos))
    assert titles[runs.EACH] == f"people {worst:.2f}, method {1 - worst:.2f}"
    shown = rated.table.set_index("mos")["image"][low]
    np.testing.assert_array_equal(picture(figure), np.asarray(Image.open(rated.folder / shown)))


def test_both_commands(run, database, tmp_path):
    for arguments in (["kernels", run], ["photos", run, "--data", f"biq2021={database}"]):
        out = tmp_path / f"{arguments[0]}.png"
        result = call(*arguments, "--out", out)
        assert result.exit_code == 0, result.stderr
        assert result.stdout == f"wrote {out}\n"
        with Image.open(out) as drawn:
            assert min(drawn.size) > 200


def test_wrong_usage_ends_with_2_and_says_why(run, database, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (64, 64)).save(other / "x.png")
    (other / "labels.csv").write_text("image,mos,subset,scene\nx.png,0.5,a,1\n")
    for arguments, says in (
        (["kernels", tmp_path / "none"], "none"),
        (["photos", tmp_path / "none", "--data", f"biq2021={database}"], "holds no finished experiment"),
        (["photos", run, "--data", f"biq2021={other}"], "lacks 30 photos of the run"),
        (["photos", run, "--data", f"biq2012={database}"], "did you mean biq2021"),
        (["photos", run, "--data", "biq2021"], "takes NAME=VALUE"),
    ):
        result = call(*arguments, "--out", tmp_path / "out.png")
        assert result.exit_code == 2
        assert says in result.stderr
    assert not (tmp_path / "out.png").exists()
