"""The unified method, from rated and pristine photos to the exported model, on tiny photos."""

import json
import shutil
from dataclasses import replace
from unittest import mock

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import load_file, save_file

import noref
from noref.cli.app import app
from noref.lab import distortions
from noref.lab.datasets.readers import biq2021
from noref.lab.distortions.chains import FAMILIES
from noref.lab.errors import LabError
from noref.lab.experiments import experiment
from noref.lab.methods.unified import heads, interval, learning, photos, probe, sources
from noref.lab.methods.unified.learning import MapModule, UnifiedModule
from noref.lab.methods.unified.method import UnifiedMethod
from noref.lab.methods.unified.network import (
    FEATURES,
    WIDER_FROM,
    FeatureDistance,
    UnifiedNetwork,
    expected_mos,
    mos_targets,
)
from noref.lab.methods.unified.teacher import cross_validated_mos
from noref.lab.networks.backbone import Backbone, BackboneConfig
from noref.lab.networks.pooling import describe
from noref.lab.preprocessing import WorkingSize
from noref.lab.training import loop as training
from noref.lab.training.finetuning import OptimizerConfig
from noref.lab.training.loop import Schedule
from noref.lab.training.photos import loader
from pictures import make_scene

TINY = (
    "backbone.name=test_efficientnet data.area=16384 copies=4 pictures=4 schedule.epochs=1 data.crop=64 schedule.batch=8 "
    "schedule.ema=null schedule.precision=32-true schedule.workers=0 pairs=true best=0.2 halved=0.3 calibration=0.5"
)
SIZE = WorkingSize(128 * 128, 16, 32, fixed=True)


def call(*arguments: object):
    return CliRunner().invoke(app, ["lab", *map(str, arguments)])


def train(out, database, pristine, *more: object):
    changes = (part for change in TINY.split() for part in ("--set", change))
    shares = "split={train: 0.7, validation: 0.15, test: 0.15}"
    options = ("--data", f"biq2021={database}", "--pristine", pristine, *changes, "--set", shares, *more)
    return call("train", "unified", "--out", out, *options)


@pytest.fixture(scope="module")
def run(database, pristine, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "unified"
    result = train(out, database, pristine, "--export", out / "tiny.onnx")
    assert result.exit_code == 0, result.stderr
    assert "| all |" in result.stdout
    return out


@pytest.fixture(scope="module")
def method(run) -> UnifiedMethod:
    return experiment.load_model(run)


@pytest.fixture(scope="module")
def file(run):
    return run / "tiny.onnx"


@pytest.fixture(scope="module")
def exported(file):
    return noref.Scorer(file)


def test_a_results_folder_is_complete(run):
    files = {"results.csv", "interval.json", "calibration.csv", "curves.png", "training", "training-map", "model"}
    assert files <= {path.name for path in run.iterdir()}
    facts = json.loads((run / "interval.json").read_text())
    results, predictions = pd.read_csv(run / "results.csv"), pd.read_csv(run / "predictions.csv")
    assert facts["n"] == results["n"].iloc[0] == len(predictions)
    assert facts["nominal_coverage"] == 0.9
    log = (run / "training" / "log" / "version_0" / "metrics.csv").read_text()
    assert all(f"train_{part}" in log for part in ("rated", "distorted", "map", "defects", "spread"))


def test_evaluation_makes_the_folder_of_the_fit(database, pristine, tmp_path):
    changes = (part for change in TINY.split() for part in ("--set", change))
    split = ("--protocol", "single", "--shares", "train=.85,test=.15")
    options = ("--data", f"biq2021={database}", "--pristine", pristine, *split, *changes)
    result = call("evaluate", "recipe:unified", *options, "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "recipe-unified" / "biq2021" / "split-000" / "fit" / "calibration.csv").is_file()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("types=[jpeg, white_noise]", "types has no distortion that chains can draw for low contrast"),
        ("calibration=0.1", "photos are kept to calibrate the interval, which needs 9"),
    ],
)
def test_settings_with_which_nothing_can_be_learned_are_named(change, says, database, pristine, tmp_path):
    result = train(tmp_path, database, pristine, "--set", change)
    assert result.exit_code == 2
    assert says in result.stderr


