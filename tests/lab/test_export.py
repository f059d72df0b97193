"""Exported models are self-contained, and predict the same as torch."""

import dataclasses
import json

import numpy as np
import onnx
import pandas as pd
import pytest
import torch

import noref
from noref.card import ModelCard
from noref.lab.datasets.labelled import PRISTINE
from noref.lab.errors import LabError
from noref.lab.experiments import experiment
from noref.lab.export import _origin, export, export_run
from noref.lab.methods.diqa.method import DiqaMethod
from noref.lab.methods.network import NetworkMethod, ScoringNetworkMethod
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.preprocessing import SizeConfig
from noref.lab.settings import settings
from noref.scorer import OUTPUTS
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
    method = DiqaMethod.configured({"data": {"area": 20_000}, "stage1": {"epochs": 0}, "design": design})
    torch.manual_seed(1)
    method.network_ = method.build_network(pretrained=False).eval()
    with torch.no_grad():
        method.network_.scores.output.bias.fill_(0.5)  # away from the ends, where clipping would hide differences
    method.mos_range_ = (0.0, 1.0)
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


def test_the_file_is_self_contained_and_has_no_machine_paths(exported, tmp_path):
    _, path = exported
    content = path.read_bytes()
    assert b"site-packages" not in content
    assert str(tmp_path.home()).encode() not in content
    model = onnx.load_from_string(content)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    (given,) = model.graph.input
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8


@pytest.mark.parametrize("exported", [False], ids=["diqa"], indirect=True)
def test_the_same_method_gives_the_same_file(exported, tmp_path):
    method, path = exported
    assert export(method, CARD, tmp_path / "tiny.onnx").read_bytes() == path.read_bytes()


@settings
class Plain:
    """Settings of methods made for tests."""

    data: SizeConfig = SizeConfig(area=20_000)
    backbone: BackboneConfig = BackboneConfig(name="small", weights="/far/away.safetensors")


class Namer(NetworkMethod[Plain]):
    """Predicts a class from the mean colour."""

    name = "namer"
    settings_type = Plain
    multiple = 4
    classes_ = ("red", PRISTINE, "blue")

    def build_network(self, pretrained):
        return Core(())

    def learn(self, rated, validation, folder):
        raise NotImplementedError

    def predict(self, images):
        raise NotImplementedError


def namer(*outputs: str) -> Namer:
    method = Namer()
    method.network_ = Core(outputs)
    return method


