"""The method `defects` from pristine photos to the exported model, on tiny photos."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from archive_files import found, zipped
from noref.cli.app import app
from noref.lab import distortions
from noref.lab.distortions import chains
from noref.lab.distortions.chains import FAMILIES
from noref.lab.errors import LabError
from noref.lab.experiments import experiment
from noref.lab.experiments.recipe import load_recipe
from noref.lab.methods.defects import pictures
from noref.lab.methods.defects.method import DefectsMethod
from noref.lab.methods.defects.sources import sources
from noref.lab.metrics.defects import by_family, confusions
from noref.lab.networks.ordinal import at_least, read
from noref.lab.preprocessing import WorkingSize
from noref.lab.settings import changed
from noref.lab.training.distorted import DistortedImages, chain_rng

TINY = (
    "backbone.name=test_convnext backbone.options=null backbone.mean=null backbone.std=null copies=50 schedule.epochs=1 "
    "data.crop=64 schedule.ema=null schedule.precision=32-true schedule.workers=0"
)
SIZE = WorkingSize(20_000, 64, 32)


def call(*arguments: object):
    return CliRunner().invoke(app, ["lab", *map(str, arguments)])


def train(out, *more: object):
    return call("train", "defects", "--out", out, *(part for change in TINY.split() for part in ("--set", change)), *more)


@pytest.fixture(scope="module")
def run(pristine, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "defects"
    result = train(out, "--pristine", pristine)
    assert result.exit_code == 0, result.stderr
    assert "| mean | 50 |" in result.stdout
    return out


@pytest.fixture(scope="module")
def method(run) -> DefectsMethod:
    return experiment.load_model(run)


def test_a_results_folder_is_complete(run):
    assert {"results.csv", "results.md", "confusions.csv", "roc.png", "curves.png", "head.json", "training", "model"} <= {
        path.name for path in run.iterdir()
    }
    results = pd.read_csv(run / "results.csv")
    assert results["part"].tolist() == ["mean", *FAMILIES]
    predictions = pd.read_csv(run / "predictions.csv")
    assert len(predictions) == 50 * len(FAMILIES)
    split = pd.read_csv(run / "split.csv").set_index("image")["part"]
    assert {split[image] for image in predictions["image"]} == {"test"}
    assert split.value_counts().to_dict() == {"train": 4, "validation": 1, "test": 1}
    noisy = predictions[predictions["defect"] == "noise"]
    (row,) = results[results["part"] == "noise"].itertuples()
    assert row.present == (noisy["level"] > 0).sum()
    assert "val_auc" in (run / "training" / "log" / "version_0" / "metrics.csv").read_text()


def test_defects_are_found_on_an_unseen_photo(run):
    results = pd.read_csv(run / "results.csv").set_index("part")
    assert results.loc["mean", "auc"] > 0.6  # by an untrained backbone's features of four photos
    assert results.loc["mean", "srcc_all"] > 0.1


def test_the_same_command_resumes_to_the_same_table(run, pristine, tmp_path):
    before = (run / "results.csv").read_text()
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    assert train(copy, "--pristine", pristine).exit_code == 0
    assert (copy / "results.csv").read_text() == before


def test_predictions_are_deterministic_bounded_and_survive_saving(method, pristine, tmp_path):
    paths = sorted(pristine.iterdir())[:3]
    probabilities, levels = method.predict_proba(paths), method.predict(paths)
    assert probabilities.shape == levels.shape == (3, len(FAMILIES))
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert ((levels > 0) & (levels < 5)).all()
    np.testing.assert_array_equal(method.predict(paths[::-1])[::-1], levels)
    method.save(tmp_path)
    np.testing.assert_array_equal(DefectsMethod.load(tmp_path).predict(paths), levels)
    state = json.loads((tmp_path / "method.json").read_text())
    (tmp_path / "method.json").write_text(json.dumps({**state, "facts": {"classes_": ["dust"]}}))
    with pytest.raises(LabError, match="predicts dust, not low contrast"):
        DefectsMethod.load(tmp_path)


def test_the_first_fit_sees_what_is_judged(method, pristine, tmp_path):
    paths = sorted(pristine.iterdir())[:2]
    few = DefectsMethod(changed(method.settings, {"copies": 3, "data": {"cache": str(tmp_path)}}))
    few.network_ = method.network_
    distorted = DistortedImages(paths, few.working_size, 3)
    with torch.inference_mode():
        expected = [few.network_.describe(distorted[0, index][0][None])[0].numpy() for index in range(6)]
    for _ in range(2):  # computed, then from the cache
        np.testing.assert_allclose(few._vectors(paths), expected, rtol=1e-5)
    other = DefectsMethod(few.settings, seed=1)
    other.network_ = method.network_
    assert np.abs(other._vectors(paths) - expected).max() > 1e-3


def test_every_photo_is_shown_under_its_name(run, database, tmp_path):
    chosen = sorted(database.glob("*-0.png"))[:5]
    (tmp_path / "photos.zip").write_bytes(zipped({"a.png": chosen[0].read_bytes()}))
    figure = pictures.draw(experiment.load_model(run), found(*chosen, tmp_path / "photos.zip"), "six photos")
    shown = [axes.get_title().splitlines() for axes in figure.axes if axes.images]
    assert [name for name, *_ in shown] == [*(photo.name for photo in chosen), "photos.zip::a.png"]
    assert shown[0][1:] == shown[-1][1:]


def test_an_unreadable_photo_is_shown_as_its_error(run, database, save):
    chosen = [save("text.jpg", b"no picture at all"), database / "0-0.png"]
    figure = pictures.draw(experiment.load_model(run), found(*chosen), "two photos")
    assert [axes.get_title().splitlines()[0] for axes in figure.axes if axes.get_title()] == ["text.jpg", "0-0.png"]
    assert figure.axes[0].get_title().splitlines()[1].startswith("not an image")


def test_the_page_is_written_from_folders_and_photos(run, pristine, database, tmp_path):
    out = tmp_path / "page.png"
    result = call("plot", "defects", run, pristine, database / "0-0.png", "--out", out)
    assert result.exit_code == 0, result.stderr
    with Image.open(out) as page:
        assert min(page.size) > 300
    (tmp_path / "empty").mkdir()
    result = call("plot", "defects", run, tmp_path / "empty")
    assert result.exit_code == 2
    assert "no images found" in result.stderr


def test_pristine_photos_come_from_a_folder_a_database_or_both(pristine, database, rated):
    best = sources(None, rated, 0.2)
    assert len(best) == 6
    assert best.paths[0].name == "14-0.png"
    assert best.name == "best-rated 0.2 of biq2021"
    both = sources(pristine, rated, 0.2)
    assert len(both) == 12
    assert all(path.is_file() for path in both.paths)
    assert set(best.table["content"]) < set(both.table["content"])
    recipe = load_recipe("defects", {"pristine": str(pristine), "best": 0.2})
    assert len(experiment.gather(recipe, ("biq2021", str(database)))) == 12


def test_the_fingerprint_does_not_depend_on_the_folder(pristine, tmp_path):
    shutil.copytree(pristine, tmp_path / "elsewhere")
    first, second = (sources(folder, None, 0).fingerprint() for folder in (pristine, tmp_path / "elsewhere"))
    assert first == second


def test_chains_depend_on_seed_epoch_copy_and_pixels_only(pristine, tmp_path):
    paths = sorted(pristine.iterdir())[:2]
    shutil.copy(paths[1], tmp_path / "renamed.png")
    distorted = DistortedImages(paths, SIZE, copies=3)
    renamed = DistortedImages([tmp_path / "renamed.png"], SIZE, copies=3)
    for copy in range(3):
        for one, other in zip(distorted[0, 3 + copy], renamed[0, copy], strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0)
        answers = distorted[0, copy][1].numpy()
        np.testing.assert_array_equal(answers.sum(axis=1), distorted.levels[copy])
    draws = {
        name: distorted[place][0].numpy().tobytes() for name, place in {"a": (0, 5), "epoch": (1, 5), "copy": (0, 4)}.items()
    }
    draws["seed"] = DistortedImages(paths, SIZE, copies=3, seed=1)[0, 5][0].numpy().tobytes()
    assert len(set(draws.values())) == 4
    assert DistortedImages(paths, SIZE, 3, crop=64).shapes() == [(64, 64)] * 6


def test_chains_draw_only_the_types_of_the_recipe(pristine):
    paths, few = sorted(pristine.iterdir())[:2], tuple(name for name in distortions.VERSION_1 if name != "gaussian_blur")
    one, all_types = DistortedImages(paths, SIZE, 20, types=few), DistortedImages(paths, SIZE, 20)
    for copy in range(20):
        working = one.photos.pixels(paths[0])
        expected, levels = chains.distort(working, chain_rng(working, 0, copy, 0), few)
        np.testing.assert_array_equal(one[0, copy][0].numpy(), expected)
        np.testing.assert_array_equal(one.levels[copy], levels)
    assert any(not torch.equal(one[0, copy][0], all_types[0, copy][0]) for copy in range(20))


def test_a_recipe_names_its_types(pristine, tmp_path):
    method = load_recipe("defects", {"pristine": str(pristine), "types": list(distortions.VERSION_1[:4])}).build()
    assert method.types == distortions.VERSION_1[:4]
    images = method.gather(None)
    tiny = DefectsMethod.configured({"backbone": {"name": "test_convnext"}, "types": list(method.types)})
    with pytest.raises(LabError, match="types has no distortion that chains can draw for low contrast, focus blur"):
        tiny.fit(images, images, tmp_path)


def test_ordinal_targets_and_the_predictions_of_logits():
    np.testing.assert_array_equal(at_least(np.array([[0, 2, 5]]))[0], [[0] * 5, [1, 1, 0, 0, 0], [1] * 5])
    found = read(torch.tensor([[[0.0, 0, 0, 0, 0], [40, 40, -40, -40, -40]]]))
    torch.testing.assert_close(found.probabilities, torch.tensor([[0.5, 1.0]]))
    torch.testing.assert_close(found.levels, torch.tensor([[2.5, 2.0]]))


def test_metrics_of_known_predictions():
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 6, (200, len(FAMILIES)))
    levels[:, 1] = 0  # never there: no figure, and not in the mean
    predicted = levels.astype(float)
    predicted[:, 2] = -levels[:, 2]  # upside down
    predicted[:, 3] = np.where(levels[:, 3] == 1, -1, levels[:, 3])  # blind to level 1
    table = by_family(predicted / 5, predicted, levels).set_index("part")
    names = list(FAMILIES)
    assert table.loc[names[0], ["auc", "srcc"]].tolist() == pytest.approx([1, 1])
    assert table.loc[names[1], ["auc", "auc_from_2", "srcc", "srcc_all"]].isna().all()
    assert table.loc[names[2], ["auc", "srcc"]].tolist() == pytest.approx([0, -1])
    assert table.loc[names[3], "auc"] < table.loc[names[3], "auc_from_2"] == 1
    assert table.loc["mean", "srcc_all"] == pytest.approx(table["srcc_all"].iloc[1:].mean())


def test_confusions_are_measured_on_photos_with_a_single_defect():
    levels = np.zeros((4, len(FAMILIES)), int)
    levels[1, 1], levels[2, 1], levels[3, [1, 2]] = 3, 5, 4
    probabilities = np.zeros(levels.shape)
    probabilities[:, 2] = [0.1, 0.2, 0.4, 0.9]
    table = confusions(probabilities, levels).set_index("only")
    assert table.index.tolist() == ["none", list(FAMILIES)[1]]
    assert table[list(FAMILIES)[2]].tolist() == pytest.approx([0.1, 0.3])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give --pristine FOLDER, --data NAME=PATH or both"),
        (["--pristine", "PRISTINE", "--set", "copies=2"], "set `copies` higher"),
        (["--pristine", "PRISTINE", "--set", "data.shortest=90"], "at least 90"),
        (["--pristine", "/none"], "holds no images"),
    ],
)
def test_wrong_usage_exits_with_2_and_the_cause(arguments, says, pristine, tmp_path):
    result = train(tmp_path / "run", *(str(pristine) if one == "PRISTINE" else one for one in arguments))
    assert result.exit_code == 2
    assert says in result.stderr


def test_other_methods_still_need_a_database(tmp_path):
    result = call("train", "regressor", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "give --data NAME=PATH" in result.stderr


def test_plotting_defects_needs_a_method_that_predicts_them(pristine, tmp_path, monkeypatch):
    class Judge:
        name = "diqa"

    monkeypatch.setattr(experiment, "load_model", lambda _: Judge())
    result = call("plot", "defects", tmp_path, pristine)
    assert result.exit_code == 2
    assert "holds diqa; give a run of `noref lab train defects`" in result.stderr
