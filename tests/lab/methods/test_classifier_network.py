"""SimpleNet is the paper's network; only the last blocks of a backbone are trained."""

import pytest
import torch
from torch import nn

from noref.lab.methods.classifier.network import (
    LADDER,
    BackboneClassifier,
    SimpleNet,
    amplified,
    area_mean,
    freeze_all_but_last,
)
from noref.lab.networks.backbone import Backbone
from pictures import make_scene


def test_simplenet_has_the_papers_layers():
    network = SimpleNet(6)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    counts = [sum(parameter.numel() for parameter in layer.parameters()) for layer in layers]
    assert counts == [896, 18_496, 36_928, 73_856, 147_584, 295_168, 590_080, 262_208, 390]
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_425_606
    assert sum(parameter.numel() for parameter in SimpleNet(7).parameters()) == 1_425_671
    assert [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)] == list(LADDER)
    kinds = [type(layer).__name__ for layer in network.features]
    assert kinds == ["Conv2d", "ReLU", *["Conv2d", "ReLU", "MaxPool2d", "Dropout"] * 5, "Conv2d", "ReLU", "MaxPool2d"]


def test_at_256_pixels_the_last_map_is_not_averaged():
    network = SimpleNet(6).eval()
    pixels = torch.from_numpy(make_scene(256, 256))[None]
    with torch.inference_mode():
        last = network.features(pixels.permute(0, 3, 1, 2) / 127.5 - 1)
        assert last.shape == (1, 256, 4, 4)
        torch.testing.assert_close(network(pixels), network.classifier(last), rtol=0, atol=0)


def test_weights_start_as_glorot_has_it():
    torch.manual_seed(0)
    network = SimpleNet(6)
    last = network.features[-3].weight
    assert float(last.detach().std()) == pytest.approx((2 / (2 * 256 * 9)) ** 0.5, rel=0.02)  # He's would be 1.4 times as large
    assert not any(parameter.any() for name, parameter in network.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 320)])
@pytest.mark.parametrize("squash", [True, False])
def test_photos_of_any_size_are_classified(height, width, squash):
    network = SimpleNet(3, squash=squash).eval()
    with torch.inference_mode():
        assert network(torch.from_numpy(make_scene(height, width))[None]).shape == (1, 3)


def test_detail_is_amplified_and_all_else_stays():
    flat = torch.full((1, 3, 9, 9), 0.25)
    torch.testing.assert_close(amplified(flat, 6), flat)
    dot = flat.clone()
    dot[..., 4, 4] += 0.1
    seen = amplified(dot, 6)[0, 0]
    mean = 0.25 + 0.1 / 25
    assert float(seen[4, 4]) == pytest.approx(mean + 6 * (0.35 - mean))
    assert float(seen[2, 2]) == pytest.approx(mean + 6 * (0.25 - mean))  # its surroundings hold the dot as well
    torch.testing.assert_close(amplified(dot, 1), dot)


def test_the_gain_on_detail_changes_the_input():
    torch.manual_seed(0)
    plain, stressing = SimpleNet(3).eval(), SimpleNet(3, detail=6).eval()
    stressing.load_state_dict(plain.state_dict())
    pixels = torch.from_numpy(make_scene(64, 64))[None]
    with torch.inference_mode():
        wanted = plain.classifier(area_mean(plain.features(amplified(pixels.permute(0, 3, 1, 2) / 127.5 - 1, 6)), 4))
        torch.testing.assert_close(stressing(pixels), wanted)
        assert not torch.allclose(plain(pixels), wanted)


def test_area_means():
    maps = torch.arange(24.0).reshape(1, 1, 4, 6)
    torch.testing.assert_close(area_mean(maps, 2), nn.functional.adaptive_avg_pool2d(maps, 2))
    row = torch.tensor([[1.0, 2.0, 4.0]]).expand(2, 3)[None, None]
    assert area_mean(row, 2)[0, 0, 0].tolist() == pytest.approx([4 / 3, 10 / 3])  # the middle cell counts half on both sides
    assert area_mean(row[..., :1], 4).flatten().tolist() == pytest.approx([1] * 16)
    square = torch.rand(1, 2, 4, 4)
    torch.testing.assert_close(area_mean(square, 4), square, rtol=0, atol=0)


def learning(body) -> list[str]:
    return [name for name, parameter in body.named_parameters() if parameter.requires_grad]


def test_the_last_blocks_are_trained_and_the_rest_is_frozen():
    body = Backbone("test_efficientnet").body
    freeze_all_but_last(body, 2)
    assert {name.split(".")[1] for name in learning(body)} == {"3", "4", "weight", "bias"}
    assert [name for name in learning(body) if not name.startswith("blocks")] == [
        "conv_head.weight",
        "bn2.weight",
        "bn2.bias",
    ]
    freeze_all_but_last(body, 99)  # what is frozen stays so
    assert {name.split(".")[1] for name in learning(body)} == {"3", "4", "weight", "bias"}
    freeze_all_but_last(body, 0)
    assert learning(body) == []
    whole = Backbone("test_efficientnet").body
    freeze_all_but_last(whole, 99)
    assert len(learning(whole)) == sum(1 for _ in whole.parameters())


def test_of_a_network_without_groups_a_layer_is_a_block():
    body = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    freeze_all_but_last(body, 2)
    assert learning(body) == ["1.weight", "1.bias", "2.weight", "2.bias"]


def test_batch_norms_keep_their_statistics():
    network = BackboneClassifier(Backbone("test_efficientnet"), "stages", 3, dropout=0.5).train()
    before = {name: tensor.clone() for name, tensor in network.named_buffers()}
    network(torch.from_numpy(make_scene(64, 64))[None])
    for name, tensor in network.named_buffers():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)
    assert network.head.dropout.training
