"""Classifiers end to end on tiny photos: training, prediction, saving, export, and `noref lab train`."""

import json

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch import nn

from noref.card import ModelCard
from noref.cli.app import app
from noref.lab import distortions
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.experiments import experiment
from noref.lab.experiments.recipe import Recipe, load_recipe, read_yaml
from noref.lab.export import export
from noref.lab.methods.classifier.learning import ClassificationModule, class_weights
from noref.lab.methods.classifier.method import ClassifierMethod
from noref.lab.methods.classifier.network import probabilities
from noref.lab.plots.curves import read_log
from noref.lab.settings import nested
from pictures import make_scene

SCENES = 12
TYPES = {"gblur": "gaussian_blur", "wn": "white_noise"}
TUNED = {
    "network": "backbone",
    "backbone.name": "test_efficientnet",
    "features": "stages",
    "data.area": 20_000,
    "head_epochs": 20,
    "schedule.epochs": 1,
    "blocks": 2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for each class: 12 scenes, unchanged, blurred and noisy."""
    home = tmp_path_factory.mktemp("classes")
    for scene in range(SCENES):
        pixels = make_scene(64, 64, 200 + scene)
        found = {"pristine": pixels}
        for name, kind in TYPES.items():
            found[name] = distortions.get(kind)(pixels, 5, np.random.default_rng(scene))
        for name, picture in found.items():
            path = home / name / f"scene{scene}" / "photo.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(picture).save(path)
    return home


@pytest.fixture(scope="module")
def parts(folder) -> dict[str, RatedImages]:
    rated = experiment.prepare("folders", folder, {"classes": ["gblur", "pristine", "wn"]})
    return by_content(rated, {"train": 0.7, "validation": 0.3}, 0)


def fitted(parts, folder, seed=0, **changes) -> ClassifierMethod:
    return ClassifierMethod.configured(nested(changes), seed).fit(parts["train"], parts["validation"], folder)


@pytest.fixture(scope="module")
def tuned(parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return fitted(
        parts, folder, **TUNED, **{"backbone.options": {"pad_type": "same"}}, **{"data.cache": folder / "cache"}
    ), folder


def accuracy(method, part) -> float:
    return float(np.mean(method.predict(part.paths) == part.table["type"]))


def test_a_backbone_learns_head_first(tuned, parts):
    method, folder = tuned
    assert method.classes_ == ["gblur", "pristine", "wn"]
    assert accuracy(method, parts["validation"]) > 0.7
    assert list((folder / "cache").rglob("*.npy"))
    head = read_log(folder / "head")
    assert head["train_loss"].iloc[-1] < head["train_loss"].iloc[0]
    assert {"train_accuracy", "val_accuracy", "val_loss", "val_macro_f1", "seconds"} <= set(head)
    torch.manual_seed(0)
    fresh = method.build_network(pretrained=False).backbone.body.state_dict()
    now = method.network_.backbone.body.state_dict()
    changed = {name.split(".")[1] for name, tensor in now.items() if not tensor.equal(fresh[name])}
    assert changed <= {"3", "4", "weight", "bias"}
    assert "4" in changed


def test_simplenet_learns_from_random_weights(parts, tmp_path):
    method = fitted(
        parts,
        tmp_path,
        **{"data.area": 4096, "schedule.epochs": 6, "optimizer.head_lr": 5e-4},
        dropout=[0.0] * 7,
        **{"schedule.batch": 2},
        seed=1,
    )
    assert accuracy(method, parts["validation"]) > 0.6


def test_the_same_seed_gives_the_same_network_and_sigmoids_give_probabilities(parts, tmp_path):
    settings = {"data.area": 4096, "schedule.epochs": 1, "data.crop": 64, "output": "sigmoid", "balanced": False}
    one, two = (fitted(parts, tmp_path / str(i), **settings).predict_proba(parts["validation"].paths[:3]) for i in range(2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(one.sum(axis=1), 1, atol=1e-6)


def test_the_exported_model_predicts_the_same(tmp_path):
    method = ClassifierMethod.configured({"data": {"area": 40_000}})
    method.classes_ = ["gblur", "wn"]
    torch.manual_seed(0)
    method.network_ = method.build_network(pretrained=False).eval()
    facts = dict.fromkeys(("name", "version", "description", "licence", "scale", "training_data", "origin", "policy"), "")
    session = onnxruntime.InferenceSession(export(method, ModelCard(**facts, shortest=0), tmp_path / "tiny.onnx"))
    for height, width in ((64, 64), (67, 101), (300, 400)):
        scene = make_scene(height, width)
        (found,) = session.run(["defects"], {"pixels": scene[None]})
        np.testing.assert_allclose(found, method.predict_proba([scene]), atol=1e-5)


def test_rare_classes_count_more():
    weights = class_weights(np.array([0, 0, 0, 1, 2, 2]))
    assert weights.tolist() == [1, 3, 1.5]
    logits, numbers = torch.tensor([[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]]), torch.tensor([0, 1])
    losses = {}
    for output in ("softmax", "sigmoid"):
        for name, counts in (("alike", torch.ones(3)), ("balanced", weights)):
            losses[output, name] = ClassificationModule(nn.Identity(), counts, output, 1e-3, 0, 0).loss(logits, numbers).item()
    assert losses["softmax", "balanced"] > losses["softmax", "alike"]
    assert losses["sigmoid", "balanced"] > losses["sigmoid", "alike"]
    right = np.log1p(np.exp(-2)) + 2 * np.log(2)  # binary cross-entropy of the three outputs, summed
    wrong = np.log1p(np.exp(2)) + 2 * np.log(2)
    assert losses["sigmoid", "alike"] == pytest.approx((right + wrong) / 6)


def test_sigmoids_are_divided_by_their_sum():
    found = probabilities(torch.tensor([[0.0, 0.0], [100.0, 0.0]]), "sigmoid")
    np.testing.assert_allclose(found, [[0.5, 0.5], [2 / 3, 1 / 3]])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"network": "backbone", "backbone.name": "simplenett"}, "no backbone is called 'simplenett'"),
        (
            {"network": "backbone", "backbone.name": "test_efficientnet", "backbone.weights": "/none.safetensors"},
            "none.safetensors",
        ),
    ],
)
def test_wrong_settings_are_errors_with_the_cause(changes, says, parts, tmp_path):
    with pytest.raises(LabError, match=says):
        fitted(parts, tmp_path, **changes)


def test_photos_need_a_class_that_training_photos_have(parts, rated, tmp_path):
    with pytest.raises(LabError, match="needs a class for each image; list the classes under `labels`"):
        ClassifierMethod().fit(rated, rated, tmp_path)
    strange = parts["validation"].table.assign(type="haze")
    with pytest.raises(LabError, match="no training photo of class haze"):
        ClassifierMethod().fit(parts["train"], RatedImages("folders", parts["train"].folder, strange, (0, 1)), tmp_path)


@pytest.mark.parametrize("name", ["simplenet", "simplenet-paper", "inceptionresnetv2", "classifier"])
def test_shipped_recipes_can_be_built(name):
    recipe = load_recipe(name)
    assert recipe.build().get_params() == {**recipe.params, "seed": recipe.seed}
    assert set(recipe.labels["classes"]) == {"bad_lighting", "fastfading", "gblur", "jp2k", "jpeg", "pristine"} | (
        set() if name == "simplenet-paper" else {"wn"}
    )


@pytest.mark.parametrize("labels", [{"levels": [1]}, {"classes": ["jpeg"], "level": [1]}])
def test_labels_of_another_form_are_refused(labels):
    with pytest.raises(LabError, match="labels are classes and optionally levels"):
        Recipe("classifier", labels=labels)


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    home = tmp_path_factory.mktemp("runs")
    recipe = {
        "method": "classifier",
        "labels": {"classes": ["gblur", "pristine", "wn"]},
        "split": {"train": 0.5, "validation": 0.25, "test": 0.25},
        "params": {
            "network": "backbone",
            "backbone": {"name": "test_efficientnet"},
            "features": "stages",
            "head_epochs": 3,
            "schedule": {"epochs": 1},
        },
    }
    (home / "mine.yaml").write_text(json.dumps(recipe))
    command = ["lab", "train", str(home / "mine.yaml"), "--data", f"folders={folder}", "--out", str(home / "out")]
    return command, CliRunner().invoke(app, command), home / "out"


def test_one_command_writes_all_figures(run):
    _, result, out = run
    assert result.exit_code == 0, result.stderr
    assert {"confusion.png", "roc.png", "reliability.png", "curves.png", "confusion.csv", "classes.csv"} <= {
        path.name for path in out.iterdir()
    }
    assert (out / "results.md").read_text() in result.stdout
    results = pd.read_csv(out / "results.csv").iloc[0]
    assert results["n"] == 9
    assert results["epochs"] == len(read_log(out / "head")) + 1
    assert results["minutes"] > 0
    assert results["parameters"] == sum(p.numel() for p in experiment.load_model(out).network_.parameters())
    assert results["megabytes"] == pytest.approx((out / "model" / "weights.safetensors").stat().st_size / 1e6, rel=0.1)
    assert read_yaml((out / "recipe.yaml").read_text())["labels"] == {"classes": ["gblur", "pristine", "wn"]}
    assert json.loads((out / "model" / "method.json").read_text())["facts"]["classes_"] == ["gblur", "pristine", "wn"]
    split = pd.read_csv(out / "split.csv")
    scene = split["image"].str.split("/").str[1]
    assert split.groupby(scene)["part"].nunique().max() == 1


def test_the_same_command_again_gives_the_same_table(run):
    command, _, out = run
    before = (out / "results.csv").read_text()
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (out / "results.csv").read_text() == before
