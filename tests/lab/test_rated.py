"""The table of photos and opinions refuses what would spoil results later."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from noref.lab import datasets
from noref.lab.datasets.rated import RatedImages

ROWS = pd.DataFrame({"image": ["b.png", "a.png"], "opinion": [1.0, 4.0], "content": ["x", "y"]})


def rated(table: pd.DataFrame = ROWS, scale: tuple[float, float] = (1, 5)) -> RatedImages:
    return RatedImages("test", Path("/data"), table, scale)


def test_opinions_paths_and_selection():
    both = rated()
    assert both.paths == [Path("/data/b.png"), Path("/data/a.png")]
    np.testing.assert_allclose(both.unit_opinions, [0, 0.75])
    assert both.select(["a.png"]).opinions.tolist() == [4.0]
    with pytest.raises(KeyError):
        both.select(["c.png"])


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (ROWS.drop(columns="content"), "lacks content"),
        (ROWS.assign(mos=1), "unknown columns mos"),
        (ROWS.assign(image="a.png"), "a.png is listed twice"),
        (ROWS.assign(opinion=[1, 6]), "within the scale 1 to 5"),
        (ROWS.assign(opinion=[1, np.nan]), "finite"),
    ],
)
def test_spoiled_tables_are_refused(table, says):
    with pytest.raises(ValueError, match=says):
        rated(table)


def test_biq2021_reads_its_layout(tmp_path):
    (tmp_path / "labels.csv").write_text("image,mos,subset,scene\nphotos/a.jpg,0.25,ss01,7\nphotos/b.jpg,0.5,ss02,07\n")
    found = datasets.read("biq2021", tmp_path)
    assert found.scale == (0, 1)
    assert found.table["content"].tolist() == ["7", "07"]  # a scene's name, not a number
    assert found.table["group"].tolist() == ["ss01", "ss02"]


def test_a_missing_database_says_what_was_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"labels\.csv is missing: expected a folder"):
        datasets.read("biq2021", tmp_path)
    with pytest.raises(KeyError, match="did you mean biq2021"):
        datasets.read("biq2012", tmp_path)
