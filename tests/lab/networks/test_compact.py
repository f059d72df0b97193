"""Compact networks for export predict the same."""

import pytest
import torch
from torch import nn

from noref.lab.networks.backbone import Backbone
from noref.lab.networks.compact import compact
from pictures import make_scene


@pytest.fixture
def backbone():
    torch.manual_seed(0)
    backbone = Backbone("test_efficientnet")
    for layer in backbone.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values, low, high in ((layer.weight, 0.5, 2), (layer.bias, -1, 1), (layer.running_mean, -1, 1)):
                nn.init.uniform_(values, low, high)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    return backbone.eval()


def test_a_compact_network_predicts_the_same_up_to_rounding(backbone):
    pixels = torch.from_numpy(make_scene(64, 96))[None]
    with torch.inference_mode():
        before = backbone(pixels)
        compact(backbone)
        after = backbone(pixels)
    for one, other in zip(before, after, strict=True):
        assert float((one - other).abs().max()) < 0.02 * float(one.abs().max())
    norms = [layer for layer in backbone.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert norms
    assert all((norm.weight == 1).all() and (norm.running_mean == 0).all() for norm in norms)


def test_large_kernels_are_rounded_to_half_precision_once(backbone):
    compact(backbone)
    large = [weight for weight in backbone.parameters() if weight.ndim > 1 and weight.numel() >= 4096]
    assert large
    assert all(torch.equal(weight, weight.half().float()) for weight in large)
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    compact(backbone)
    for name, tensor in backbone.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=1e-3, atol=1e-6)
