"""The grid of patches, and local normalisation against SciPy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter
from torch import nn

from noref.lab.networks.patches import SIDE, PatchNetwork, PatchPrediction, as_planes, cut, filtered, local_normalisation, luma
from pictures import make_scene

GRAY = make_scene(64, 96)[..., 1].astype(np.float64)


def normalised(gray, taps, constant):
    return local_normalisation(torch.tensor(gray, dtype=torch.float32)[None, None], taps, constant)[0, 0].numpy()


def test_local_normalisation_is_that_of_scipy():
    mean = uniform_filter(GRAY, 7)
    deviation = np.sqrt(np.maximum(uniform_filter(GRAY**2, 7) - mean**2, 0))
    expected = ((GRAY - mean) / (deviation + 1))[3:-3, 3:-3]
    np.testing.assert_allclose(normalised(GRAY, [1 / 7] * 7, 1), expected, atol=2e-3)
    assert expected.std() > 0.3


@pytest.mark.parametrize("level", [0, 37, 255])
def test_a_flat_photo_is_normalised_to_zero(level):
    np.testing.assert_allclose(normalised(np.full((40, 50), level), [1 / 7] * 7, 1), np.zeros((34, 44)), atol=1e-4)


def test_a_filter_weights_its_taps():
    values = torch.zeros(1, 1, 5, 5)
    values[..., 2, 2] = 1
    torch.testing.assert_close(filtered(values, [0.2, 0.5, 0.3])[0, 0, 1], 0.5 * torch.tensor([0.3, 0.5, 0.2]))


def test_luma_of_grey_and_of_primaries():
    planes = torch.eye(3)[:, :, None, None]
    torch.testing.assert_close(luma(planes)[:, 0, 0, 0], torch.tensor([0.299, 0.587, 0.114]))


def test_the_grid_is_cut_row_by_row():
    planes = torch.arange(2 * 3 * 64 * 96).reshape(2, 3, 64, 96)
    patches = cut(planes)
    assert patches.shape == (2, 6, 3, SIDE, SIDE)
    torch.testing.assert_close(patches[1, 4], planes[1, :, 32:64, 32:64])


class Mean(PatchNetwork):
    """The mean of each patch after local normalisation with a window of five pixels."""

    margin = 2

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(1, 1)

    def prepare(self, planes):
        return local_normalisation(luma(planes), [0.2] * 5, 10).abs()

    def assess(self, patches):
        quality = patches.mean(dim=(2, 3, 4))
        return PatchPrediction(quality.mean(dim=1), quality)


def test_patches_have_the_same_surroundings_in_training_and_prediction():
    network, photo = Mean(), make_scene(64, 96)
    padded = np.pad(photo, ((2, 2), (2, 2), (0, 0)), mode="edge")
    places = [(top, left) for top in (0, 32) for left in (0, 32, 64)]
    patches = np.stack([padded[top : top + 36, left : left + 36] for top, left in places])
    trained, predicted = network(torch.from_numpy(patches)[None]), network.on_grid(torch.from_numpy(photo)[None])
    torch.testing.assert_close(trained.quality, predicted.quality)
    assert len(set(predicted.quality[0].tolist())) == 6
    outputs = network.outputs(torch.from_numpy(photo)[None])
    assert list(outputs) == ["score", "map"]
    torch.testing.assert_close(outputs["map"][0, 1, 2], predicted.quality[0, 5])


def test_planes_keep_the_levels():
    pixels = torch.tensor([[[[0, 128, 255]]]], dtype=torch.uint8)
    assert as_planes(pixels).tolist() == [[[[0]], [[128]], [[255]]]]
