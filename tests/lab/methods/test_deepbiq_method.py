"""DeepBIQ end to end on tiny photos: the three experiments, maps, export, resume, save and load."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import noref
from noref.card import ModelCard
from noref.errors import ImageTooSmall
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.export import export
from noref.lab.methods.deepbiq.leak import LeakWarning
from noref.lab.methods.deepbiq.method import DeepBiqMethod
from noref.lab.networks.backbone import Backbone
from noref.lab.settings import nested
from noref.lab.training.quality_classes import class_weights, classes
from pictures import make_scene

TINY = {
    "backbone.name": "test_efficientnet",
    "side": 64,
    "short_side": 80,
    "crops": 3,
    "regressor.axes": 8,
    "regressor.c": [0.01],
    "regressor.epsilon": [0.05],
}
TUNED = {"finetune.epochs": 1, "finetune.batch": 8, "finetune.edges": [0.5]}
CARD = ModelCard("", "1", "test", "none", "0 to 100", "none", "random", "", 0, map_meaning="local quality", map_cell=16)


@pytest.fixture(scope="module")
def parts(rated):
    return by_content(rated, {"train": 0.7, "validation": 0.3}, 0)


def fitted(parts, folder, **changes) -> DeepBiqMethod:
    return DeepBiqMethod.configured(nested({**TINY, **changes})).fit(parts["train"], parts["validation"], folder)


@pytest.fixture(scope="module")
def method(parts, tmp_path_factory):
    return fitted(parts, tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize(
    "changes",
    [
        {"view": "centre"},
        {"view": "crops", "pooling": "prediction-avg"},
        {"view": "crops", "pooling": "concatenation", "features": "stages"},
        {"view": "photo", "features": "stages", "regressor.kernel": "rbf"},
    ],
)
def test_every_view_learns_predicts_and_survives_saving(changes, parts, tmp_path):
    method = fitted(parts, tmp_path, **changes)
    paths = parts["validation"].paths
    first = method.predict(paths)
    assert first.std() > 0
    np.testing.assert_array_equal(first, method.predict(paths[::-1])[::-1])
    np.testing.assert_allclose(first[0], method.predict([np.asarray(Image.open(paths[0]))])[0], rtol=1e-5)
    assert list(pd.read_csv(tmp_path / "svr.csv").columns) == ["c", "epsilon", "val_srcc"]
    method.save(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["method.json", "weights.safetensors"]
    loaded = DeepBiqMethod.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(paths), first)
    found = loaded.explain(paths[0])["quality"]
    np.testing.assert_array_equal(found, method.explain(paths[0])["quality"])
    assert found.shape == ((6, 6) if changes["view"] == "photo" else (5, 6))


@pytest.mark.parametrize("pooling", ["feature-avg", "prediction-avg"])
def test_the_map_of_crops_adds_up(pooling, method):
    """The score is the mean of what the crops would score alone; in a photo of a crop's size it is the mean of the map."""
    network = copy.copy(method.network_)
    network.pooling = pooling
    pixels = torch.from_numpy(make_scene(64, 160, 4))[None]
    with torch.inference_mode():
        score, quality = network(pixels)
        alone = [network(crop[None])[0] for crop in network.crops.cut(pixels[0])]
        assert float(score) == pytest.approx(float(torch.stack(alone).mean()), abs=1e-5)
        covered = network.crops.lay(torch.ones(3, 4, 4), 4, 10, torch.tensor(0.0))[None]
        torch.testing.assert_close(quality[covered == 0], score.expand_as(quality[covered == 0]))
        one, cells = network(pixels[:, :, :64].contiguous())
        assert float(cells.mean()) == pytest.approx(float(one), abs=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"pooling": "prediction-max", "regressor.kernel": "rbf", "features": "stages"}, id="crops"),
        pytest.param({"view": "photo", "regressor.c": [1e-5]}, id="photo", marks=pytest.mark.slow),
    ],
)
def test_the_exported_model_predicts_the_same(changes, parts, tmp_path):
    method = fitted(parts, tmp_path, **changes)
    scorer = noref.Scorer(export(method, CARD, tmp_path / "tiny.onnx"))
    for side in ((67, 101), (128, 96)):
        pixels = make_scene(*side)
        found = scorer.score(pixels)
        assert 0 < found.score < 100
        assert found.score == pytest.approx(100 * method.predict([pixels])[0], abs=1e-3)
        np.testing.assert_allclose(found.map, 100 * method.explain(pixels)["quality"], atol=1e-3)


