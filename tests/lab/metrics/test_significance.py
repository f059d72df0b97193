"""Tests give the statistics that their names state, and reject equal methods about as often as their level."""

import numpy as np
import pytest
from scipy import stats

from noref.lab.metrics import bootstrap, significance

RNG = np.random.default_rng(0)
SPLITS = RNG.normal(0.9, 0.02, 10)  # common to both methods: some splits are hard
BETTER, WORSE = SPLITS + RNG.normal(0.01, 0.002, 10), SPLITS + RNG.normal(0, 0.002, 10)


def test_statistics_by_hand():
    a, b = np.array([1.0, 2, 3, 4]), np.array([0.0, 2.5, 1, 1])
    uncorrected = significance.corrected_t(a, b, 0)
    assert uncorrected.p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert uncorrected[1:3] == pytest.approx(tuple(stats.ttest_rel(a, b).confidence_interval()))
    t = np.mean(a - b) / np.sqrt((1 / 4 + 0.25) * np.var(a - b, ddof=1))
    assert significance.corrected_t(a, b, 0.25).p == pytest.approx(2 * stats.t.sf(t, 3))
    assert significance.two_sample_t(a, b) == pytest.approx(tuple(stats.ttest_ind(a, b)))


def learners(rng: np.random.Generator, splits: int, photos: int = 150, features: int = 15) -> list[list[float]]:
    """SRCC of two learners on random splits, 80 % to 20 %; each with its own, equally informative features."""
    weights = rng.normal(size=features)
    views = rng.normal(size=(2, photos, features))
    mos = (views @ weights).sum(axis=0) / np.sqrt(2 * features) + 0.7 * rng.normal(size=photos)
    found: list[list[float]] = [[], []]
    for _ in range(splits):
        order = rng.permutation(photos)
        test, train = order[: photos // 5], order[photos // 5 :]
        for view, srcc in zip(views, found, strict=True):
            fitted, *_ = np.linalg.lstsq(view[train], mos[train])
            srcc.append(stats.spearmanr(view[test] @ fitted, mos[test]).statistic)
    return found


def test_equal_learners_differ_significantly_about_as_often_as_the_level_only_where_corrected():
    rng = np.random.default_rng(0)
    values = [learners(rng, splits=10) for _ in range(200)]
    rejected = {ratio: np.mean([significance.corrected_t(*both, ratio).p < 0.05 for both in values]) for ratio in (0, 0.25)}
    assert rejected[0.25] <= 0.1  # .05 and two standard errors are .08
    assert rejected[0] >= 0.2


def scorers(rng: np.random.Generator, contents: int = 30, photos: int = 25) -> tuple[np.ndarray, ...]:
    """Two scorers whose errors depend on the content, alike in distribution; MOS; contents."""
    mos = np.repeat(0.3 * rng.normal(size=contents), photos) + rng.normal(size=contents * photos)
    shared, *own = (0.5 * np.repeat(rng.normal(size=contents), photos) for _ in range(3))
    first, second = (mos + shared + error + 0.5 * rng.normal(size=len(mos)) for error in own)
    return first, second, mos, np.repeat(np.arange(contents), photos)


def test_equal_scorers_differ_significantly_about_as_often_as_the_level_only_by_content():
    rng = np.random.default_rng(0)
    by_content, by_photo = [], []
    for _ in range(200):
        first, second, mos, contents = scorers(rng)
        for found, units in ((by_content, contents), (by_photo, np.arange(len(mos)))):
            found.append(significance.by_content(first, second, mos, units, resamples=150).p < 0.05)
    assert np.mean(by_content) <= 0.1  # .05 and two standard errors are .08
    assert np.mean(by_photo) >= 0.2


def test_a_better_scorer_is_found():
    first, _, mos, contents = scorers(np.random.default_rng(0))
    found = significance.by_content(first, RNG.permutation(mos), mos, contents)
    assert found.p < 0.001
    assert 0 < found.low < found.difference < found.high
    assert found.difference == pytest.approx(stats.spearmanr(first, mos).statistic, abs=0.1)


def test_the_difference_of_several_splits_is_the_mean_over_them():
    first, second, mos, contents = scorers(np.random.default_rng(1))
    twice = [np.concatenate([values[:500], values[100:]]) for values in (first, second, mos, contents)]
    splits = np.repeat(["a", "b"], [500, 650])
    each = [
        stats.spearmanr(first[rows], mos[rows]).statistic - stats.spearmanr(second[rows], mos[rows]).statistic
        for rows in (slice(0, 500), slice(100, None))
    ]
    assert significance.by_content(*twice, splits, resamples=50).difference == pytest.approx(np.mean(each))


def by_content(first, second) -> significance.Difference:
    """The better and worse values as scores of photos, against the hidden quality."""
    return significance.by_content(first, second, SPLITS, np.arange(10))


@pytest.mark.parametrize("test", [lambda a, b: significance.corrected_t(a, b, 0.25), by_content])
def test_the_sign_shows_the_better_method(test):
    there, back = test(BETTER, WORSE[::-1]), test(WORSE[::-1], BETTER)
    assert there.difference > 0
    assert back == pytest.approx((-there.difference, -there.high, -there.low, there.p))


def test_without_variation_there_is_no_p():
    for same in (significance.corrected_t(SPLITS, SPLITS, 0.25), by_content(SPLITS, SPLITS)):
        assert same.difference == 0
        assert np.isnan(same[1:]).all()
    assert np.isnan(significance.two_sample_t([0.9, 0.9], [0.8, 0.8])).all()
    assert np.isnan(significance.corrected_t(SPLITS + 0.1, SPLITS, 0).p)  # the differences are equal but for rounding
    assert np.isnan(significance.corrected_t([0.9], [0.8], 0.25).p)
    assert np.isnan(significance.two_sample_t([0.9], [0.8]).p)


def test_few_contents_have_no_p():
    first, second, mos, _ = scorers(np.random.default_rng(0))
    few = bootstrap.MIN_CONTENTS - 1
    assert np.isnan(significance.by_content(first, second, mos, np.arange(len(mos)) % few).p)
    assert np.isfinite(significance.by_content(first, second, mos, np.arange(len(mos)) % (few + 1)).p)


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match="every split"):
        significance.corrected_t([1, 2], [1], 0.25)
    with pytest.raises(ValueError, match="finite"):
        significance.two_sample_t([1, np.nan], [1, 2])
    with pytest.raises(ValueError, match="negative"):
        significance.corrected_t([1, 2], [1, 3], -0.25)
    with pytest.raises(ValueError, match="needs one split"):
        significance.by_content([1, 2], [1, 2], [1, 2], [1, 2], [1])