def test_calibration_photos_share_no_scene_with_those_of_training_or_test(run):
    calibration, split = pd.read_csv(run / "calibration.csv"), pd.read_csv(run / "split.csv")
    parts = split.set_index("image")["part"]
    assert set(parts[calibration["image"]]) == {"train"}
    assert interval.FEWEST <= len(calibration) < (split["part"] == "train").sum()


def test_an_interrupted_run_ends_like_an_unbroken_one(run, database, pristine, tmp_path):
    broken = tmp_path / "run"
    shutil.copytree(run, broken)
    shutil.rmtree(broken / "model")
    shutil.rmtree(broken / "training-map")
    for left in ("results.csv", "predictions.csv"):
        (broken / left).unlink()
    assert train(broken, database, pristine).exit_code == 0
    assert (broken / "predictions.csv").read_text() == (run / "predictions.csv").read_text()
    found, expected = (load_file(each / "model" / "weights.safetensors") for each in (broken, run))
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_a_new_fine_tuning_uses_nothing_of_the_one_before(run, database, pristine, tmp_path, monkeypatch):
    again = tmp_path / "run"
    shutil.copytree(run, again)
    shutil.rmtree(again / "model")
    shutil.rmtree(again / "training")
    monkeypatch.setattr(probe, "fit", mock.Mock(side_effect=KeyboardInterrupt))
    assert train(again, database, pristine).exit_code == 130
    assert not (again / "training-map").exists()
    assert not (again / "whole-images").exists()


def test_predictions_are_deterministic_and_survive_saving(method, database, tmp_path):
    paths = biq2021.read(database).paths[:3]
    first = method.predict(paths)
    np.testing.assert_array_equal(method.predict(paths[::-1])[::-1], first)
    method.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["method.json", "weights.safetensors"]
    loaded = UnifiedMethod.load(tmp_path)
    for name, values in method.outputs(paths[0]).items():
        assert torch.equal(loaded.outputs(paths[0])[name], values)
    state = json.loads((tmp_path / "method.json").read_text())
    (tmp_path / "method.json").write_text(json.dumps({**state, "facts": {"classes_": ["dust"]}}))
    with pytest.raises(LabError, match="predicts dust, not low contrast"):
        UnifiedMethod.load(tmp_path)
    (tmp_path / "method.json").write_text(json.dumps(state))
    weights = load_file(tmp_path / "weights.safetensors")
    save_file({**weights, "mos.mean": weights["mos.mean"][1:].clone()}, tmp_path / "weights.safetensors")
    with pytest.raises(LabError, match="another version of noref"):
        UnifiedMethod.load(tmp_path)


def test_the_mean_of_the_map_is_the_score(method):
    scene = make_scene(80, 100)
    quality = method.explain(scene)["quality"]
    assert quality.shape == (8, 8)  # of 128 x 128 pixels
    assert np.ptp(quality) > 0
    assert quality.mean() == pytest.approx(method.predict([scene])[0], abs=1e-5)


RED = np.full((80, 90, 3), (255, 0, 0), np.uint8)


@pytest.mark.parametrize("pixels", [make_scene(20, 30), make_scene(67, 101), make_scene(300, 400), 0 * RED, RED])
def test_the_exported_model_agrees(exported, method, pixels):
    found, expected = exported.score(pixels), method.outputs(pixels)
    assert found.score == pytest.approx(min(max(100 * float(expected["score"]), 0), 100), abs=1e-2)
    np.testing.assert_allclose(found.map, 100 * expected["map"], atol=5e-2)
    np.testing.assert_allclose(found.interval, (100 * expected["interval"]).clip(0, 100), atol=5e-2)
    np.testing.assert_allclose([found.defects[name].probability for name in FAMILIES], expected["defects"], atol=1e-3)
    assert list(found.defects) == list(FAMILIES)
    assert found.interval[0] <= found.score <= found.interval[1]
    assert any("unlike" in warning for warning in found.warnings) == (float(expected["unusual"]) > 1)
    assert exported.card.coverage == 0.9
    assert exported.card.usual == 0.99
    assert exported.card.map_cell == 16


