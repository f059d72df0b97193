"""The kernels of a network's first layer."""

import numpy as np
import pytest
import torch

from noref.lab.methods.diqa.method import DiqaMethod
from noref.lab.plots import kernels


def test_the_first_layer_is_the_first_convolution():
    built = DiqaMethod().build_network(pretrained=False)
    weights = kernels.first_layer(built)
    assert weights.shape == (48, 1, 3, 3)
    torch.testing.assert_close(weights, built.scores.stage1.trunk[0].weight)


@pytest.mark.parametrize("network", [None, torch.nn.Linear(3, 1)], ids=["none", "no convolution"])
def test_without_a_convolution_there_is_no_first_layer(network):
    assert kernels.first_layer(network) is None


@pytest.mark.parametrize("channels", [1, 3])
def test_each_kernel_is_divided_by_its_largest_absolute_weight_and_grey_is_0(channels):
    weights = torch.zeros(5, channels, 4, 4)
    weights[1, 0, 0, 0], weights[1, 0, 1, 1], weights[2, 0, 3, 3] = 2.0, -1.0, -100.0
    figure = kernels.draw(weights, "Mine")
    tiles = np.asarray(figure.axes[0].images[0].get_array())
    assert tiles.shape == (2 * 5 + 1, 3 * 5 + 1, 3)  # three a row, a pixel between
    assert (tiles[1:5, 1:5] == 0.5).all()
    np.testing.assert_allclose([tiles[1, 6, 0], tiles[2, 7, 0], tiles[3, 8, 0], tiles[4, 14, 0]], [1, 0.25, 0.5, 0])
    assert (tiles[1, 6, 1:] == (0.5 if channels == 3 else 1)).all()
    assert figure.axes[0].get_title() == "Mine: 5 kernels of 4 x 4\neach divided by its largest absolute weight; grey is 0"
