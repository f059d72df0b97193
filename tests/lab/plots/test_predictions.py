"""Plots show every photo at a small size, or the reason why it cannot be read."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from noref.lab.plots import predictions as prediction_plots
from pictures import make_scene


def test_photos_without_a_type_are_drawn_too():
    mos = np.arange(6.0)
    kinds = ["jpeg", "jpeg", None, "blur", None, "blur"]
    figure = prediction_plots.scatter(pd.DataFrame({"predicted": mos, "mos": mos, "type": kinds}), "six")
    (axes,) = figure.axes
    assert sum(len(points.get_offsets()) for points in axes.collections) == 6
    assert "none" in [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize("predicted", [[1, 2, np.nan, 3, np.nan, 5, 4, 6], [2] * 8, [np.nan] + [2] * 7])
def test_failures_and_constant_predictions_are_drawn(predicted, save):
    for number in range(8):
        photo = save(f"{number}.png", make_scene(64, 80, seed=number))
    table = pd.DataFrame({"image": [f"{number}.png" for number in range(8)], "predicted": predicted, "mos": np.arange(8.0)})
    failed = int(np.isnan(predicted).sum())
    (axes,) = prediction_plots.scatter(table, "eight").axes
    assert f"n {8 - failed}, failed {failed}" in axes.get_title()
    panels = prediction_plots.extremes(table, photo.parent, "eight").axes
    assert len(panels) == 18
    assert all(panel.images for panel in panels[: min(6, 8 - failed)])


def test_large_photos_are_drawn_small(save):
    axes = Figure().subplots()
    prediction_plots.show_photo(axes, save("large.jpg", make_scene(1500, 2000)))
    assert axes.images[0].get_size() == (225, 300)


def test_a_photo_that_cannot_be_read_is_drawn_as_its_cause(tmp_path):
    Image.new("RGB", (90, 70)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    axes = Figure().subplots()
    prediction_plots.show_photo(axes, tmp_path / "a.png")
    assert "damaged" in axes.texts[0].get_text()
