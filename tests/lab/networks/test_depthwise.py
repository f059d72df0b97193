"""Gradients of depthwise convolutions in bfloat16: those of the library, faster."""

import copy

import pytest
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import nn

from noref.lab.networks.depthwise import with_fast_gradients


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
        nn.Conv2d(8, 8, 5, stride=2, padding=2, groups=8, bias=False),
        Conv2dSame(8, 8, 5, stride=2, groups=8, bias=False),
    ],
)
def test_results_and_gradients_are_those_of_the_library(layer):
    torch.manual_seed(0)
    maps = torch.randn(2, 8, 16, 16)
    fast = nn.Sequential(copy.deepcopy(layer))
    with_fast_gradients(fast)
    assert type(fast[0]) is not type(layer)
    assert repr(fast[0]) == repr(layer)
    found = []
    for network in (nn.Sequential(layer), fast):
        inputs = maps.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = network(inputs)
        assert outputs.dtype == torch.bfloat16
        outputs.float().square().sum().backward()
        found.append((outputs.detach().float(), inputs.grad, network[0].weight.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0.02, atol=0.02 * float(one.abs().max()))


def test_single_precision_and_inference_stay_as_they_are():
    layer = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
    network, maps = nn.Sequential(copy.deepcopy(layer)), torch.randn(1, 4, 8, 8)
    with_fast_gradients(network)
    assert torch.equal(network(maps), layer(maps))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network(maps), layer(maps))


def test_other_convolutions_are_left_alone():
    network = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 8, 3, groups=4, bias=False))
    with_fast_gradients(network)
    assert {type(layer) for layer in network} == {nn.Conv2d}
