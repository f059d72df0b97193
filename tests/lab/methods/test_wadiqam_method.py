"""WaDIQaM-NR and DIQaM-NR: sizes as published, and the weighting of patches."""

import numpy as np
import pytest
import torch
from tester import make

from noref.lab.methods.wadiqam.network import LEAST_WEIGHT, Wadiqam
from noref.lab.training.patches import patch_error, photo_error
from pictures import make_scene


@pytest.fixture(params=[True, False])
def method(request):
    torch.manual_seed(0)
    method = make("wadiqam", {"weighted": request.param})
    method.network_ = method.build_network(pretrained=True).eval()
    return method


def test_the_networks_have_the_published_sizes():
    weighted, plain = (sum(weights.numel() for weights in Wadiqam(choice).parameters()) for choice in (True, False))
    assert weighted == 5_238_562
    assert weighted - plain == 512 * 512 + 512 + 512 + 1


def test_the_score_is_the_weighted_mean_of_the_map(method):
    scene = make_scene(80, 100)
    found, maps = method.outputs(scene), method.explain(scene)
    assert set(maps) == ({"quality", "weight"} if method.settings.weighted else {"quality"})
    weight = maps.get("weight", np.ones((3, 4)))
    assert maps["quality"].shape == weight.shape == (3, 4)
    assert found["score"].item() == pytest.approx(np.average(maps["quality"], weights=weight), abs=1e-5)
    assert (weight >= LEAST_WEIGHT).all()
    assert (weight.std() > 0) == method.settings.weighted
    np.testing.assert_array_equal(found["map"], maps["quality"])


def test_the_loss_is_that_of_the_photo_or_of_its_patches(method):
    assert method.module().error is (photo_error if method.settings.weighted else patch_error)


def test_patches_without_weight_do_not_divide_by_zero():
    network = Wadiqam(weighted=True).eval()
    torch.nn.init.constant_(network.weight[-1].bias, -100)
    assert network.on_grid(torch.zeros(1, 64, 64, 3, dtype=torch.uint8)).score.isfinite().all()
