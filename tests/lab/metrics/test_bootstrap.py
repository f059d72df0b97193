"""Counts are equivalent to drawing; intervals by content have about their nominal coverage, those by photo do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from noref import resampling
from noref.lab.metrics import bootstrap

CONTENTS, PHOTOS = 30, 25  # photos of each content


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-9, 9, width=16)), min_size=2, max_size=25), st.integers(0, 99))
def test_counts_are_equivalent_to_drawing_and_ranking(both, seed):
    x, y = np.array(both, float).T
    counts = np.random.default_rng(seed).integers(0, 3, size=(3, len(x)))  # resamples of contents differ in size
    srcc, plcc = bootstrap.correlations(x, y, counts)
    np.testing.assert_array_equal(srcc, bootstrap.srcc(x, y, counts))
    for row, times in enumerate(counts):
        a, b = np.repeat(x, times), np.repeat(y, times)
        if len(a) < 2 or min(np.ptp(a), np.ptp(b)) == 0:
            assert np.isnan([srcc[row], plcc[row]]).all()
        else:
            assert srcc[row] == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-9)
            assert plcc[row] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-6)


def test_contents_are_drawn_whole():
    number, code = resampling.coded(list("aabbbcdd"), 8)
    counts = np.concatenate([*resampling.drawn(number, code, 200, seed=0)])
    assert counts.shape == (200, 8)
    assert (counts == counts[:, [0, 0, 2, 2, 2, 5, 6, 6]]).all()
    assert (counts[:, [0, 2, 5, 6]].sum(axis=1) == 4).all()
    assert len(np.unique(counts.sum(axis=1))) > 3


def ratings(contents: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions with an error that the photos of a content share, MOS, contents; population SRCC .70."""
    mos = np.repeat(0.3 * rng.normal(size=contents), PHOTOS) + rng.normal(size=contents * PHOTOS)
    error = np.repeat(0.9 * rng.normal(size=contents), PHOTOS) + 0.5 * rng.normal(size=contents * PHOTOS)
    return mos + error, mos, np.repeat(np.arange(contents), PHOTOS)


def test_intervals_by_content_have_their_nominal_coverage_and_those_by_photo_do_not():
    rng = np.random.default_rng(0)
    truth = stats.spearmanr(*ratings(20_000, rng)[:2]).statistic
    by_content, by_photo = [], []
    for _ in range(200):
        predicted, mos, contents = ratings(CONTENTS, rng)
        for found, units in ((by_content, contents), (by_photo, np.arange(len(mos)))):
            low, high = bootstrap.intervals(predicted, mos, units, resamples=200)["srcc"]
            found.append(low <= truth <= high)
    assert 0.9 <= np.mean(by_content) <= 0.985  # two standard errors of .95 over 200 trials are .03; a little is lost
    assert np.mean(by_photo) < 0.75


def test_photos_that_are_contents_of_their_own_have_their_nominal_coverage():
    rng, truth = np.random.default_rng(1), 0.8
    covered = []
    for seed in range(300):
        x, y = rng.multivariate_normal([0, 0], [[1, truth], [truth, 1]], 100).T
        low, high = bootstrap.intervals(x, y, np.arange(100), resamples=200, seed=seed)["plcc"]
        covered.append(low <= truth <= high)
    assert 0.91 <= np.mean(covered) <= 0.98


def test_blocks_do_not_change_the_draw(monkeypatch):
    x, y = np.random.default_rng(0).random((2, 50))
    contents = np.arange(50) // 3
    whole = bootstrap.intervals(x, y, contents, seed=1)
    assert whole == bootstrap.intervals(x, y, contents, seed=1)
    assert whole != bootstrap.intervals(x, y, contents, seed=2)
    monkeypatch.setattr(resampling, "_CELLS", 500)
    assert whole == bootstrap.intervals(x, y, contents, seed=1)


def test_a_higher_confidence_gives_a_longer_interval_around_the_shorter_one():
    x, y, contents = ratings(CONTENTS, np.random.default_rng(3))
    (low, high), (lowest, highest) = (bootstrap.intervals(x, y, contents, confidence=c)["srcc"] for c in (0.8, 0.99))
    assert lowest < low < stats.spearmanr(x, y).statistic < high < highest


def test_perfect_agreement_has_no_width_and_constant_predictions_no_interval():
    x = np.random.default_rng(0).random(60)
    for sign in (1, -1):
        for interval in bootstrap.intervals(sign * x, x, np.arange(60)).values():
            assert interval == pytest.approx((sign, sign))
    assert np.isnan(bootstrap.intervals(np.ones(60), x, np.arange(60), resamples=10)["srcc"]).all()


def test_few_contents_have_no_interval():
    x, y = np.random.default_rng(0).random((2, 50))
    assert np.isnan(bootstrap.intervals(x, y, np.arange(50) % 4)["srcc"]).all()
    assert np.isfinite(bootstrap.intervals(x, y, np.arange(50) % 5)["srcc"]).all()
    assert np.isnan(bootstrap.intervals([], [], [])["plcc"]).all()
    with pytest.raises(ValueError, match="needs one content"):
        bootstrap.intervals(x, y, np.arange(49))