def test_large_constants_take_two_bytes_each(file):
    model = onnx.load(file)
    large = [constant for constant in model.graph.initializer if np.prod(constant.dims) >= 4096]
    assert large
    assert {constant.data_type for constant in large} == {onnx.TensorProto.FLOAT16}


def test_losses_are_means_over_known_targets(rated, pristine):
    torch.manual_seed(0)
    network = UnifiedNetwork(Backbone("test_efficientnet"), 8)
    module = UnifiedModule(network, {"rated": 1, "distorted": 1, "map": 1, "defects": 1, "order": 1}, OptimizerConfig())
    clean = sources.PhotoSource(sorted(pristine.iterdir()), [0.8] * 6, SIZE, 4)
    both = photos.Together(photos.Rated(rated, SIZE, 64), photos.PseudoRated(clean, distortions.VERSION_1, 64))
    pixels, targets = next(iter(loader(both, 40, 0, 0)))
    found = network(pixels)
    losses = module.losses(found, targets)
    distorted = ~targets.quality.isnan().any(dim=(1, 2))
    assert 0 < int(distorted.sum()) < 40
    for part, which in (("rated", ~distorted), ("distorted", distorted)):
        wanted = F.binary_cross_entropy_with_logits(found.mos[which], mos_targets(targets.mos[which]))
        assert losses[part].item() == pytest.approx(wanted.item(), rel=1e-4)
    losses["spread"].backward(retain_graph=True)
    assert all(weight.grad is None for weight in network.backbone.parameters())
    torch.stack([*losses.values()]).sum().backward()
    gradients = [weight.grad for weight in network.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def test_pairs_in_the_wrong_order_cost_more():
    mos = torch.tensor([0.8, 0.5, 0.6, 0.6])
    right, wrong, equal = (
        learning.order(torch.tensor([*pair, 0.9, 0.1]), mos).item() for pair in ((0.7, 0.6), (0.6, 0.7), (0.6, 0.6))
    )
    assert right < 0.01 < equal < wrong
    assert equal == pytest.approx(np.log(2) / 2)  # the pair whose targets are equal counts as 0


def test_a_batch_of_pairs_trains_all_heads(pristine):
    torch.manual_seed(0)
    network = UnifiedNetwork(Backbone("test_efficientnet"), 8)
    module = UnifiedModule(network, {"rated": 1, "distorted": 1, "map": 1, "defects": 1, "order": 1}, OptimizerConfig())
    logged = {}
    module.log = lambda name, value, **_: logged.update({name: value.item()})
    clean = sources.PhotoSource(sorted(pristine.iterdir()), [0.8] * 6, SIZE)
    pixels, targets = next(iter(loader(photos.LevelPairs(clean, distortions.VERSION_1, 64), 6, 0, 0)))
    assert pixels.shape == (6, 2, 64, 64, 3)
    loss = module.training_step((pixels, targets), 0)
    assert logged["train_order"] > 0
    assert logged["train_rated"] == 0
    loss.backward()
    assert all(network.get_parameter(f"{head}.weight").grad.isfinite().all() for head in ("mos", "defects", "map.out"))


def test_a_defect_of_detail_costs_the_penalty_and_one_of_light_nothing():
    network = UnifiedNetwork(Backbone("test_efficientnet"), 8, penalty=0.15)
    network.offset.fill_(0.1)
    network.slope.fill_(0.8)
    vectors = torch.zeros(3, network.mos.mean.numel())
    found = network.logits(vectors, torch.zeros(3, 4, 4))
    answers = torch.full_like(found.defects, -20.0)
    answers[1, list(FAMILIES).index("noise"), 0] = 20.0
    answers[2, list(FAMILIES).index("under-exposure"), 0] = 20.0
    intact, noisy, dark = network.score(found._replace(defects=answers)).tolist()
    mos = expected_mos(found.mos)[0].item()
    assert intact == pytest.approx(0.1 + 0.8 * mos, abs=1e-5)
    assert noisy == pytest.approx(0.1 + 0.8 * mos * 0.85, abs=1e-5)
    assert dark == pytest.approx(intact, abs=1e-6)


@pytest.mark.parametrize(
    ("truth", "kept"),
    [
        (lambda raw: 0.1 + 1.1 * raw - 0.3 * raw**2, True),
        (lambda raw: 0.2 + 0.5 * raw, True),
        (lambda raw: 0.9 - 0.5 * raw, False),  # a score that falls with the prediction stays as it is
    ],
)
def test_a_rising_curve_is_fitted_to_the_mos(truth, kept, run, rated):
    method = experiment.load_model(run)
    assert isinstance(method, UnifiedMethod)
    for name, value in (("offset", 0.0), ("slope", 1.0), ("bend", 0.0)):
        getattr(method.network_, name).fill_(value)
    some = rated.table.head(6)
    raw = np.array([method.outputs(rated.folder / image)["score"].item() for image in some["image"]])
    low, high = rated.mos_range
    method._rescale(replace(rated, table=some.assign(mos=low + (high - low) * truth(raw))))
    found = [method.outputs(rated.folder / image)["score"].item() for image in some["image"]]
    assert found == pytest.approx(truth(raw) if kept else raw, abs=1e-4)


def test_the_spread_is_that_of_the_errors_of_the_score():
    generator = torch.Generator().manual_seed(0)
    network = UnifiedNetwork(Backbone("test_efficientnet"), 8)
    vectors = torch.randn(2000, network.mos.mean.numel(), generator=generator)
    vectors[:, 0] = torch.arange(2000) % 2 * 2.0 - 1
    network.spread.standardise(vectors)
    scores = network.score(network.logits(vectors, torch.zeros(2000, 1, 1))).detach()
    errors = torch.where(vectors[:, 0] > 0, 0.3, 0.1) * torch.randn(2000, generator=generator)
    heads.fit_spread(network, vectors, scores + errors)
    expected = network.expected_error(vectors).detach()
    small, large = (expected[vectors[:, 0] * sign > 0].mean().item() for sign in (-1, 1))
    assert expected.mean().item() == pytest.approx(errors.abs().mean().item(), rel=0.1)
    assert small < 0.95 * large


def test_the_head_of_the_map_learns_alone(pristine, tmp_path):
    torch.manual_seed(0)
    network = UnifiedNetwork(Backbone("test_efficientnet"), 8)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    clean = sources.PhotoSource(sorted(pristine.iterdir()), [0.8] * 6, SIZE, 4)
    images = photos.PseudoRated(clean, distortions.VERSION_1, 64, in_part=0.75)
    schedule = Schedule(epochs=2, batch=8)
    training.train(MapModule(network, OptimizerConfig(head_lr=1e-3)), images, images, tmp_path, schedule, 0, "val_loss", "min")
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in changed} == {"map"}
    assert {"map.narrow.0.weight", "map.mix.weight", "map.out.bias"} <= changed
    log = pd.read_csv(tmp_path / "log" / "version_0" / "metrics.csv")["val_loss"].dropna()
    assert log.iloc[1] < log.iloc[0]


def test_the_heads_of_score_and_defects_learn_alone_from_whole_photos(pristine, tmp_path, monkeypatch):
    torch.manual_seed(0)
    network = UnifiedNetwork(Backbone("test_efficientnet"), 8).eval()
    larger = replace(SIZE, area=4 * SIZE.area)
    clean = sources.PhotoSource(sorted(pristine.iterdir()), [0.8] * 6, larger, 4)
    drawn = photos.LevelPairs(sources.DrawnSource(2, 0.8, 256), distortions.VERSION_1)
    images = photos.Together(photos.PseudoRated(clean, distortions.VERSION_1, in_part=0), drawn)
    made = heads.distorted_vectors(network, images, SIZE, tmp_path / "made")
    monkeypatch.setattr(heads, "PART", 7)
    parts = heads.distorted_vectors(network, images, SIZE, tmp_path / "parts")
    assert {path.name for path in (tmp_path / "parts").iterdir()} == {
        f"{start}.safetensors" for start in range(0, len(images), 7)
    }
    (tmp_path / "parts" / "7.safetensors").unlink()  # of a run that was interrupted before it
    monkeypatch.setattr(network.backbone, "forward", counted := mock.Mock(side_effect=network.backbone.forward))
    again = heads.distorted_vectors(network, images, SIZE, tmp_path / "parts")
    assert counted.call_count == 7
    for found in (parts, again):
        assert all(torch.equal(one.nan_to_num(), other.nan_to_num()) for one, other in zip(made, found, strict=True))
    pixels, targets = images[0, 5]
    working = torch.from_numpy(SIZE.apply(pixels.numpy()))[None]
    torch.testing.assert_close(made.vectors[5], describe(network.backbone(working), FEATURES)[0])
    assert made.mos[5] == targets.mos
    pair, targets = images[0, len(images) - 1]
    better, worse = (describe(network.backbone(torch.from_numpy(SIZE.apply(one.numpy()))[None]), FEATURES)[0] for one in pair)
    torch.testing.assert_close(made.vectors[-2:], torch.stack([better, worse]))
    assert torch.equal(made.mos[-2:], targets.mos)
    assert len(made.mos) == len(images) + 2
    for head in (network.mos, network.defects, network.spread):
        head.standardise(made.vectors)
    before = {name: value.clone() for name, value in network.state_dict().items()}

    def error() -> float:
        return (expected_mos(network.mos(made.vectors)[:, 0]) - made.mos).abs().mean().item()

    first = error()
    heads.refine(network, made.vectors, made.mos, made, {"rated": 1.0, "distorted": 1.0, "defects": 1.0}, 0)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"mos.weight", "mos.bias", "defects.weight", "defects.bias"}
    assert error() < first
    unknown = made._replace(answers=torch.full_like(made.answers, torch.nan))  # as in a small batch of unlucky draws
    heads.refine(network, made.vectors, made.mos, unknown, {"rated": 1.0, "distorted": 1.0, "defects": 1.0}, 0)
    assert network.defects.weight.isfinite().all()


def test_rated_photos_count_twice_as_much_in_the_heads():
    torch.manual_seed(0)
    network = UnifiedNetwork(Backbone("test_efficientnet"), 8)
    vectors = torch.ones(1024, network.mos.mean.numel())
    unknown = torch.full((1024, len(FAMILIES), 5), torch.nan)
    distorted = heads.DistortedVectors(vectors, torch.full((1024,), 0.2), unknown)  # the same features as the rated photos
    heads.refine(network, vectors, torch.full((1024,), 0.8), distorted, {"rated": 1.0, "distorted": 1.0, "defects": 1.0}, 0)
    assert expected_mos(network.mos(vectors[:1])[:, 0]).item() == pytest.approx(0.6, abs=0.03)


def test_the_distance_knows_two_distorted_versions_of_each_photo(run, rated, pristine):
    method = experiment.load_model(run)
    assert isinstance(method, UnifiedMethod)
    paths = sorted(pristine.iterdir())[:2]
    vectors = method._vectors(rated.paths[:4])
    (run / "twice").mkdir()
    found = method._refine_heads(paths, rated, vectors, torch.from_numpy(rated.unit_mos[:4]).float(), run / "twice")
    made = load_file(run / "twice" / "whole-images" / "0.safetensors")["vectors"]
    clean = len(sources.pristine_sources(paths, rated, method.settings.best)[0])
    assert torch.equal(found, made[: heads.COPIES * clean : heads.COPIES // 2])
    assert len(found) == 2 * clean
    method.settings = replace(method.settings, schedule=replace(method.settings.schedule, epochs=0))
    assert len(method._refine_heads(paths, rated, vectors, torch.zeros(4), run / "twice")) == 0


def test_a_shift_of_the_whole_map_costs_nothing(pristine):
    network = UnifiedNetwork(Backbone("test_efficientnet"), 8)
    module = MapModule(network, OptimizerConfig())
    module.log = lambda *_, **__: None
    pixels = torch.from_numpy(make_scene(64, 64))[None]
    steps = torch.linspace(0, 1, 16).reshape(1, 4, 4)
    unknown = torch.full((1, len(FAMILIES), 5), torch.nan)
    flat, lower, uneven = (
        module.training_step((pixels, photos.Targets(quality.mean(dim=(1, 2)), quality, unknown)), 0).item()
        for quality in (torch.full((1, 4, 4), 0.8), torch.full((1, 4, 4), 0.2), steps)
    )
    assert flat == pytest.approx(lower, abs=1e-6)  # the untrained head predicts the same value everywhere
    assert flat == pytest.approx(0, abs=1e-6)
    assert uneven == pytest.approx(steps.var(correction=0).item() / learning.MOS_VARIANCE, rel=1e-4)


def test_losses_need_a_weight_each():
    with pytest.raises(LabError, match="a weight for each of rated, distorted, map, defects, order"):
        UnifiedModule(UnifiedNetwork(Backbone("test_efficientnet"), 8), {"rated": 1.0}, OptimizerConfig())


def test_ordinal_targets_stand_for_the_mos():
    mos = torch.linspace(0.1, 0.9, 33)
    targets = mos_targets(mos)
    assert targets.shape == (33, 9)
    torch.testing.assert_close(expected_mos(torch.logit(targets)), mos, rtol=0, atol=0.03)
    assert (expected_mos(torch.logit(targets)).diff() > 0).all()


def test_a_calibrated_interval_covers_the_mos_of_new_photos():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(20):
        spread = rng.uniform(0.5, 2, 2000)
        errors = spread * np.abs(rng.standard_t(3, 2000))
        factor = interval.conformal_factor(np.zeros(200), errors[:200], spread[:200])
        covered.append((errors[200:] <= factor * spread[200:]).mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_the_distance_is_1_at_the_share_of_usual_photos_and_larger_far_away():
    generator = torch.Generator().manual_seed(0)
    spread = torch.linspace(0.1, 2, 40)
    vectors = torch.randn(2000, 40, generator=generator) * spread + 3
    distance = FeatureDistance(40, 8)
    distance.fit(vectors, 0.99, vectors[:0])
    new = torch.randn(5000, 40, generator=generator) * spread + 3
    assert float((distance(new) > 1).float().mean()) == pytest.approx(0.01, abs=0.006)
    assert (distance(new + 8 * spread) > 2).all()


def test_known_images_are_nearer_than_others():
    generator = torch.Generator().manual_seed(0)
    rated_photos = torch.randn(2000, 40, generator=generator)
    noisy, other = torch.randn(2, 200, 40, generator=generator)
    noisy[:, 0] += 12
    other[:, 1] += 12
    distance = FeatureDistance(40, 8)
    distance.fit(rated_photos, 0.99, noisy)
    assert float((distance(rated_photos) > 1).float().mean()) == pytest.approx(0.01, abs=0.001)
    assert distance(noisy).mean() < 0.7 * distance(other).mean()


def test_features_of_early_stages_alone_tell_how_unusual_a_picture_is(method):
    network = method.network_
    vectors = torch.randn(4, len(network.mos.mean), generator=torch.Generator().manual_seed(0))
    late, early = vectors.clone(), vectors.clone()
    late[:, network.early :] += 100
    early[:, : network.early] += 100
    assert 0 < network.early < len(network.mos.mean)
    torch.testing.assert_close(network.unusual(late), network.unusual(vectors))
    assert (network.unusual(early) > 2 * network.unusual(vectors)).all()


def test_the_interval_widens_with_the_distance(method):
    spread, distance = torch.ones(4), torch.tensor([0.0, WIDER_FROM, 1.0, 2.0])
    width = method.network_.half_width(spread, distance)
    torch.testing.assert_close(width / width[0], torch.tensor([1.0, 1.0, 1 / WIDER_FROM, 2 / WIDER_FROM]))


def test_a_teacher_predicts_photos_from_other_contents(rated):
    tiny = BackboneConfig(name="test_efficientnet")
    noisy = replace(rated, table=rated.table.assign(mos=np.random.default_rng(0).permutation(rated.mos)))
    predicted = cross_validated_mos(noisy, [tiny, tiny], SIZE, None)
    assert predicted.shape == (len(rated),)
    assert abs(np.corrcoef(predicted, noisy.unit_mos)[0, 1]) < 0.5  # an MOS without relation to its photo is not remembered


def test_targets_are_means_of_mos_and_teacher(rated, tmp_path):
    method = UnifiedMethod.configured({"teachers": [{"name": "test_efficientnet"}], "teacher_weight": 0.25})
    images = rated.table[["image"]]
    images.assign(predicted=1.0).to_csv(tmp_path / "teacher.csv", index=False)
    mixed = method._with_teacher(rated, tmp_path)
    np.testing.assert_allclose(mixed.mos, 0.75 * rated.mos + 0.25 * rated.mos_range[1])
    (tmp_path / "teacher.csv").unlink()
    assert not np.allclose(method._with_teacher(rated, tmp_path).mos, rated.mos)
    assert len(pd.read_csv(tmp_path / "teacher.csv")) == len(rated)


@pytest.mark.parametrize("damage", [lambda kept: kept.head(5), lambda kept: kept[::-1], lambda kept: kept[["predicted"]]])
def test_predictions_of_other_images_are_made_again(damage, rated, tmp_path):
    method = UnifiedMethod.configured({"teachers": [{"name": "test_efficientnet"}], "teacher_weight": 1.0})
    file = tmp_path / "teacher.csv"
    damage(rated.table[["image"]].assign(predicted=2.0)).to_csv(file, index=False)
    mixed = method._with_teacher(rated, tmp_path)
    assert mixed.mos.max() <= rated.mos_range[1]
    assert pd.read_csv(file)["image"].tolist() == rated.table["image"].tolist()


def test_predictions_appear_when_they_are_complete(rated, tmp_path, monkeypatch):
    method = UnifiedMethod.configured({"teachers": [{"name": "test_efficientnet"}]})

    def cut(table, file, **options):
        file.write_text("image,predicted\n0-0.png,0.1")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", cut)
    with pytest.raises(KeyboardInterrupt):
        method._with_teacher(rated, tmp_path)
    assert not list(tmp_path.iterdir())


def test_pristine_images_are_required(rated, tmp_path):
    with pytest.raises(LabError, match="give --pristine FOLDER"):
        UnifiedMethod.configured({"backbone": {"name": "test_efficientnet"}, "calibration": 0.5}).fit(rated, rated, tmp_path)


def test_pristine_images_are_no_copies_of_calibration_photos(rated, pristine, tmp_path):
    params = {"backbone": {"name": "test_efficientnet"}, "calibration": 0.5, "pristine": str(tmp_path / "pristine")}
    method = UnifiedMethod.configured(params)
    shutil.copytree(pristine, tmp_path / "pristine")
    _, kept = method._without_calibration(rated)
    method._refuse_external(kept)
    Image.open(kept.paths[0]).resize((60, 50)).save(tmp_path / "pristine" / "copy.png")
    with pytest.raises(LabError, match=r"in calibration and .*copy\.png in external images are near-identical"):
        method.fit(rated, rated, tmp_path)
    copied = replace(kept, table=kept.table.assign(image="pristine/0.png", reference=kept.table["image"]).head(1))
    with pytest.raises(LabError, match=r"copy\.png in external images"):
        method._refuse_external(copied)


def test_chains_draw_the_distortions_that_published_recipes_were_trained_with():
    """Whoever changes FAMILIES changes what `defects` learns, and must give its recipe a new version."""
    assert {kind for kinds in FAMILIES.values() for kind in kinds} == {
        *("low_contrast", "haze", "gaussian_blur", "lens_blur", "motion_blur", "under_exposure", "over_exposure"),
        *("white_noise", "color_noise", "impulse_noise", "speckle_noise", "warm_cast", "cold_cast", "pixelation", "banding"),
        *("jpeg", "jpeg2000", "webp"),
    }
