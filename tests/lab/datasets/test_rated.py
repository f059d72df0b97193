"""The table of photos and opinions refuses what would distort results later."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError

ROWS = pd.DataFrame({"image": ["b.png", "a.png"], "mos": [1.0, 4.0], "content": ["x", "y"]})


def rated(table: pd.DataFrame = ROWS, mos_range: tuple[float, float] = (1, 5)) -> RatedImages:
    return RatedImages("test", Path("/data"), table, mos_range)


def test_opinions_paths_and_selection():
    both = rated()
    assert both.paths == [Path("/data/b.png"), Path("/data/a.png")]
    np.testing.assert_allclose(both.unit_mos, [0, 0.75])
    assert both.select(["a.png"]).mos.tolist() == [4.0]
    with pytest.raises(KeyError):
        both.select(["c.png"])


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (ROWS.assign(rating=1), "unknown columns rating"),
        (ROWS.assign(image="a.png"), "a.png is listed twice"),
        (ROWS.assign(mos=[1, 6]), "within the scale 1 to 5"),
        (ROWS.assign(mos=[1, np.nan]), "finite"),
        (ROWS.assign(content=["x", None]), "content is empty in row 1"),
        (ROWS.assign(mos_std=[0.5, -1]), "cannot be negative"),
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
        rated(mos_range=(5, 1))


def test_an_official_split_travels_with_a_selection():
    split = rated(ROWS.assign(part=["train", "test"]))
    assert split.select(["a.png"]).table["part"].tolist() == ["test"]
