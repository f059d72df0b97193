"""`RatedImages` refuses invalid tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError

ROWS = pd.DataFrame({"image": ["b.png", "a.png"], "mos": [1.0, 4.0], "content": ["x", "y"]})


def rated(table: pd.DataFrame = ROWS, mos_range: tuple[float, float] = (1, 5)) -> RatedImages:
    return RatedImages("test", Path("/data"), table, mos_range)


def test_mos_paths_and_selection():
    both = rated()
    assert both.paths == [Path("/data/b.png"), Path("/data/a.png")]
    np.testing.assert_allclose(both.unit_mos, [0, 0.75])
    assert both.select(["a.png"]).mos.tolist() == [4.0]
    with pytest.raises(KeyError):
        both.select(["c.png"])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (ROWS.assign(rating=1), "unknown columns rating"),
        (ROWS.assign(image="a.png"), "a.png is listed twice"),
        (ROWS.assign(image=["x/a.png", "./x/a.png"]), "x/a.png and ./x/a.png are the same file; remove one"),
        (ROWS.assign(image=["a.png", "/data/b/../a.png"]), "are the same file"),
        (ROWS.assign(mos=[1, 6]), r"within the range 1 to 5, not 6 as for a\.png \(1 in total\)"),
        (ROWS.assign(mos=[1, np.nan]), r"finite, not nan as for a\.png"),
        (ROWS.assign(content=["x", None]), "content is empty in row 1"),
        (ROWS.assign(mos_std=[0.5, -1]), "cannot be negative"),
        (
            ROWS.assign(part=["train", "training"]),
            r"must be train, validation, test for .*, not 'training' as for a\.png",
        ),
    ],
)
def test_invalid_tables_are_refused(table, message):
    with pytest.raises(LabError, match=message):
        rated(table)


def test_a_missing_column_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="lacks content"):
        rated(ROWS.drop(columns="content"))


def test_mos_range_must_rise():
    with pytest.raises(LabError, match="must rise, not go from 5 to 1"):
        rated(mos_range=(5, 1))


def test_a_selection_keeps_the_official_split():
    split = rated(ROWS.assign(part=["train", "test"]))
    assert split.select(["a.png"]).table["part"].tolist() == ["test"]


def test_another_photo_of_the_same_size_is_other_data(tmp_path):
    rated = RatedImages("mine", tmp_path, pd.DataFrame({"image": ["a.bmp"], "mos": [1.0], "content": ["a"]}), (0, 1))
    (tmp_path / "a.bmp").write_bytes(b"photo")
    before = rated.fingerprint()
    (tmp_path / "a.bmp").write_bytes(b"other")
    assert rated.fingerprint() != before
    (tmp_path / "a.bmp").write_bytes(b"photo")
    assert rated.fingerprint() == before
