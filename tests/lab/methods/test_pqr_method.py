"""PQR: target distributions, their regressor, and prediction from crops."""

import numpy as np
import pytest
import torch
from tester import make

from noref.lab.methods.pqr.method import distribution_loss, regressor
from noref.lab.methods.pqr.network import target
from noref.lab.networks.crops import CELL
from pictures import make_scene


def test_targets_follow_the_paper():
    found = target(torch.tensor([0.3, 0.0]), 5)
    centres = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    for row, mos in zip(found, (0.3, 0.0), strict=True):
        share = np.exp(-64 * (mos - centres) ** 2)
        np.testing.assert_allclose(row, share / share.sum(), rtol=1e-4, atol=1e-7)
    assert found.argmax(dim=1).tolist() == [1, 0]


def test_the_loss_is_least_at_the_target():
    mos = torch.tensor([0.2, 0.65])
    best = target(mos, 5).log()
    least = distribution_loss(best, mos)
    assert least == pytest.approx(float(-(target(mos, 5) * best).sum(dim=1).mean()), rel=1e-5)
    assert distribution_loss(best.roll(1, dims=1), mos) > least


def test_the_regressor_reads_scores_from_distributions():
    mos = np.linspace(0.02, 0.98, 60)
    weight, bias = regressor(mos, 5)
    found = target(torch.from_numpy(mos), 5).float() @ weight + bias
    assert np.abs(found.numpy() - mos).mean() < 0.04
    assert (weight.diff() > 0).all()


def test_the_score_is_the_mean_over_crops_and_the_map_their_mean_where_they_lie():
    method = make("pqr")
    network = method.build_network(pretrained=True).eval()
    network.weight.copy_(torch.linspace(-1, 1, 5))
    photo = torch.from_numpy(make_scene(128, 96, 3))
    with torch.inference_mode():
        found = network.outputs(photo[None])
        crops = network.crops.cut(photo)
        alone = torch.cat([network.outputs(crop[None])["score"] for crop in crops])
        covered = network.crops.lay(torch.ones(3, 4, 4), 8, 6, torch.tensor(0.0)) > 0
    assert crops.shape == (3, 64, 64, 3)
    assert float(found["score"]) == pytest.approx(float(alone.mean()), abs=1e-6)
    quality = found["map"][0]
    assert quality.shape == (128 // CELL, 96 // CELL)
    torch.testing.assert_close(quality[~covered], found["score"].expand(int((~covered).sum())))
    assert quality.min() >= alone.min() - 1e-6
    assert quality.max() <= alone.max() + 1e-6
    assert quality.std() > 0
