"""Perfect is 1, reversed is -1, constant is nothing."""

import numpy as np
import pytest

from noref.lab.evaluation.agreement import agreement, agreement_by_group

OPINIONS = np.random.default_rng(0).random(500)


def test_perfect_reversed_and_noise():
    assert agreement(OPINIONS, OPINIONS) == {"n": 500, "srcc": 1, "plcc": pytest.approx(1), "krcc": pytest.approx(1), "rmse": 0}
    backwards = agreement(-OPINIONS, OPINIONS)
    assert [backwards[name] for name in ("srcc", "plcc", "krcc")] == pytest.approx([-1, -1, -1])
    assert abs(agreement(np.random.default_rng(1).random(500), OPINIONS)["srcc"]) < 0.1


def test_constant_predictions_rank_nothing():
    assert np.isnan(agreement(np.ones(500), OPINIONS)["srcc"])


def test_missing_values_are_not_dropped():
    with pytest.raises(ValueError, match="finite"):
        agreement([1, np.nan, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="alike"):
        agreement([1, 2], [1, 2, 3])


def test_groups_stand_beside_the_whole():
    table = agreement_by_group(OPINIONS, OPINIONS, ["a", "b"] * 250)
    assert table["part"].tolist() == ["all", "a", "b"]
    assert table["n"].tolist() == [500, 250, 250]
