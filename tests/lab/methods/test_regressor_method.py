"""The regressor end to end on tiny photos: head start, fine-tuning, maps, saving, export."""

import json

import numpy as np
import pytest
import torch
from sklearn.base import clone

import noref
from noref.card import ModelCard
from noref.errors import ImageTooSmall
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.export import export
from noref.lab.methods.regressor.learning import RegressionModule
from noref.lab.methods.regressor.losses import mixture
from noref.lab.methods.regressor.method import RegressorMethod
from noref.lab.methods.regressor.network import Regressor
from noref.lab.metrics.agreement import agreement
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.padding import with_static_padding
from noref.lab.training.finetuning import OptimizerConfig, warm_up_and_cosine
from pictures import make_scene

TINY = {"backbone": "test_efficientnet", "features": "stages", "crop": 64, "epochs": 2, "batch": 8, "head_lr": 1e-4}


@pytest.fixture(scope="module")
def parts(rated):
    return by_content(rated, {"train": 0.7, "validation": 0.3}, 0)


def fitted(parts, folder, **changes) -> RegressorMethod:
    return RegressorMethod(**{**TINY, **changes}).fit(parts["train"], parts["validation"], folder)


@pytest.fixture(scope="module")
def method(parts, tmp_path_factory):
    return fitted(parts, tmp_path_factory.mktemp("run"), options={"pad_type": "same"}, area=20_000)


def test_predictions_are_deterministic_and_survive_saving(method, parts, tmp_path):
    paths = parts["validation"].paths
    first = method.predict(paths)
    assert first.shape == (len(paths),)
    np.testing.assert_array_equal(first, method.predict(paths[::-1])[::-1])
    method.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["method.json", "weights.safetensors"]
    loaded = RegressorMethod.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(paths), first)
    np.testing.assert_array_equal(loaded.explain(paths[0])["quality"], method.explain(paths[0])["quality"])
    assert json.loads((tmp_path / "method.json").read_text())["params"]["loss"] == {"mse": 1.0}


def test_loading_needs_no_other_file(parts, tmp_path):
    source = tmp_path / "source.safetensors"
    Backbone("test_efficientnet").save(source)
    method = fitted(parts, tmp_path / "run", weights=source, epochs=0)
    method.save(tmp_path / "model")
    source.unlink()
    loaded = RegressorMethod.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(parts["train"].paths[:2]), method.predict(parts["train"].paths[:2]))


def test_the_map_has_a_cell_for_16_pixels_and_the_scores_mean(method):
    scene = make_scene(80, 100)
    quality = method.explain(scene)["quality"]
    assert quality.shape == (6, 8)  # of 96 x 128 pixels
    assert np.ptp(quality) > 0
    assert quality.mean() == pytest.approx(method.predict([scene])[0], abs=1e-5)


def test_predictions_come_on_the_databases_own_scale(method, parts):
    paths = parts["validation"].paths[:2]
    before = method.predict(paths)
    other = clone(method)
    other.network_, other.mos_range_ = method.network_, (1.0, 5.0)
    np.testing.assert_allclose(other.predict(paths), 1 + 4 * before)


@pytest.mark.parametrize("side", [(64, 64), (67, 101), (300, 400)])
def test_the_exported_model_says_the_same(exported, method, side):
    pixels = make_scene(*side)
    found = exported.score(pixels)
    assert found.score == pytest.approx(min(max(100 * method.predict([pixels])[0], 0), 100), abs=1e-3)
    np.testing.assert_allclose(found.map, 100 * method.explain(pixels)["quality"], atol=1e-2)


@pytest.fixture(scope="module")
def exported(method, tmp_path_factory):
    texts = dict.fromkeys(("name", "version", "description", "licence", "scale", "training_data", "origin", "policy"), "")
    card = ModelCard(**texts, shortest=0, map_meaning=method.MAP_MEANING, map_cell=method.MAP_CELL)
    return noref.Scorer(export(method, card, tmp_path_factory.mktemp("model") / "tiny.onnx"))


