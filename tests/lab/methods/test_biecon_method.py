"""BIECON: its size, the local scores of stage 1, the choice of patches, and both stages."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from tester import make

from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.methods.biecon.local_scores import BORDER, LocalScoreModule, local_ssim, ssim_map, whole_patches
from noref.lab.methods.biecon.network import Biecon
from noref.lab.networks.patches import as_planes
from pictures import make_scene


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Biecon().eval()


def test_the_network_has_the_size_of_the_release(network):
    assert sum(weights.numel() for weights in network.parameters()) == 5_021_762
    assert sum(weights.numel() for weights in network.features.parameters()) == 4_988_480


def gray(seed, height=40, width=50):
    return make_scene(height, width, seed)[..., 1].astype(np.float64)


def test_ssim_is_that_of_its_definition():
    first, second = gray(0), np.clip(gray(0) + np.random.default_rng(0).normal(0, 20, (40, 50)), 0, 255)

    def mean(values):
        return gaussian_filter(values, 1.5, radius=5)[5:-5, 5:-5]

    covariance = mean(first * second) - mean(first) * mean(second)
    squares = [mean(values**2) - mean(values) ** 2 for values in (first, second)]
    likeness = (2 * mean(first) * mean(second) + 6.5025) / (mean(first) ** 2 + mean(second) ** 2 + 6.5025)
    expected = likeness * (2 * covariance + 58.5225) / (sum(squares) + 58.5225)
    found = ssim_map(*(torch.tensor(values)[None, None] for values in (first, second)))
    np.testing.assert_allclose(found[0, 0], expected, atol=1e-9)
    assert expected.std() > 0.05


def test_local_scores_are_those_of_the_patches():
    reference = as_planes(torch.from_numpy(make_scene(64 + 2 * BORDER, 96 + 2 * BORDER))[None])
    distorted = reference.clone()
    distorted[..., BORDER : BORDER + 32, BORDER : BORDER + 32] = 128
    found = local_ssim(reference, distorted)
    assert found.shape == (1, 6)
    assert found[0, 0] < 0.7
    torch.testing.assert_close(found[0, [2, 5]], torch.ones(2))
    assert whole_patches(torch.zeros(1, 3, 70 + 2 * BORDER, 99 + 2 * BORDER)).shape == (1, 3, 64 + 2 * BORDER, 96 + 2 * BORDER)


def test_stage_1_learns_the_local_scores(network):
    pixels = torch.from_numpy(make_scene(84, 84))[None]
    module = LocalScoreModule(network, 1e-3)
    with torch.no_grad():
        planes = as_planes(pixels[:, BORDER - 2 : -(BORDER - 2), BORDER - 2 : -(BORDER - 2)])
        prepared = network.prepare(planes).reshape(1, 1, 2, 32, 2, 32).transpose(3, 4).reshape(1, 4, 1, 32, 32)
        expected = (network.local_scores(prepared) - 1).square().mean()
        assert module.loss([pixels, pixels]).item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_flattest_fifth_of_the_patches_is_not_used(network):
    pixels = torch.randint(0, 256, (1, 64, 160, 3), dtype=torch.uint8)  # ten patches
    pixels[:, :32, :64] = 100
    with torch.no_grad():
        found = network.on_grid(pixels)
        assert found.quality[0, 2:].mean() == pytest.approx(found.score.item(), abs=1e-5)
        assert found.quality.std() > 0
        flat = network.on_grid(torch.full((1, 64, 64, 3), 7, dtype=torch.uint8))
    assert flat.quality.isfinite().all()


@pytest.fixture(scope="module")
def parts(rated):
    return by_content(rated, {"train": 0.7, "validation": 0.3}, 0)


def test_stage_1_can_be_left_out(parts, tmp_path):
    method = make("biecon", {"stage1.epochs": 0, "schedule.epochs": 1}).fit(parts["train"], parts["validation"], tmp_path)
    assert np.isfinite(method.predict(parts["validation"].paths[:2])).all()
    assert not (tmp_path / "stage1").exists()
    assert method.external_images() == ()


def test_stage_1_needs_references_or_pristine_photos(parts, tmp_path):
    with pytest.raises(LabError, match="has no references, which stage 1 needs; give --pristine FOLDER"):
        make("biecon").fit(parts["train"], parts["validation"], tmp_path)