def test_features_are_kept_for_runs_with_fewer_crops(parts, tmp_path, monkeypatch):
    many = fitted(parts, tmp_path / "many", crops=4, **{"data.cache": tmp_path / "cache"})
    before = len(list((tmp_path / "cache").rglob("*.npy")))
    policy = json.loads(next((tmp_path / "cache").rglob("policy.json")).read_text())["policy"]
    assert policy["stages"] == [list(stage) for stage in many.network_.backbone.stages]
    assert before == len(parts["train"]) + len(parts["validation"])
    few = fitted(parts, tmp_path / "few", crops=2, most_crops=4, **{"data.cache": tmp_path / "cache"})
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == before
    plain = fitted(parts, tmp_path / "plain", crops=2)
    paths = parts["validation"].paths
    np.testing.assert_allclose(few.predict(paths), plain.predict(paths), rtol=1e-3)
    assert (few.predict(paths) != many.predict(paths)).any()


def test_weights_are_hashed_once_and_only_for_a_cache(parts, tmp_path, monkeypatch):
    hashed, policy = [], Backbone.policy
    monkeypatch.setattr(Backbone, "policy", lambda self: hashed.append(self) or policy(self))
    paths = parts["validation"].paths[:3]
    for path in paths:
        fitted(parts, tmp_path, view="centre").predict([path])
    assert not hashed
    method = fitted(parts, tmp_path, view="centre", **{"data.cache": tmp_path / "cache"})
    for path in paths:
        method.predict([path])
    assert hashed == [method.network_.backbone]


def test_predictions_come_on_the_databases_own_scale(method, parts):
    paths = parts["validation"].paths[:2]
    unit = method.predict(paths)
    method.mos_range_ = (1.0, 5.0)
    np.testing.assert_allclose(method.predict(paths), 1 + 4 * unit)
    method.mos_range_ = (0.0, 1.0)


def test_a_photo_smaller_than_a_crop_is_named(parts, method, tmp_path):
    with pytest.raises(ImageTooSmall, match="<array>"):
        method.predict([make_scene(60, 80)])
    for changes in ({}, TUNED):
        with pytest.raises(ImageTooSmall, match=r"\.png.*96"):
            fitted(parts, tmp_path, side=96, **changes)


@pytest.fixture(scope="module")
def tuned(parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    return fitted(parts, folder, **TUNED), folder


def test_fine_tuning_changes_weights_but_not_the_statistics_of_batches(tuned, parts, tmp_path):
    method, folder = tuned
    torch.manual_seed(method.seed)
    before, after = method.bare_backbone().state_dict(), method.network_.backbone.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before if "running_" in key)
    assert any(not torch.equal(before[key], after[key]) for key in before if key.endswith("conv_stem.weight"))
    other = fitted(parts, tmp_path, **{"backbone.weights": folder / "backbone.safetensors"})
    np.testing.assert_allclose(other.predict(parts["train"].paths), method.predict(parts["train"].paths), rtol=1e-5)


def test_a_repeated_fit_gives_the_same_method(tuned, parts):
    method, folder = tuned
    again = DeepBiqMethod(method.settings).fit(parts["train"], parts["validation"], folder)
    paths = parts["validation"].paths
    np.testing.assert_array_equal(again.predict(paths), method.predict(paths))


def test_the_papers_classes_and_weights():
    edges = (0.2, 0.4, 0.6, 0.8)
    mos = np.array([0, 20, 20.1, 40, 41, 60, 61, 62, 80, 81, 100]) / 100
    found = classes(mos, edges)
    assert found.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4]
    torch.testing.assert_close(class_weights(found, edges), torch.tensor([1.5, 1.5, 1.5, 1, 1.5]))
    in_training = torch.bucketize(torch.from_numpy(mos.astype(np.float32)), torch.tensor(edges))
    assert in_training.tolist() == found.tolist()


def test_a_class_without_photos_is_named(parts, tmp_path):
    with pytest.raises(LabError, match=r"class 4 of 4, from 0\.95 to 1 .*edges"):
        fitted(parts, tmp_path, **{"finetune.epochs": 1, "finetune.edges": [0.25, 0.5, 0.95]})


def test_a_leak_is_warned_of(parts, database, tmp_path):
    with pytest.warns(LeakWarning, match="test images included"):
        fitted(parts, tmp_path, **TUNED, leak=f"biq2021={database}")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"view": "crop"}, "must be 'centre', 'crops' or 'photo'"),
        ({"pooling": "feature-mean"}, "pooling must be 'feature-min'"),
        ({"view": "centre", "side": 96}, "lower `side`"),
        ({"crops": 0}, "crops must be greater than or equal to 1, not 0"),
        ({"side": 227}, "multiple of 16"),
        ({"backbone.name": "mobilnetv2_100"}, "did you mean mobilenetv2_100"),
    ],
)
def test_wrong_settings_are_told(changes, says, parts, tmp_path):
    with pytest.raises(LabError, match=says):
        fitted(parts, tmp_path, **changes)