def test_padding_by_numbers_is_padding_by_formula():
    backbone = Backbone("test_efficientnet", options={"pad_type": "same"})
    pixels = torch.from_numpy(make_scene(64, 160))[None]
    with torch.inference_mode():
        for one, two in zip(backbone(pixels), with_static_padding(backbone)(pixels), strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_the_head_start_is_a_fitted_head_on_an_untouched_backbone(parts, tmp_path):
    method = fitted(parts, tmp_path / "run", epochs=0, cache=tmp_path / "cache")
    torch.manual_seed(0)
    for name, tensor in Backbone("test_efficientnet").state_dict().items():
        torch.testing.assert_close(method.network_.backbone.state_dict()[name], tensor)
    validation = parts["validation"]
    facts = json.loads((tmp_path / "run" / "head.json").read_text())
    measured = agreement(method.predict(validation.paths), validation.mos)["srcc"]
    assert facts["val_srcc"] == pytest.approx(measured, abs=0.05)
    assert measured > 0.5
    again = fitted(parts, tmp_path / "again", epochs=0, cache=tmp_path / "cache")
    np.testing.assert_array_equal(again.predict(validation.paths), method.predict(validation.paths))


def test_without_head_start_the_first_answer_is_the_mean_opinion(parts, tmp_path):
    method = fitted(parts, tmp_path, epochs=0, head_start=False)
    np.testing.assert_allclose(method.predict(parts["validation"].paths), parts["train"].mos.mean(), atol=1e-6)


def test_fine_tuning_from_random_weights_learns_what_blur_does(parts, tmp_path):
    changes = {"head_start": False, "epochs": 8, "head_lr": 1e-3, "backbone_lr": 1e-3, "frozen_norms": False}
    method = fitted(parts, tmp_path, loss={"mse": 0.5, "plcc": 0.5}, **changes)
    test = parts["validation"]
    assert agreement(method.predict(test.paths), test.mos)["srcc"] > 0.5


def test_whole_photos_of_several_sizes_train_by_any_backbone_and_loss(parts, tmp_path):
    changes = {"crop": None, "epochs": 1, "features": "last", "loss": {"huber": 1, "norm-in-norm": 1}, "dropout": 0.2}
    method = fitted(parts, tmp_path, backbone="test_convnext", precision="bf16-mixed", optimizer="adam", **changes)
    assert np.isfinite(method.predict(parts["train"].paths)).all()


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_norms_keep_their_statistics(frozen, parts, tmp_path):
    method = fitted(parts, tmp_path, epochs=1, frozen_norms=frozen)
    state = method.network_.backbone.state_dict()
    (name, *_) = (key for key in state if key.endswith("running_mean"))
    assert (float(state[name].abs().max()) == 0) == frozen


def test_dropout_hides_features_behind_their_mean():
    network = Regressor(Backbone("test_convnext"), "last", dropout=1.0)
    torch.nn.init.normal_(network.head.mean)
    torch.nn.init.normal_(network.head.weight)
    torch.nn.init.constant_(network.head.bias, 0.25)
    pixels = torch.from_numpy(make_scene(64, 64))[None]
    assert network.train()(pixels).item() == pytest.approx(0.25, abs=1e-5)
    assert network.eval()(pixels).item() != pytest.approx(0.25, abs=1e-5)


def test_rates_fall_layer_by_layer_and_by_step():
    network = Regressor(Backbone("test_convnext"), "last")
    module = RegressionModule(
        network, mixture({"mse": 1}), OptimizerConfig(head_lr=1e-2, backbone_lr=1e-3, layer_decay=0.5, weight_decay=0.1)
    )

    class Trainer:
        estimated_stepping_batches = 10

    module._trainer = Trainer()
    groups = module.configure_optimizers()["optimizer"].param_groups
    rates = {id(p): group["initial_lr"] for group in groups for p in group["params"]}
    assert len(rates) == sum(1 for _ in network.parameters())
    assert rates[id(network.head.weight)] == 1e-2
    stages = [rates[id(next(stage.parameters()))] for stage in network.backbone.body.stages]
    assert stages == sorted(set(stages))
    assert max(stages) <= 1e-3
    decays = {group["weight_decay"] for group in groups for p in group["params"] if p.ndim == 0}
    assert decays == {0.0}


def course(total: int, warm_up: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=1)
    scheduler = warm_up_and_cosine(optimizer, total, warm_up)["lr_scheduler"]["scheduler"]
    rates = scheduler.get_last_lr()
    for _ in range(total):
        optimizer.step()
        scheduler.step()
        rates += scheduler.get_last_lr()
    return rates


def test_the_course_of_the_rates():
    rates = course(12, 2)
    assert rates[:3] == [0.5, 1, 1]
    assert rates[7] == pytest.approx(0.5)
    assert rates[12] == pytest.approx(0)
    assert course(1, 0)[0] == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"backbone": "convnext_tinny"}, "did you mean convnext_tiny"),
        ({"loss": {"mes": 1}}, "did you mean mse"),
        ({"optimizer": "adamv"}, "did you mean adam or adamw"),
        ({"weights": "/none.safetensors"}, "none.safetensors"),
    ],
)
def test_wrong_settings_say_what_is_wrong(changes, says, parts, tmp_path):
    with pytest.raises(LabError, match=says):
        fitted(parts, tmp_path, **changes)


@pytest.mark.parametrize("head_start", [True, False])
def test_photos_below_the_policy_are_refused(head_start, parts, tmp_path):
    with pytest.raises(ImageTooSmall, match=r"\.png: 9?.*at least 90"):
        fitted(parts, tmp_path, shortest=90, head_start=head_start)


def test_params_follow_the_scikit_learn_protocol():
    method = RegressorMethod(**TINY)
    assert clone(method).get_params() == method.get_params()
