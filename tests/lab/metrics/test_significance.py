"""Tests are what their names say, point the right way, and are silent where nothing can be said."""

import numpy as np
import pandas as pd
import pytest

from noref.lab.metrics import significance

RNG = np.random.default_rng(0)
SPLITS = RNG.normal(0.9, 0.02, 10)  # what all methods share: some splits are hard
BETTER, WORSE = SPLITS + RNG.normal(0.01, 0.002, 10), SPLITS + RNG.normal(0, 0.002, 10)
ALL = (significance.two_sample_t, significance.paired_t, significance.wilcoxon)


def test_statistics_by_hand():
    a, b = np.array([1.0, 2, 3, 4]), np.array([0.0, 2.5, 1, 1])
    d = a - b
    pooled = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    assert significance.two_sample_t(a, b).statistic == pytest.approx(d.mean() / (pooled * np.sqrt(2 / 4)))
    assert significance.paired_t(a, b).statistic == pytest.approx(d.mean() / (d.std(ddof=1) / 2))
    assert significance.wilcoxon(a, b) == (2 + 3 + 4 - 1, pytest.approx(0.25))  # 4 of the 16 signs are as far out


def test_pairing_sees_what_two_samples_cannot():
    assert significance.two_sample_t(BETTER, WORSE).p > 0.1
    assert significance.paired_t(BETTER, WORSE).p < 0.001
    assert significance.wilcoxon(BETTER, WORSE).p < 0.01


@pytest.mark.parametrize("test", ALL)
def test_the_sign_says_who_is_better(test):
    assert test(BETTER, WORSE).statistic > 0
    assert test(WORSE, BETTER).statistic == pytest.approx(-test(BETTER, WORSE).statistic)
    assert test(WORSE, BETTER).p == pytest.approx(test(BETTER, WORSE).p)


def test_no_differences_no_verdict():
    for test in (significance.paired_t, significance.wilcoxon):
        assert np.isnan(test(SPLITS, SPLITS)).all()
    assert np.isnan(significance.two_sample_t([0.9, 0.9], [0.8, 0.8])).all()
    assert np.isnan(significance.paired_t(SPLITS + 0.1, SPLITS)).all()  # but for rounding all differences are the same
    assert np.isnan(significance.paired_t([0.9], [0.8])).all()


def test_a_table_of_methods_against_each_other():
    table = significance.compare(pd.DataFrame({"a": BETTER, "b": WORSE, "c": RNG.normal(0.5, 0.02, 10)}))
    assert table[["first", "second"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert (table["splits"] == 10).all()
    assert table["difference"][0] == pytest.approx((BETTER - WORSE).mean())
    for test in ALL:
        assert (table[test.__name__][0], table[f"{test.__name__}_p"][0]) == test(BETTER, WORSE)


def test_a_missing_split_is_refused():
    with pytest.raises(ValueError, match="every split"):
        significance.paired_t([1, 2], [1])
    with pytest.raises(ValueError, match="without a finite value"):
        significance.compare(pd.DataFrame({"a": [1, np.nan], "b": [1, 2]}))