class Core(OutputNetwork):
    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names

    def outputs(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        mean = pixels.float().mean(dim=(1, 2)) / 255
        quality = pixels.float().mean(dim=3) / 255
        found = {"levels": 5 * mean, "defects": mean, "map": quality, "score": quality.mean(dim=(1, 2))}
        return {name: found[name] for name in self.names}


class Brighter(OutputNetwork):
    """The same, but the quality is higher by 1 everywhere."""

    def __init__(self, network: OutputNetwork) -> None:
        super().__init__()
        self.network = network

    def outputs(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        found = self.network.outputs(pixels)
        return {**found, "map": found["map"] + 1, "score": found["score"] + 1}


def test_a_full_disk_leaves_the_earlier_model(full_disk, tmp_path):
    path = export(namer("defects"), CARD, tmp_path / "tiny.onnx")
    before = path.read_bytes()
    with full_disk(), pytest.raises(LabError, match=r"tiny\.onnx: No space left on device; choose another file"):
        export(namer("defects", "levels"), CARD, path)
    assert path.read_bytes() == before


def test_scores_are_clipped_to_the_scale_and_maps_are_not(tmp_path):
    bright = namer("levels", "map", "defects", "score")
    bright.network_ = Brighter(bright.network_)
    found = noref.Scorer(export(bright, CARD, tmp_path / "x.onnx")).score(make_scene(80, 80))
    assert found.score == 100
    assert found.map.mean() > 100


@pytest.mark.parametrize("names", [("defects",), ("levels", "defects"), ("levels", "map", "defects", "score")])
def test_a_method_may_predict_defects_instead_or_as_well(names, tmp_path):
    outputs = len(names)
    path = export(namer(*names), CARD, tmp_path / "namer.onnx")
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
    assert _origin(namer()) == "small, weights away.safetensors"
    assert _origin(Namer(Plain(backbone=BackboneConfig(name="resnet50", weights="imagenet")))) == "resnet50, weights imagenet"
    assert _origin(Namer(Plain(backbone=BackboneConfig()))) == "random"
    assert _origin(random_method()) == "random"


class Everything(OutputNetwork):
    """Score by the mean pixel, red and blue as defects, ends at a half and one and a half of the score; bright is unusual."""

    def outputs(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        share = pixels.float().mean(dim=(1, 2)) / 255
        quality = pixels.float().mean(dim=3) / 255
        score = quality.mean(dim=(1, 2))
        ends = torch.stack([score / 2, score * 1.5], dim=1)
        found = {"interval": ends, "levels": 5 * share, "defects": share, "map": quality, "score": score}
        return {"unusual": 2 * score, **found}


class Complete(ScoringNetworkMethod[Plain]):
    """Predicts everything at once."""

    name = "complete"
    settings_type = Plain
    multiple = 4
    map_meaning = "the mean of each pixel"
    map_cell = 1
    coverage = 0.9
    usual = 0.99
    mos_range_ = (1.0, 5.0)
    classes_ = ("red", "green", "blue")

    def build_network(self, pretrained):
        return Everything()

    def learn(self, rated, validation, folder):
        raise NotImplementedError


def complete() -> Complete:
    method = Complete()
    method.network_ = Everything()
    return method


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A results folder of a method with all outputs, as `experiment.run` leaves it."""
    split = {"train": 0.75, "validation": 0.1, "test": 0.15}
    recipe = {"method": "complete", "params": {}, "split": split, "seed": 4, "database": "biq2021"}
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    (tmp_path / "environment.json").write_text(json.dumps({"data": "d", "commit": "c"}))
    rows = {"part": ["all", "noise"], "n": [7, 7], "srcc": [0.5, 0.25], "rmse": [0.5, np.nan], "auc": [np.nan, 0.75]}
    pd.DataFrame(rows).to_csv(tmp_path / "results.csv", index=False)
    monkeypatch.setattr(experiment, "load_model", lambda _: complete())
    return tmp_path


def test_a_method_may_predict_everything_at_once(finished):
    path = export_run(finished, finished / "all.onnx")
    assert [output.name for output in onnx.load(path).graph.output] == [*OUTPUTS]
    scorer = noref.Scorer(path)
    card = scorer.card
    assert (card.coverage, card.usual, card.map_cell, card.defects) == (0.9, 0.99, 1, ("red", "green", "blue"))
    assert card.scale.startswith("0 to 100")
    assert card.agreement == (
        {"part": "all", "n": 7, "srcc": 0.5, "rmse": 12.5},
        {"part": "noise", "n": 7, "srcc": 0.25, "auc": 0.75},
    )
    assert card.measured["command"].startswith("noref lab evaluate model:all.onnx --data biq2021=PATH --protocol single")
    found = scorer.score(np.full((64, 80, 3), (51, 102, 153), np.uint8))
    assert found.score == pytest.approx(40, abs=1e-3)
    assert found.interval == pytest.approx((20, 60), abs=1e-3)
    assert found.map.shape == (64, 80)
    assert [defect.level for defect in found.defects.values()] == pytest.approx([1, 2, 3], abs=1e-4)
    assert found.warnings == ()
    bright = scorer.score(np.full((64, 80, 3), 204, np.uint8))
    assert "distance 1.6 times the threshold" in bright.warnings[0]
    assert bright.interval == pytest.approx((40, 100), abs=1e-3)


def test_outputs_and_their_shares_need_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(Complete, "coverage", 0.0)
    with pytest.raises(ValueError, match="complete: an interval and its coverage need each other"):
        export(complete(), CARD, tmp_path / "x.onnx")
    monkeypatch.setattr(Namer, "coverage", 0.9)
    with pytest.raises(ValueError, match="namer: an interval"):
        export(namer("levels", "defects"), CARD, tmp_path / "x.onnx")
    monkeypatch.undo()
    monkeypatch.setattr(Complete, "usual", 0.0)
    with pytest.raises(ValueError, match="complete: the output `unusual` and the share `usual` need each other"):
        export(complete(), CARD, tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_fixed_area_can_be_overridden_in_the_exported_model(tmp_path):
    method = Complete(Plain(data=SizeConfig(area=20_000, shortest=4, fixed=True)))
    method.network_ = Everything()
    path = export(method, CARD, tmp_path / "fixed.onnx")
    session = noref.Scorer(path)._session
    assert (list(session.inputs), session.optional) == (["pixels"], {"area"})
    small, large = make_scene(29, 41), make_scene(300, 400)
    for view, shapes in (("common", [(120, 168), (124, 164)]), ("native", [(28, 40), (124, 164)])):
        scorer = noref.Scorer(path, view=view)
        found = [scorer.score(pixels) for pixels in (small, large)]
        assert [each.map.shape for each in found] == shapes
        assert found[1].policy == scorer.card.policy == method.working_size.describe()
    assert found[0].score == pytest.approx(small.mean() / 2.55, abs=1)
