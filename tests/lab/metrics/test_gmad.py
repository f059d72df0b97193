"""The pairs found are the most different ones within a level."""

import numpy as np
import pandas as pd
import pytest

from noref.lab.metrics import gmad


def test_each_level_gives_its_largest_gap():
    rng = np.random.default_rng(0)
    images = [f"{i}.png" for i in range(200)]
    defender, attacker = rng.random(200), rng.random(200)
    found = gmad.find_pairs(images, defender, attacker, levels=5)
    assert found["level"].tolist() == [1, 2, 3, 4, 5]
    assert found["n"].sum() == 200
    for row in found.itertuples():
        inside = (defender >= row.low) & ((defender < row.high) | (row.level == 5))
        assert inside.sum() == row.n
        assert row.gap == pytest.approx(np.ptp(attacker[inside]))
        better, worse = images.index(row.better), images.index(row.worse)
        assert inside[[better, worse]].all()
        assert attacker[better] - attacker[worse] == pytest.approx(row.gap)
        assert defender[better] - defender[worse] == pytest.approx(row.defender_gap)
        assert abs(row.defender_gap) <= row.high - row.low + 1e-12


def test_lonely_photos_make_no_pair_and_equal_ones_make_two():
    found = gmad.find_pairs(list("abc"), [0, 0, 10], [5, 5, 9], levels=2)
    assert found[["level", "n", "gap"]].to_numpy().tolist() == [[1, 2, 0]]
    assert {found["better"][0], found["worse"][0]} == {"a", "b"}
    assert gmad.find_pairs(list("abcd"), [0, 0, 1, 2], [1, 2, 3, 4], levels=2)["n"].tolist() == [2, 2]  # an end belongs above
    assert len(gmad.find_pairs(list("abc"), [1, 1, 1], [1, 2, 3], levels=4)) == 1


def test_methods_take_turns():
    scores = pd.DataFrame({"one": [1.0, 2, 3, 4], "two": [4.0, 1, 3, 2]}, index=list("abcd"))
    found = gmad.duel(scores, levels=1)
    assert found[["defender", "attacker"]].to_numpy().tolist() == [["one", "two"], ["two", "one"]]
    assert found[["better", "worse"]].to_numpy().tolist() == [["a", "b"], ["d", "a"]]
    assert found["defender_gap"].tolist() == [-1, -2]


@pytest.mark.parametrize(
    ("defender", "levels", "says"), [([1, 2], 1, "same length"), ([1, np.nan, 2], 1, "finite"), ([1, 2, 3], 0, "at least two")]
)
def test_input_without_pairs_is_refused(defender, levels, says):
    with pytest.raises(ValueError, match=says):
        gmad.find_pairs(list("abc"), defender, [1, 2, 3], levels)
