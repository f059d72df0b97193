"""One file with everything inside, and the same numbers as torch."""

import dataclasses

import numpy as np
import onnx
import pytest
import torch

import noref
from noref.card import ModelCard
from noref.lab.export import export
from noref.lab.methods.diqa import network
from noref.lab.methods.diqa.method import DiqaMethod
from pictures import make_scene

CARD = ModelCard(
    name="",
    version="1",
    description="test",
    licence="Apache-2.0",
    scale="0 to 100",
    training_data="none",
    origin="random",
    policy="",
    shortest=0,
    map_meaning="local quality",
    map_cell=4,
)


def random_method(**design) -> DiqaMethod:
    method = DiqaMethod(area=20_000, **design)
    torch.manual_seed(1)
    method.network_ = network.build(method.design).eval()
    with torch.no_grad():
        method.network_.output.bias.fill_(0.5)  # away from the ends, where clipping would hide differences
    method.scale_, method.errors_ = (0.0, 1.0), None
    return method


@pytest.fixture(scope="module", params=[False, True], ids=["diqa", "diqa-sens"])
def exported(request, tmp_path_factory):
    method = random_method(sensitivity=request.param)
    return method, export(method, CARD, tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.mark.parametrize("side", [(64, 64), (67, 101), (128, 96), (300, 400)])
def test_scores_and_maps_are_those_of_torch(exported, side):
    method, path = exported
    pixels = make_scene(*side)
    found = noref.Scorer(path).score(pixels)
    assert 0 < found.score < 100
    assert found.score == pytest.approx(100 * method.predict([pixels])[0], abs=1e-3)
    np.testing.assert_allclose(found.map, 100 * method.explain(pixels)["quality"], atol=1e-3)


def test_the_card_is_completed(exported):
    _, path = exported
    card = noref.Scorer(path).card
    assert card.name == "tiny"
    assert card.shortest == 64
    assert "0.02 MP" in card.policy
    assert dataclasses.replace(card, name="", policy="", shortest=0, sha256="") == CARD


def test_the_file_stands_alone_and_tells_nothing_of_the_machine(exported, tmp_path):
    _, path = exported
    content = path.read_bytes()
    assert b"site-packages" not in content
    assert str(tmp_path.home()).encode() not in content
    model = onnx.load_from_string(content)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    (given,) = model.graph.input
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8


def test_the_same_method_gives_the_same_file(exported, tmp_path):
    method, path = exported
    assert export(method, CARD, tmp_path / "tiny.onnx").read_bytes() == path.read_bytes()


def test_scores_are_clipped_to_the_scale(tmp_path):
    method = random_method()
    with torch.no_grad():
        method.network_.output.bias.fill_(7)
    found = noref.Scorer(export(method, CARD, tmp_path / "x.onnx")).score(make_scene(80, 80))
    assert found.score == 100
    assert found.map.mean() > 100
