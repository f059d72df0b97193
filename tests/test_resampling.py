"""Intervals of paired differences have about their nominal coverage, tests about their nominal size."""

import itertools

import numpy as np
import pytest
from scipy import stats

from noref import resampling

RNG = np.random.default_rng(0)
KINDS = {
    "normal": RNG.normal(size=(30, 600)),
    "heavy tails": RNG.standard_t(3, size=(30, 600)),
    "mostly ties": RNG.normal(size=(30, 600)) * (RNG.random((30, 600)) < 0.3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_have_their_nominal_coverage(kind):
    low, high = resampling.mean_intervals(KINDS[kind], resamples=500).T
    covered = np.mean((low <= 0) & (high >= 0))
    assert 0.92 <= covered <= 0.98  # three standard errors of .95 over 600 trials are .027


@pytest.mark.parametrize("kind", KINDS)
def test_equal_systems_differ_significantly_as_often_as_the_level_at_most(kind):
    p = resampling.sign_flips(KINDS[kind], patterns=999)
    assert np.mean(p <= 0.05) <= 0.077
    assert np.mean(p <= 0.5) <= 0.56
    if kind != "mostly ties":  # there the test is conservative
        assert np.mean(p <= 0.05) >= 0.025


def test_an_interval_is_the_t_interval_where_differences_are_normal():
    values = np.random.default_rng(1).normal(3, 2, size=(200, 1))
    expected = stats.t.interval(0.95, 199, values.mean(), stats.sem(values[:, 0]))
    assert resampling.mean_intervals(values)[0] == pytest.approx(expected, abs=0.03)


def test_quantiles_of_student_t():
    for freedom, probability in itertools.product((4, 9, 1000), (0.9, 0.975)):
        assert resampling._t_quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), abs=1e-3)


def test_few_pictures_and_equal_figures_have_no_interval():
    assert np.isnan(resampling.mean_intervals(np.arange(4.0)[:, None])).all()
    assert np.isfinite(resampling.mean_intervals(np.arange(5.0)[:, None])).all()
    assert np.isnan(resampling.mean_intervals(np.full((30, 1), 0.1))).all()


def test_few_differences_are_tested_exactly():
    values = np.array([[1.0], [2.0], [-0.5], [3.0], [0.0]])
    signs = np.array(list(itertools.product([1, -1], repeat=5)))
    expected = np.mean(np.abs(signs @ values[:, 0]) >= values.sum() - 1e-9)
    assert resampling.sign_flips(values) == pytest.approx([expected])


def test_random_patterns_agree_with_all_patterns(monkeypatch):
    values = np.random.default_rng(2).normal(0.5, 1, size=(12, 3))
    exact = resampling.sign_flips(values)
    monkeypatch.setattr(resampling, "_EXACT", 0)
    assert resampling.sign_flips(values) == pytest.approx(exact, abs=0.02)
    assert resampling.sign_flips(np.full((50, 1), 2.0)) == 1 / 10_000  # of the observed pattern alone


def test_the_direction_does_not_matter_and_ties_have_p_1():
    values = np.random.default_rng(3).normal(0.3, 1, size=(50, 1))
    assert resampling.sign_flips(-values) == resampling.sign_flips(values)
    low, high = resampling.mean_intervals(values)[0]
    assert resampling.mean_intervals(-values)[0] == pytest.approx([-high, -low])
    assert resampling.sign_flips(np.zeros((50, 1))) == 1


def test_blocks_and_runs_do_not_change_the_results(monkeypatch):
    values = np.random.default_rng(4).normal(0.3, 1, size=(50, 2))
    intervals, p = resampling.mean_intervals(values), resampling.sign_flips(values)
    monkeypatch.setattr(resampling, "_CELLS", 1000)
    np.testing.assert_array_equal(resampling.mean_intervals(values), intervals)
    np.testing.assert_array_equal(resampling.sign_flips(values), p)
    assert (resampling.mean_intervals(values, seed=1) != intervals).all()


def test_holm_by_hand():
    np.testing.assert_allclose(resampling.holm([0.02, 0.01, np.nan, 0.04]), [0.04, 0.03, np.nan, 0.04])
    np.testing.assert_allclose(resampling.holm([0.5, 0.9, 0.4]), [1, 1, 1])
    assert resampling.holm([]).shape == (0,)


def test_bad_values_are_refused():
    for values in ([1, 2, 3], [[1.0], [np.nan]]):
        with pytest.raises(ValueError, match="matrix of finite figures"):
            resampling.mean_intervals(values)
        with pytest.raises(ValueError, match="matrix of finite figures"):
            resampling.sign_flips(values)
