"""CNNIQA and CNNIQA++: sizes as published, and the types of distortion of CNNIQA++."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tester import make

from noref.lab import methods
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.methods.cnniqa.network import Cnniqa, CnniqaPlus
from noref.lab.methods.cnniqa.typed import UNKNOWN, TypedModule, TypedPatches
from noref.lab.networks.patches import PatchPrediction
from noref.lab.preprocessing import SizeConfig
from noref.lab.training.pairs import find_photos
from pictures import make_scene

SIZE = SizeConfig().working_size(32)


def count(network):
    return sum(weights.numel() for weights in network.parameters())


def test_the_networks_have_the_published_sizes():
    assert count(Cnniqa()) == 724_901
    assert [count(CnniqaPlus(types)) for types in (1, 5)] == [77_297 + 513, 77_297 + 5 * 513]


@pytest.mark.parametrize("network", [Cnniqa(), CnniqaPlus(2)])
def test_features_are_the_extremes_of_linear_responses(network):
    patches = torch.randn(1, 2, 1, 32, 32)
    inputs = []
    network.hidden.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    network.eval().hide(patches)
    network.hide(-patches)
    half = inputs[0].shape[1] // 2
    assert (inputs[0][:, :half] >= inputs[0][:, half:]).all()
    assert (inputs[0] < 0).any()  # without rectification
    if isinstance(network.features, torch.nn.Conv2d):
        bias = network.features.bias
        torch.testing.assert_close(inputs[0][:, :half] - bias, -(inputs[1][:, half:] - bias), atol=1e-5, rtol=1e-4)


def test_the_mean_of_the_map_is_the_score():
    method = make("cnniqa")
    method.network_ = method.build_network(pretrained=True).eval()
    found = method.outputs(make_scene(80, 100))
    assert found["map"].shape == (3, 4)
    assert found["map"].mean() == pytest.approx(found["score"].item(), abs=1e-6)
    assert list(method.explain(make_scene(80, 100))) == ["quality"]


def test_items_have_a_mos_a_type_or_both(rated, pristine):
    types = ["gaussian_blur", "jpeg"]
    photos = find_photos(pristine)[:2]
    both = TypedPatches(rated, types, photos, SIZE, 3, 1, 0)
    assert len(both) == len(both.shapes()) == len(rated) + 2 * 2 * 3
    _, mos, kind = both[0, 3]
    assert (mos.item(), kind) == (pytest.approx(rated.unit_mos[3]), UNKNOWN)
    patches, mos, kind = both[0, len(rated) + 4]
    assert patches.shape == (3, 34, 34, 3)
    assert mos.isnan()
    assert kind == 1
    named = replace(rated, table=rated.table.assign(type=["jpeg", None] * (len(rated) // 2)))
    own = TypedPatches(named, types, (), SIZE, 3, 1, 0)
    assert len(own) == len(rated)
    assert [own[0, place][2] for place in (0, 1)] == [1, UNKNOWN]


class Fixed(torch.nn.Module):
    """Two photos of one patch, whatever the pixels."""

    def forward(self, _):
        logits = torch.tensor([[[0.0, 0.0]], [[2.0, 0.0]], [[0.0, 5.0]]])
        return PatchPrediction(torch.zeros(3), torch.tensor([[0.5], [0.3], [0.9]]), types=logits)


def test_the_loss_is_half_each():
    module = TypedModule(Fixed(), 1e-3, lambda *_: None)
    mos, kind = torch.tensor([0.2, torch.nan, torch.nan]), torch.tensor([UNKNOWN, 0, UNKNOWN])
    surprise = np.log(1 + np.exp(-2))
    assert module.loss([torch.zeros(3), mos, kind]).item() == pytest.approx(0.5 * 0.3 + 0.5 * surprise)
    nothing = torch.full((3,), UNKNOWN)
    assert module.loss([torch.zeros(3), mos, nothing]).item() == pytest.approx(0.5 * 0.3)


def test_the_types_of_the_database_are_learned_without_pristine_photos(rated, tmp_path):
    kinds = [("jpeg", "blur", None)[place % 3] for place in range(len(rated))]
    parts = by_content(replace(rated, table=rated.table.assign(type=kinds)), {"train": 0.7, "validation": 0.3}, 0)
    method = make("cnniqa-plus", {"schedule.epochs": 1}).fit(parts["train"], parts["validation"], tmp_path / "run")
    assert list(method.classes_) == ["blur", "jpeg"]
    method.save(tmp_path / "saved")
    loaded = methods.get("cnniqa-plus").load(tmp_path / "saved")
    shares = loaded.outputs(make_scene(80, 96))["defects"]
    assert shares.shape == (2,)
    assert shares.sum() == pytest.approx(1, abs=1e-5)


def test_without_any_types_is_an_error(rated, tmp_path):
    with pytest.raises(LabError, match="has no types of distortion, which cnniqa-plus learns; give --pristine FOLDER"):
        make("cnniqa-plus").fit(rated, rated, tmp_path)
