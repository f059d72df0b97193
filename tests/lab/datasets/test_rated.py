"""The table of photos and opinions refuses what would spoil results later."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError

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
        (ROWS.assign(mos=1), "unknown columns mos"),
        (ROWS.assign(image="a.png"), "a.png is listed twice"),
        (ROWS.assign(opinion=[1, 6]), "within the scale 1 to 5"),
        (ROWS.assign(opinion=[1, np.nan]), "finite"),
        (ROWS.assign(content=["x", None]), "content is empty in row 1"),
        (ROWS.assign(spread=[0.5, -1]), "cannot be negative"),
        (ROWS.assign(part=["train", "training"]), "must be train, validation, test"),
    ],
)
def test_spoiled_tables_are_refused(table, says):
    with pytest.raises(LabError, match=says):
        rated(table)


def test_a_table_without_a_needed_column_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="lacks content"):
        rated(ROWS.drop(columns="content"))


def test_a_scale_must_rise():
    with pytest.raises(LabError, match="must rise, not go from 5 to 1"):
        rated(scale=(5, 1))


def test_an_official_split_travels_with_a_selection():
    split = rated(ROWS.assign(part=["train", "test"]))
    assert split.select(["a.png"]).table["part"].tolist() == ["test"]
