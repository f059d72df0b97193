"""One file with everything inside, and the same numbers as torch."""

import dataclasses
import json

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
import yaml
from torch import nn

import noref
from noref.card import ModelCard
from noref.lab.datasets.labelled import PRISTINE
from noref.lab.experiments import experiment
from noref.lab.export import _origin, export, export_run
from noref.lab.methods.diqa import network
from noref.lab.methods.diqa.method import DiqaMethod
from noref.lab.preprocessing import WorkingSize
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
    method.mos_range_, method.errors_ = (0.0, 1.0), None
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
    assert card.area == 20_000
    assert "0.02 MP" in card.policy
    assert dataclasses.replace(card, name="", policy="", shortest=0, area=0, sha256="") == CARD


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


class Namer:
    """Names what it sees by the mean colour, in one of the forms that a core may have."""

    name = "namer"
    classes_ = ("red", PRISTINE, "blue")
    working_size = WorkingSize(20_000, 64)

    def __init__(self, form: str) -> None:
        self.form = form

    def export_core(self) -> nn.Module:
        return Core(self.form)


class Core(nn.Module):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form

    def forward(self, working: torch.Tensor):
        mean = working.float().mean(dim=(1, 2)) / 255
        if self.form == "probabilities":
            return mean
        quality = working.float().mean(dim=3) / 255
        told = {"levels": 5 * mean, "defects": mean}  # in another order than the file's
        return told if self.form == "levels" else {**told, "map": quality, "score": quality.mean(dim=(1, 2))}


@pytest.mark.parametrize(("form", "outputs"), [("probabilities", 1), ("levels", 2), ("everything", 4)])
def test_a_method_may_name_defects_instead_or_as_well(form, outputs, tmp_path):
    path = export(Namer(form), CARD, tmp_path / "namer.onnx")
    assert [output.name for output in onnx.load(path).graph.output] == {
        1: ["defects"],
        2: ["defects", "levels"],
        4: ["score", "map", "defects", "levels"],
    }[outputs]
    found = noref.Scorer(path).score(np.full((64, 80, 3), (51, 102, 204), np.uint8))
    assert list(found.defects) == ["red", "blue"]  # undistorted is no defect
    assert [defect.probability for defect in found.defects.values()] == pytest.approx([0.2, 0.8])
    levels = [defect.level for defect in found.defects.values()]
    assert levels == pytest.approx([1, 4]) if outputs > 1 else np.isnan(levels).all()
    if outputs == 4:
        assert found.score == pytest.approx(np.mean([51, 102, 204]) / 2.55, abs=1e-3)
        assert found.map.shape == (64, 80)
    else:
        assert np.isnan(found.score)


def test_the_card_names_the_weights_but_not_where_they_lay():
    assert (
        _origin({"backbone": "resnet50", "weights": "/home/somebody/resnet50.safetensors"})
        == "resnet50, weights resnet50.safetensors"
    )
    assert _origin({"backbone": "resnet50", "weights": "imagenet"}) == "resnet50, weights imagenet"
    assert _origin({"backbone": "resnet50"}) == "random"


class Everything(nn.Module):
    """Score by the mean pixel, red and blue as defects, and ends at a half and at one and a half of the score."""

    def forward(self, working: torch.Tensor) -> dict[str, torch.Tensor]:
        share = working.float().mean(dim=(1, 2)) / 255
        quality = working.float().mean(dim=3) / 255
        score = quality.mean(dim=(1, 2))
        ends = torch.stack([score / 2, score * 1.5], dim=1)
        return {"interval": ends, "levels": 5 * share, "defects": share, "map": quality, "score": score}


class TellsAll:
    """Scores, bounds and names at once."""

    name = "tells-all"
    MAP_MEANING = "the mean of each pixel"
    MAP_CELL = 1
    COVERAGE = 0.9
    mos_range_ = (1.0, 5.0)
    classes_ = ("red", "green", "blue")
    working_size = WorkingSize(20_000, 64)

    def export_core(self) -> nn.Module:
        return Everything()

    def get_params(self) -> dict[str, object]:
        return {"weights": "/far/away.safetensors", "network": "small"}


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A results folder of a method that tells all, as `experiment.run` leaves it."""
    split = {"train": 0.75, "validation": 0.1, "test": 0.15}
    recipe = {"method": "tells-all", "params": {}, "split": split, "seed": 4, "database": "biq2021"}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    (tmp_path / "environment.json").write_text(json.dumps({"data": "d", "commit": "c"}))
    rows = {"part": ["all", "noise"], "n": [7, 7], "srcc": [0.5, 0.25], "rmse": [0.5, np.nan], "auc": [np.nan, 0.75]}
    pd.DataFrame(rows).to_csv(tmp_path / "results.csv", index=False)
    monkeypatch.setattr(experiment, "load_model", lambda _: TellsAll())
    return tmp_path


def test_a_method_may_tell_everything_at_once(finished):
    path = export_run(finished, finished / "all.onnx")
    assert [output.name for output in onnx.load(path).graph.output] == ["score", "map", "defects", "levels", "interval"]
    scorer = noref.Scorer(path)
    card = scorer.card
    assert (card.coverage, card.map_cell, card.defects) == (0.9, 1, ("red", "green", "blue"))
    assert card.scale.startswith("0 to 100")
    assert card.agreement == (
        {"part": "all", "n": 7, "srcc": 0.5, "rmse": 12.5},
        {"part": "noise", "n": 7, "srcc": 0.25, "auc": 0.75},
    )
    assert card.measured["command"].startswith("noref lab evaluate model:all --data biq2021=PATH --protocol single")
    found = scorer.score(np.full((64, 80, 3), (51, 102, 153), np.uint8))
    assert found.score == pytest.approx(40, abs=1e-3)
    assert found.interval == pytest.approx((20, 60), abs=1e-3)
    assert found.map.shape == (64, 80)
    assert [defect.level for defect in found.defects.values()] == pytest.approx([1, 2, 3], abs=1e-4)
    bright = scorer.score(np.full((64, 80, 3), 204, np.uint8))
    assert bright.interval == pytest.approx((40, 100), abs=1e-3)


def test_an_interval_and_its_coverage_need_each_other(tmp_path, monkeypatch):
    monkeypatch.delattr(TellsAll, "COVERAGE")
    with pytest.raises(ValueError, match="tells-all: an interval and its COVERAGE need each other"):
        export(TellsAll(), CARD, tmp_path / "x.onnx")
    monkeypatch.setattr(Namer, "COVERAGE", 0.9, raising=False)
    with pytest.raises(ValueError, match="namer: an interval"):
        export(Namer("levels"), CARD, tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []
