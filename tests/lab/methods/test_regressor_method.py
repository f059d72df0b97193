"""The regressor end to end on tiny photos: linear probe, fine-tuning, maps, saving, export."""

import json

import numpy as np
import pytest
import torch

from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.methods.regressor.method import RegressorMethod
from noref.lab.metrics.agreement import agreement
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.padding import with_static_padding
from noref.lab.networks.pooled import ScoreNetwork
from noref.lab.settings import nested
from noref.lab.training.finetuning import OptimizerConfig, ScoreModule, warm_up_and_cosine
from pictures import make_scene

TINY = {
    "backbone.name": "test_efficientnet",
    "features": "stages",
    "data.crop": 64,
    "schedule.epochs": 2,
    "schedule.batch": 8,
    "optimizer.head_lr": 1e-4,
}


@pytest.fixture(scope="module")
def parts(rated):
    return by_content(rated, {"train": 0.7, "validation": 0.3}, 0)


def fitted(parts, folder, **changes) -> RegressorMethod:
    return RegressorMethod.configured(nested({**TINY, **changes})).fit(parts["train"], parts["validation"], folder)


@pytest.fixture(scope="module")
def method(parts, tmp_path_factory):
    return fitted(parts, tmp_path_factory.mktemp("run"), **{"backbone.options": {"pad_type": "same"}}, **{"data.area": 20_000})


def test_loading_needs_no_other_file(parts, tmp_path):
    source = tmp_path / "source.safetensors"
    Backbone("test_efficientnet").save(source)
    method = fitted(parts, tmp_path / "run", **{"backbone.weights": source, "schedule.epochs": 0})
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
    other = RegressorMethod(method.settings)
    other.network_, other.mos_range_ = method.network_, (1.0, 5.0)
    np.testing.assert_allclose(other.predict(paths), 1 + 4 * before)


def test_padding_by_numbers_is_padding_by_formula():
    backbone = Backbone("test_efficientnet", options={"pad_type": "same"})
    pixels = torch.from_numpy(make_scene(64, 160))[None]
    with torch.inference_mode():
        for one, two in zip(backbone(pixels), with_static_padding(backbone)(pixels), strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_the_head_start_is_a_fitted_head_on_an_untouched_backbone(parts, tmp_path):
    method = fitted(parts, tmp_path / "run", **{"schedule.epochs": 0, "data.cache": tmp_path / "cache"})
    torch.manual_seed(0)
    for name, tensor in Backbone("test_efficientnet").state_dict().items():
        torch.testing.assert_close(method.network_.backbone.state_dict()[name], tensor)
    validation = parts["validation"]
    facts = json.loads((tmp_path / "run" / "head.json").read_text())
    measured = agreement(method.predict(validation.paths), validation.mos)["srcc"]
    assert facts["val_srcc"] == pytest.approx(measured, abs=0.05)
    assert measured > 0.5
    again = fitted(parts, tmp_path / "again", **{"schedule.epochs": 0, "data.cache": tmp_path / "cache"})
    np.testing.assert_array_equal(again.predict(validation.paths), method.predict(validation.paths))


def test_without_a_linear_probe_the_initial_prediction_is_the_mean_mos(parts, tmp_path):
    method = fitted(parts, tmp_path, **{"schedule.epochs": 0}, linear_probe=False)
    np.testing.assert_allclose(method.predict(parts["validation"].paths), parts["train"].mos.mean(), atol=1e-6)


def test_fine_tuning_from_random_weights_learns_the_effect_of_blur(parts, tmp_path):
    changes = {
        "linear_probe": False,
        "schedule.epochs": 8,
        "optimizer.head_lr": 1e-3,
        "optimizer.backbone_lr": 1e-3,
        "frozen_norms": False,
    }
    method = fitted(parts, tmp_path, loss={"mse": 0.5, "plcc": 0.5}, **changes)
    test = parts["validation"]
    assert agreement(method.predict(test.paths), test.mos)["srcc"] > 0.5


def test_whole_photos_of_several_sizes_train_by_any_backbone_and_loss(parts, tmp_path):
    changes = {
        "data.crop": None,
        "schedule.epochs": 1,
        "features": "last",
        "loss": {"huber": 1, "norm-in-norm": 1},
        "dropout": 0.2,
    }
    method = fitted(
        parts,
        tmp_path,
        **{"backbone.name": "test_convnext", "schedule.precision": "bf16-mixed", "optimizer.name": "adam"},
        **changes,
    )
    assert np.isfinite(method.predict(parts["train"].paths)).all()


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_norms_keep_their_statistics(frozen, parts, tmp_path):
    method = fitted(parts, tmp_path, **{"schedule.epochs": 1}, frozen_norms=frozen)
    state = method.network_.backbone.state_dict()
    (name, *_) = (key for key in state if key.endswith("running_mean"))
    assert (float(state[name].abs().max()) == 0) == frozen


def test_dropout_hides_features_behind_their_mean():
    network = ScoreNetwork(Backbone("test_convnext"), "last", dropout=1.0)
    torch.nn.init.normal_(network.head.mean)
    torch.nn.init.normal_(network.head.weight)
    torch.nn.init.constant_(network.head.bias, 0.25)
    pixels = torch.from_numpy(make_scene(64, 64))[None]
    assert network.train()(pixels).item() == pytest.approx(0.25, abs=1e-5)
    assert network.eval()(pixels).item() != pytest.approx(0.25, abs=1e-5)


def test_rates_fall_layer_by_layer_and_by_step():
    network = ScoreNetwork(Backbone("test_convnext"), "last")
    module = ScoreModule(
        network, {"mse": 1}, OptimizerConfig(head_lr=1e-2, backbone_lr=1e-3, layer_decay=0.5, weight_decay=0.1)
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
        ({"backbone.name": "convnext_tinny"}, "did you mean convnext_tiny"),
        ({"loss": {"mes": 1}}, "did you mean mse"),
        ({"optimizer.name": "adamv"}, "optimizer.name must be 'adam' or 'adamw'"),
        ({"backbone.weights": "/none.safetensors"}, "none.safetensors"),
    ],
)
def test_wrong_settings_are_errors_with_the_cause(changes, says, parts, tmp_path):
    with pytest.raises(LabError, match=says):
        fitted(parts, tmp_path, **changes)
