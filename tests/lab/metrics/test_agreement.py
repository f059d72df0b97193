"""Correlations: perfect is 1, reversed is -1, constant is NaN."""

import numpy as np
import pytest

from noref.lab.metrics.agreement import agreement, errors, shares_within

OPINIONS = np.random.default_rng(0).random(500)


def test_perfect_reversed_and_noise():
    assert agreement(OPINIONS, OPINIONS) == {"n": 500, "srcc": 1, "plcc": pytest.approx(1), "krcc": pytest.approx(1), "rmse": 0}
    backwards = agreement(-OPINIONS, OPINIONS)
    assert [backwards[name] for name in ("srcc", "plcc", "krcc")] == pytest.approx([-1, -1, -1])
    assert abs(agreement(np.random.default_rng(1).random(500), OPINIONS)["srcc"]) < 0.1


def test_constant_predictions_have_an_srcc_of_0():
    assert np.isnan(agreement(np.ones(500), OPINIONS)["srcc"])


def test_missing_values_are_not_dropped():
    with pytest.raises(ValueError, match="finite"):
        agreement([1, np.nan, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="same length"):
        agreement([1, 2], [1, 2, 3])


def test_errors_are_measured_in_standard_deviations_of_the_ratings():
    mos, mos_std = np.zeros(5), np.array([1, 1, 1, 1, np.nan])
    found = errors([0.5, -1, 1.5, 2.5, 9], mos, mos_std)
    assert found["mae"] == pytest.approx(14.5 / 5)
    assert found["rmse"] == pytest.approx(np.sqrt((0.25 + 1 + 2.25 + 6.25 + 81) / 5))
    shares = [found[name] for name in ("within_1", "within_2", "within_3", "outliers")]
    assert shares == [0.5, 0.75, 1, 0.25]  # of the four whose spread is known


def test_the_cumulative_histogram_rises_to_1():
    rng = np.random.default_rng(0)
    shares = shares_within(OPINIONS + rng.normal(size=500), OPINIONS, np.ones(500), np.linspace(0, 5, 51))
    assert (np.diff(shares) >= 0).all()
    assert shares[[0, -1]].tolist() == [0, 1]
    assert shares[[10, 20]] == pytest.approx([0.683, 0.954], abs=0.05)


def test_without_a_spread_nothing_is_an_outlier_or_not():
    found = errors([1, 2], [1, 3])
    assert all(np.isnan(found[name]) for name in ("outliers", "within_1", "within_2", "within_3"))
    assert errors([1, 2], [1, 2], [0, 0])["within_1"] == 1
    with pytest.raises(ValueError, match="negative"):
        errors([1, 2], [1, 2], [0, -1])
