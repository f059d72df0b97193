"""Resampling by counts is resampling; intervals cover what they should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from noref.lab.metrics import bootstrap


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-9, 9, width=16)), min_size=2, max_size=25), st.integers(0, 99))
def test_counts_give_what_drawing_and_ranking_gives(both, seed):
    x, y = np.array(both, float).T
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=3)
    srcc, plcc = bootstrap.correlations(x, y, counts)
    for row, drawn in enumerate(counts):
        a, b = np.repeat(x, drawn), np.repeat(y, drawn)
        if min(np.ptp(a), np.ptp(b)) == 0:
            assert np.isnan([srcc[row], plcc[row]]).all()
        else:
            assert srcc[row] == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-9)
            assert plcc[row] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-6)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng, truth = np.random.default_rng(0), 0.8
    covered = []
    for seed in range(100):
        x, y = rng.multivariate_normal([0, 0], [[1, truth], [truth, 1]], 100).T
        low, high, undefined = bootstrap.intervals(x, y, resamples=300, seed=seed)["plcc"]
        assert undefined == 0
        covered.append(low <= truth <= high)
    assert 86 <= sum(covered) <= 100


def test_blocks_do_not_change_the_draw(monkeypatch):
    x, y = np.random.default_rng(0).random((2, 50))
    whole = bootstrap.intervals(x, y, seed=1)
    assert whole == bootstrap.intervals(x, y, seed=1)
    assert whole != bootstrap.intervals(x, y, seed=2)
    monkeypatch.setattr(bootstrap, "_CELLS", 500)
    assert whole == bootstrap.intervals(x, y, seed=1)


def test_perfect_has_no_width_and_constant_no_interval():
    x = np.random.default_rng(0).random(60)
    for sign in (1, -1):
        for interval in bootstrap.intervals(sign * x, x).values():
            assert interval == pytest.approx((sign, sign, 0))
    low, high, undefined = bootstrap.intervals(np.ones(60), x, resamples=10)["srcc"]
    assert np.isnan([low, high]).all()
    assert undefined == 10
    assert bootstrap.intervals([], [], resamples=10)["plcc"].undefined == 10
