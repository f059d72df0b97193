"""The D, L and P tests against naive implementations, with ties."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from noref.lab.errors import LabError
from noref.lab.metrics import waterloo

few_scores = st.integers(0, 6).map(float)


@given(st.lists(st.tuples(few_scores, st.booleans()), min_size=2, max_size=30))
def test_d_is_the_best_balanced_accuracy(photos):
    scores, pristine = np.array([q for q, _ in photos]), np.array([good for _, good in photos])
    if pristine.all() or not pristine.any():
        return

    def balanced(threshold):
        return (np.mean(scores[pristine] >= threshold) + np.mean(scores[~pristine] < threshold)) / 2

    found = waterloo.d_test(scores, pristine)
    assert found.value == pytest.approx(max(balanced(threshold) for threshold in np.arange(-1, 8, 0.5)))
    assert found.value == pytest.approx(balanced(found.threshold))
    assert (found.pristine, found.distorted) == (pristine.sum(), (~pristine).sum())


def test_d_does_not_reward_the_wrong_way_round():
    pristine = np.array([True] * 5 + [False] * 20)
    assert waterloo.d_test(pristine.astype(float), pristine).value == 1
    assert waterloo.d_test(-pristine.astype(float), pristine).value == 0.5
    with pytest.raises(LabError, match="pristine and of distorted"):
        waterloo.d_test([1, 2], [True, True])


@given(st.lists(few_scores, min_size=24, max_size=24))
def test_l_is_the_mean_srcc_of_lists(scores):
    contents, types = np.repeat(list("ab"), 12), np.tile(np.repeat(list("xyz"), 4), 2)
    levels = np.tile([1, 2, 2, 5], 6)
    found = waterloo.l_test(scores, contents, types, levels)
    each = []
    for start in range(0, 24, 4):
        q = scores[start : start + 4]
        each.append(stats.spearmanr(-levels[:4], q).statistic if np.ptp(q) else 0)
    assert found.value == pytest.approx(np.mean(each))
    assert (found.lists, found.too_short) == (6, 0)


def test_l_leaves_out_and_counts_lists_without_an_order():
    found = waterloo.l_test([3, 2, 1, 9], list("aaab"), list("xxxx"), [1, 2, 3, 1])
    assert (found.value, found.lists, found.too_short) == (1, 1, 1)
    assert waterloo.l_test([1, 2, 3], list("aaa"), list("xxx"), [1, 2, 3]).value == -1
    with pytest.raises(LabError, match="at least two levels"):
        waterloo.l_test([1, 2], list("ab"), list("xx"), [1, 1])


@given(
    st.lists(st.tuples(few_scores, *[st.integers(0, 10).map(lambda q: 10.0 * q)] * 3), min_size=1, max_size=25),
    st.sampled_from([0, 20, 40]),
    st.integers(1, 3),
)
def test_p_counts_every_discriminable_pair_once(photos, threshold, k):
    scores, reference = np.array(photos)[:, 0], np.array(photos)[:, 1 : 1 + k]
    pairs = correct = 0
    for i, j in itertools.permutations(range(len(photos)), 2):
        if (reference[j] < reference[i] - threshold).all():
            pairs += 1
            correct += scores[i] > scores[j]
    found = waterloo.p_test(scores, reference, threshold)
    assert (found.pairs, found.correct) == (pairs, correct)
    assert found.value == pytest.approx(correct / pairs) if pairs else np.isnan(found.value)


def test_p_refuses_what_does_not_fit():
    for reference in ([[1, 2]], [[np.nan], [1]], [1, 2], np.empty((2, 0))):
        with pytest.raises(ValueError, match="finite and 2 x k"):
            waterloo.p_test([1, 2], reference)
    with pytest.raises(ValueError, match="the threshold must be at least 0"):
        waterloo.p_test([1, 2], [[1], [2]], -1)


def test_the_common_scale_is_the_percentile():
    np.testing.assert_allclose(waterloo.to_common_scale([7, 1, 3, 3, 9], higher_is_better=True), [75, 0, 37.5, 37.5, 100])
    np.testing.assert_allclose(waterloo.to_common_scale([0.1, 0.3, 0.2], higher_is_better=False), [100, 0, 50])
    with pytest.raises(LabError, match="at least two"):
        waterloo.to_common_scale([1], higher_is_better=True)


@pytest.fixture
def pool() -> tuple[pd.DataFrame, np.ndarray]:
    """Ten contents, undistorted and under two types at five levels; quality falls with the level."""
    versions = [(None, 0), *itertools.product(["jpeg", "blur"], range(1, 6))]
    rows = [(content, *version) for content in range(10) for version in versions]
    table = pd.DataFrame(rows, columns=["content", "type", "level"])
    quality = -table["level"].to_numpy(float) + 0.01 * np.arange(len(table)) / len(table)
    reference = np.column_stack([waterloo.to_common_scale(quality, higher_is_better=True)] * 3)
    return table.assign(predicted=quality), reference


@pytest.mark.parametrize(("sign", "expected"), [(1, [1, 1, 1]), (-1, [0.5, -1, 0])])
def test_right_and_wrong_way_round(pool, sign, expected):
    table, reference = pool
    found = waterloo.all_tests(table.assign(predicted=sign * table["predicted"]), reference)
    assert found["test"].tolist() == ["D", "L", "P"]
    assert found["value"].tolist() == pytest.approx(expected)
    assert found["n"].tolist()[:2] == [110, 20]
    assert found["failed"].tolist() == [0, 0, 0]


def test_noise_and_constant_scores(pool):
    table, reference = pool
    noise = waterloo.all_tests(table.assign(predicted=np.random.default_rng(0).random(110)), reference)["value"]
    assert noise.tolist() == pytest.approx([0.6, 0, 0.5], abs=0.15)
    flat = waterloo.all_tests(table.assign(predicted=1.0), reference)["value"]
    assert flat.tolist() == [0.5, 0, 0]


def test_failures_are_counted(pool):
    table, reference = pool
    table.loc[[0, 1, 5], "predicted"] = np.nan
    found = waterloo.all_tests(table, reference)
    assert found["failed"].tolist() == [3, 3, 3]
    assert found["n"].tolist()[:2] == [107, 20]
    assert found["value"].tolist() == pytest.approx([1, 1, 1])
