"""Losses against scipy and manual values, and with finite gradients for constant batches."""

import numpy as np
import pytest
import torch
from scipy import stats

from noref.lab.errors import LabError
from noref.lab.training.losses import LOSSES, mixture, norm_in_norm, plcc


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    mos = rng.uniform(size=12)
    return torch.tensor(0.6 * mos + rng.normal(0, 0.1, 12)), torch.tensor(mos)


def test_plcc_is_scipys(batch):
    predicted, mos = batch
    assert plcc(predicted, mos).item() == pytest.approx((1 - stats.pearsonr(predicted, mos).statistic) / 2)
    assert plcc(3 * predicted - 7, mos).item() == pytest.approx(plcc(predicted, mos).item())


def test_norm_in_norm_by_hand():
    predicted, mos = torch.tensor([0.0, 2.0]), torch.tensor([0.3, 0.1])
    # Normalised: (-1, 1) / sqrt 2 and (1, -1) / sqrt 2, as far apart as can be.
    assert norm_in_norm(predicted, mos).item() == pytest.approx(1)
    assert norm_in_norm(-predicted, mos).item() == pytest.approx(0, abs=1e-6)
    three = norm_in_norm(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([0.0, 0.0, 1.0]))
    by_hand = (abs(-(2**-0.5) + 6**-0.5) + 6**-0.5 + abs(2**-0.5 - 2 * 6**-0.5)) / (2 * 3**0.5)
    assert three.item() == pytest.approx(by_hand)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_differences(name, batch):
    predicted, mos = batch
    assert torch.autograd.gradcheck(lambda x: LOSSES[name](x, mos), predicted.requires_grad_())


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("count", [1, 4])
def test_a_constant_batch_gives_finite_and_modest_gradients(name, count):
    predicted = torch.full((count,), 0.5, requires_grad=True)
    loss = LOSSES[name](predicted, torch.linspace(0, 1, count))
    loss.backward()
    assert torch.isfinite(loss)
    assert predicted.grad.abs().max() < 100
    same = LOSSES[name](torch.linspace(0, 1, count), torch.full((count,), 0.5))
    assert torch.isfinite(same)


@pytest.mark.parametrize("name", LOSSES)
def test_a_perfect_batch_costs_nothing(name):
    mos = torch.linspace(0, 1, 5)
    assert LOSSES[name](mos, mos).item() == pytest.approx(0, abs=1e-6)


def test_a_mixture_is_the_weighted_sum(batch):
    both = mixture({"mse": 0.25, "plcc": 2.0})(*batch)
    assert both.item() == pytest.approx(0.25 * (batch[0] - batch[1]).square().mean().item() + 2 * plcc(*batch).item())


def test_invalid_losses_are_refused():
    with pytest.raises(LabError, match="did you mean huber"):
        mixture({"hubert": 1})
    for wrong in ({}, {"mse": 0}, {"mse": 1, "plcc": -1}):
        with pytest.raises(LabError, match="weights above 0"):
            mixture(wrong)
