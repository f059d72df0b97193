"""Pooling and the regressor: arrays and tensors agree, gradients are correct, C and epsilon are chosen on validation photos."""

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVR

from noref.lab.methods.deepbiq import svr
from noref.lab.methods.deepbiq.pooling import POOLINGS, inputs, outputs, pool
from noref.lab.methods.deepbiq.svr import DeepBiqSvrSettings
from noref.lab.networks.heads import from_pipeline


def photos(count: int, seed: int = 0):
    """Vectors of 4 crops that determine the MOS of a photo, and the MOS."""
    rng = np.random.default_rng(seed)
    mos = rng.random(count)
    crops = rng.normal(0, 0.3, (count, 4, 12)) + mos[:, None, None] * np.linspace(-1, 1, 12)
    return crops.astype(np.float32), mos


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_pooling_can_be_fitted_and_equals_its_torch_version(pooling, kernel):
    crops, mos = photos(60)
    (fitted,) = svr.fit(crops, mos, pooling, DeepBiqSvrSettings(kernel=kernel, c=(0.1,), epsilon=(0.05,), axes=5))
    unseen, truth = photos(40, seed=1)
    (choice,) = svr.judge([fitted], unseen, truth, pooling)
    assert choice.srcc > 0.8
    head = from_pipeline(fitted).double()
    expected = svr.predict(fitted, unseen, pooling)
    for photo, score in zip(torch.from_numpy(unseen[:5].astype(np.float64)), expected[:5], strict=True):
        photo.requires_grad_()
        found, slope = pool(photo, head, pooling)
        assert float(found.detach()) == pytest.approx(score, abs=1e-5)
        (true_slope,) = torch.autograd.grad(found, photo)
        torch.testing.assert_close(slope.detach(), true_slope)


def test_what_each_pooling_pools():
    crops = np.array([[[1, 8], [5, 2]], [[0, 0], [4, 6]]], np.float32)
    np.testing.assert_array_equal(inputs(crops, "feature-max"), [[5, 8], [4, 6]])
    np.testing.assert_array_equal(inputs(crops, "concatenation"), [[1, 8, 5, 2], [0, 0, 4, 6]])
    np.testing.assert_array_equal(inputs(crops, "prediction-min"), [[1, 8], [5, 2], [0, 0], [4, 6]])
    np.testing.assert_array_equal(outputs(np.array([1.0, 3, 4, 8]), 2, "prediction-avg"), [2, 6])
    np.testing.assert_array_equal(outputs(np.array([1.0, 3]), 2, "feature-avg"), [1, 3])


def test_the_row_space_has_the_same_solution():
    crops, mos = photos(30)
    wide = crops.reshape(30, 1, 48)
    (fitted,) = svr.fit(wide, mos, "concatenation", DeepBiqSvrSettings(c=(0.01,), epsilon=(0.05,)))
    plain = LinearSVR(loss="squared_epsilon_insensitive", dual=False, C=0.01, epsilon=0.05, tol=1e-8)
    direct = make_pipeline(StandardScaler(), plain).fit(wide[:, 0], mos - mos.mean())
    unseen = photos(20, seed=1)[0].reshape(20, 48)
    np.testing.assert_allclose(fitted.predict(unseen), mos.mean() + direct.predict(unseen), atol=1e-3)


def test_the_best_on_validation_is_chosen():
    crops, mos = photos(40)
    fits = svr.fit(crops, mos, "feature-avg", DeepBiqSvrSettings(c=(1e-9, 0.01), epsilon=(0.05,)))
    choices = svr.judge(fits, *photos(30, seed=1), "feature-avg")
    assert [choice.c for choice in choices] == [1e-9, 0.01]
    assert svr.best(choices) is max(choices, key=lambda choice: choice.srcc)
    constant = svr.fit(crops, mos, "feature-avg", DeepBiqSvrSettings(kernel="rbf", c=(1.0,), epsilon=(2.0,), axes=5))
    assert svr.judge(constant, *photos(30, seed=1), "feature-avg")[0].srcc == -1


def test_pooled_predictions_learn_from_the_same_number_of_crops_of_each_photo(monkeypatch):
    monkeypatch.setitem(svr.MOST_ROWS, "linear", 95)
    crops, mos = photos(40)
    regressor = DeepBiqSvrSettings(c=(0.01,), epsilon=(0.05,))
    (few,) = svr.fit(crops, mos, "prediction-avg", regressor)
    (same,) = svr.fit(crops[:, :2], mos, "prediction-max", regressor)
    np.testing.assert_array_equal(few[-1].coef_, same[-1].coef_)
    assert svr.crops_to_learn_from((1000, 4), "linear") == 1
