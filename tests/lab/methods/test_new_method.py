"""The worked example of the how-to guide: a new method is one class, one decorator and one recipe."""

from pathlib import Path

import numpy as np
import pytest
import torch

import noref
from noref.lab.datasets.rated import RatedImages
from noref.lab.experiments import experiment
from noref.lab.experiments.recipe import load_recipe
from noref.lab.export import export_run
from noref.lab.methods import registry
from noref.lab.methods.network import NetworkSettings, ScoringNetworkMethod
from noref.lab.networks.pooled import CELL, ScoreNetwork
from noref.lab.settings import Share, settings
from noref.lab.training.finetuning import ScoreModule
from noref.lab.training.loop import train
from noref.lab.training.photos import RatedPhotos
from pictures import make_scene


@settings
class FlatSettings(NetworkSettings):
    """Settings of the example."""

    dropout: Share = 0.2
    """Share of the features that training hides from the head."""


class FlatMethod(ScoringNetworkMethod[FlatSettings]):
    """A backbone and a linear head, fine-tuned by mean squared error."""

    settings_type = FlatSettings
    map_meaning = "local quality, higher is better"
    map_cell = CELL
    network_: ScoreNetwork

    def build_network(self, pretrained: bool) -> ScoreNetwork:
        return ScoreNetwork(self.settings.backbone.build(pretrained), "last", self.settings.dropout)

    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        module = ScoreModule(self.network_, {"mse": 1.0}, self.settings.optimizer)
        training = RatedPhotos(rated, self.working_size, self.settings.data.crop, self.seed)
        checking = RatedPhotos(validation, self.working_size)
        train(module, training, checking, folder / "training", self.settings.schedule, self.seed)


RECIPE = """
method: flat
split: {train: 0.6, validation: 0.2, test: 0.2}
params:
  backbone: {name: test_vit}
  data: {area: 20_000, crop: 64}
  optimizer: {head_lr: 1e-3}
  schedule: {epochs: 1, batch: 8}
"""


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(registry, "REGISTRY", {**registry.REGISTRY})
    registry.register("flat")(FlatMethod)


def test_a_recipe_trains_saves_reports_and_exports_it(registered, rated, tmp_path):
    (tmp_path / "flat.yaml").write_text(RECIPE)
    recipe = load_recipe(str(tmp_path / "flat.yaml"), {"dropout": 0.1})
    assert recipe.params["optimizer"] == {**recipe.params["optimizer"], "name": "adamw", "head_lr": 1e-3}
    results = experiment.run(recipe, rated, tmp_path / "run")
    assert results["n"].iloc[0] == 6
    assert (tmp_path / "run" / "scatter.png").is_file()
    method = experiment.load_model(tmp_path / "run")
    scorer = noref.Scorer(export_run(tmp_path / "run", tmp_path / "flat.onnx"))
    with torch.inference_mode():
        for shape in ((64, 64), (101, 131), (200, 300)):
            found = scorer.score(make_scene(*shape))
            expected = method.outputs(make_scene(*shape))
            assert found.score == pytest.approx(np.clip(100 * float(expected["score"]), 0, 100), abs=1e-2)
            np.testing.assert_allclose(found.map, 100 * expected["map"], atol=1e-1)


def test_two_methods_cannot_share_a_name(registered):
    registry.register("flat")(FlatMethod)
    with pytest.raises(ValueError, match="two methods are called flat"):
        registry.register("flat")(type("Other", (FlatMethod,), {}))
