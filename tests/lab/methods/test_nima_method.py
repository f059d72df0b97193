"""NIMA: distributions of maximum entropy, the earth mover's distance, and the mean of the predicted distribution."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tester import make

from noref.lab.methods.nima.distribution import BINS, CENTRES, emd, mean_of, of_maximum_entropy
from noref.lab.methods.nima.learning import RatedDistributions
from noref.lab.preprocessing import SizeConfig
from pictures import make_scene


def moments(shares):
    mean = shares @ CENTRES
    return mean, np.sqrt(shares @ CENTRES**2 - mean**2)


def test_distributions_have_the_given_moments():
    means, deviations = np.array([0.1, 0.35, 0.5, 0.8, 0.95]), np.array([0.1, 0.25, 0.45, 0.12, 0.1])
    shares = of_maximum_entropy(means, deviations)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    found = moments(shares)
    np.testing.assert_allclose(found[0], means, atol=1e-6)
    np.testing.assert_allclose(found[1], deviations, atol=1e-6)


def test_distributions_are_exponentials_of_a_parabola():
    logits = np.log(of_maximum_entropy([0.35, 0.6], [0.25, 0.15]))
    np.testing.assert_allclose(np.diff(logits, 3), 0, atol=1e-6)
    flat = of_maximum_entropy([0.5], np.sqrt((CENTRES**2).mean() - 0.25))
    np.testing.assert_allclose(flat, 1 / BINS, atol=1e-7)


@pytest.mark.parametrize(("mean", "deviation"), [(0, 0), (1, 0.5), (0, 1), (0.5, 0), (0.5, 1), (5 / 9, 0), (0.999, 0.2)])
def test_impossible_moments_become_possible_ones(mean, deviation):
    shares = of_maximum_entropy([mean], deviation)
    assert np.isfinite(shares).all()
    assert shares.min() >= 0
    assert moments(shares)[0] == pytest.approx(mean, abs=0.0201)


def test_the_distance_by_hand():
    shares = torch.zeros(3, BINS)
    shares[0, 2] = shares[1, 5] = 1
    shares[2] = 1 / BINS
    # The cumulative distributions of 3 and 6 differ by 1 in three of ten bins.
    assert emd(shares[:1], shares[1:2]).item() == pytest.approx(np.sqrt(3 / 10))
    assert emd(shares[:1], shares[:1]).item() == pytest.approx(0, abs=1e-5)
    uneven = np.cumsum(np.full(10, 0.1)) - (np.arange(10) >= 2)
    assert emd(shares[:1], shares[2:]).item() == pytest.approx(np.sqrt(np.mean(uneven**2)), abs=1e-6)
    both = emd(shares[:2], shares[1:]).item()
    assert both == pytest.approx(np.mean([emd(shares[:1], shares[1:2]), emd(shares[1:2], shares[2:])]), abs=1e-6)


def test_the_gradient_of_equal_distributions_is_finite():
    predicted = torch.full((2, BINS), 0.1, requires_grad=True)
    (gradient,) = torch.autograd.grad(emd(predicted, torch.full((2, BINS), 0.1)), predicted)
    assert gradient.isfinite().all()


def test_the_map_follows_the_gradient_of_the_mean():
    method = make("nima")
    network = method.network_ = method.build_network(pretrained=True).eval()
    torch.nn.init.normal_(network.head.weight)
    pixels = torch.from_numpy(make_scene(64, 96))[None]
    with torch.no_grad():
        found, predicted = network.outputs(pixels), network(pixels)
    assert found["map"].mean() == pytest.approx(found["score"].item(), abs=1e-5)
    assert found["score"].item() == pytest.approx(mean_of(predicted).item(), abs=1e-6)
    (cells,) = network.backbone(pixels)[-1:]
    cells = cells.detach().requires_grad_()
    score = mean_of(network.head(cells.mean(dim=(2, 3))).softmax(dim=1))
    (gradient,) = torch.autograd.grad(score.sum(), cells)
    expected = (gradient * (cells - cells.mean(dim=(2, 3), keepdim=True))).sum(dim=1) * cells[0, 0].numel()
    shown = torch.nn.functional.interpolate(expected[:, None], found["map"].shape[1:], mode="bilinear")[:, 0]
    torch.testing.assert_close(found["map"] - found["map"].mean(), shown - shown.mean(), atol=1e-4, rtol=1e-3)


def test_training_uses_the_deviations_of_the_database(rated):
    size = SizeConfig(area=16_384, fixed=True).working_size(32)
    table = rated.table.assign(mos_std=[0.1, np.nan] * (len(rated) // 2))
    photos = RatedDistributions(replace(rated, table=table), size, deviation=0.25)
    pixels, distribution = photos[0, 1]
    torch.testing.assert_close(distribution, photos.distributions[1])
    assert pixels.dtype == torch.uint8
    mean, deviation = moments(photos.distributions.double().numpy())
    np.testing.assert_allclose(mean, rated.unit_mos, atol=1e-5)
    np.testing.assert_allclose(deviation[:4], [0.1, 0.25, 0.1, 0.25], atol=1e-5)
    assert moments(RatedDistributions(rated, size, 0.15).distributions.double().numpy())[1][0] == pytest.approx(0.15, abs=1e-5)


def test_the_score_before_training_is_the_mean_mos(rated):
    method = make("nima")
    network = method.build_network(pretrained=True).eval()
    distribution = torch.from_numpy(of_maximum_entropy([0.4], 0.2)[0]).float()
    network.start_at(distribution)
    torch.testing.assert_close(network(torch.zeros(1, 64, 64, 3, dtype=torch.uint8))[0], distribution)
