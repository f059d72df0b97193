"""Heads predict the same as scikit-learn's pipelines, and return the gradient."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR, LinearSVR

from noref.lab.networks.heads import HiddenHead, LinearHead, RbfHead, from_pipeline

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(3, RNG.uniform(0.1, 5, 12), (80, 12))
FRESH = RNG.permuted(VECTORS, axis=0)[:20]  # not learned from
OPINIONS = np.tanh((VECTORS - VECTORS.mean(0))[:, :3].sum(1) / 5) / 2 + 0.5

PIPELINES = {
    "ridge": (make_pipeline(StandardScaler(), Ridge()), LinearHead),
    "ridge-cv": (make_pipeline(StandardScaler(), RidgeCV()), LinearHead),
    "linear-svr": (
        make_pipeline(StandardScaler(), LinearSVR(loss="squared_epsilon_insensitive", dual=False, C=0.1)),
        LinearHead,
    ),
    "rbf": (make_pipeline(StandardScaler(), PCA(6, random_state=0), SVR(C=2, epsilon=0.02)), RbfHead),
    "rbf, part of the variance": (make_pipeline(StandardScaler(), PCA(0.9), SVR(gamma=0.05, epsilon=0.02)), RbfHead),
}


@pytest.fixture(params=PIPELINES, scope="module")
def pair(request):
    pipeline, kind = PIPELINES[request.param]
    pipeline.fit(VECTORS, OPINIONS)
    if kind is RbfHead:
        pipeline[1].mean_ += 0.1  # standardised vectors have none of their own
    head = from_pipeline(pipeline)
    assert type(head) is kind
    return pipeline, head


def test_a_head_predicts_what_its_pipeline_does(pair):
    pipeline, head = pair
    with torch.no_grad():
        scores, _ = head(torch.tensor(FRESH, dtype=torch.float32))
    np.testing.assert_allclose(scores, pipeline.predict(FRESH), atol=1e-4)
    assert np.std(scores.numpy()) > 0.01


def test_slopes_equal_those_of_automatic_differentiation(pair):
    _, head = pair
    vectors = torch.tensor(VECTORS[:7], dtype=torch.float32, requires_grad=True)
    scores, slopes = head(vectors)
    (expected,) = torch.autograd.grad(scores.sum(), vectors)
    assert slopes.shape == (7, 12)
    torch.testing.assert_close(slopes, expected, rtol=1e-4, atol=1e-6)


def test_a_photo_scores_the_same_alone(pair):
    _, head = pair
    vectors = torch.tensor(VECTORS, dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(head(vectors)[0][5:6], head(vectors[5:6])[0])


def test_a_linear_head_can_be_trained_further():
    head = from_pipeline(make_pipeline(StandardScaler(), Ridge()).fit(VECTORS, OPINIONS))
    assert {name for name, _ in head.named_parameters()} == {"weight", "bias"}
    head(torch.tensor(VECTORS, dtype=torch.float32))[0].sum().backward()
    assert head.bias.grad == len(VECTORS)


def test_a_head_comes_back_from_its_state(pair):
    _, head = pair
    again = LinearHead(12) if isinstance(head, LinearHead) else RbfHead(12, len(head.axes), len(head.supports))
    again.load_state_dict(head.state_dict())
    vectors = torch.tensor(VECTORS, dtype=torch.float32)
    torch.testing.assert_close(again(vectors), head(vectors))


def test_the_slope_of_a_hidden_layer_is_the_gradient():
    head = HiddenHead(12, 8)
    vectors = torch.tensor(FRESH, dtype=torch.float32, requires_grad=True)
    score, slope = head(vectors)
    (gradient,) = torch.autograd.grad(score.sum(), vectors)
    torch.testing.assert_close(slope, gradient)
    assert slope.std() > 0
