"""The M test against a naive implementation; failures count as not falling."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noref.lab.metrics import monotonicity

ROWS = [
    (content, *version) for content in range(3) for version in [(None, 0), *itertools.product(["jpeg", "blur"], [1, 2, 3, 5])]
]


def table(scores) -> pd.DataFrame:
    """Three contents, undistorted and under two types at four levels."""
    return pd.DataFrame(ROWS, columns=["content", "type", "level"]).assign(score=scores)


def m_test(pool: pd.DataFrame) -> monotonicity.Monotonicity:
    return monotonicity.m_test(pool["score"], pool["content"], pool["type"], pool["level"])


@given(st.lists(st.sampled_from([0.0, 1, 2, np.nan, -np.inf, np.inf]), min_size=len(ROWS), max_size=len(ROWS)))
def test_m_is_the_share_of_pairs_that_fall(scores):
    known = dict(zip(ROWS, scores, strict=True))
    expected = {}
    for kind in ("blur", "jpeg"):
        steps = {}
        for before, after in [(0, 2), (1, 3), (3, 5)]:
            pairs = [(known[c, kind if before else None, before], known[c, kind, after]) for c in range(3)]
            steps[f"{before} to {after}"] = [np.isfinite(pair).all() and pair[1] < pair[0] for pair in pairs]
        expected[kind] = steps
    found = m_test(table(scores))
    for kind, row in found.types.set_index("type").iterrows():
        for step, falls in expected[kind].items():
            assert row[step] == pytest.approx(np.mean(falls))
        assert row["pairs"] == 9
        assert row["falling"] == np.sum(list(expected[kind].values()))
        assert row["share"] == row["falling"] / 9
    assert found.value == pytest.approx(np.mean([list(steps.values()) for steps in expected.values()]))
    assert found.failed == np.sum(~np.isfinite(scores))


@pytest.mark.parametrize(("slope", "value"), [(-1, 1), (0, 0), (1, 0)])
def test_right_way_round_constant_and_wrong(slope, value):
    pool = table(0.0)
    assert m_test(pool.assign(score=slope * pool["level"])).value == value


def test_a_failed_photo_counts_as_not_falling():
    pool = table(0.0)
    pool["score"] = -pool["level"].astype(float)
    pool.loc[0, "score"] = np.nan  # undistorted: the start of both types
    pool.loc[(pool["type"] == "jpeg") & (pool["level"] == 3), "score"] = -np.inf  # the end of one step, the start of another
    found = m_test(pool)
    assert found.types["failed"].tolist() == [1, 7]
    assert found.types["falling"].tolist() == [8, 2]
    assert found.value == pytest.approx(5 / 9)
    (row,) = found.as_row().to_dict("records")
    assert (row["test"], row["n"], row["failed"]) == ("M", 18, 4)
    assert "worst type: jpeg 0.222; worst step: jpeg 1 to 3 0.000" in row["note"]


def test_types_without_such_levels_are_named_and_left_out():
    pool = table(0.0)
    pool["score"] = -pool["level"]
    some = pool[(pool["type"] == "jpeg") | ((pool["type"] == "blur") & (pool["level"] < 3))]
    found = m_test(some)
    assert found.types["pairs"].tolist() == [0, 6]
    assert found.types["share"].isna().tolist() == [True, False]
    assert found.value == 1
    assert found.as_row()["note"].item().endswith("1 types without such levels left out")
    none = m_test(some[some["level"] == 1])
    assert np.isnan(none.value)
    assert none.as_row()["n"].item() == 0
