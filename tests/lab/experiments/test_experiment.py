"""Recipes, the parts of the data, and the results folder of a run."""

import json
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest

from noref.lab.errors import LabError
from noref.lab.evaluation.splits import LeakError
from noref.lab.experiments import environment, experiment
from noref.lab.experiments.recipe import Recipe, load_recipe, read_yaml, shipped_recipes
from noref.lab.export import _command

TINY = {"backbone": {"name": "test_convnext"}, "schedule": {"epochs": 0}}


@pytest.fixture
def official(rated):
    """The database with a published split: its last three scenes are for testing."""
    part = ["test" if int(image.split("-")[0]) >= 12 else "train" for image in rated.table["image"]]
    return replace(rated, table=rated.table.assign(part=part))


def test_a_seed_that_training_would_refuse_is_refused_at_once():
    with pytest.raises(LabError, match="seed must be a whole number of 0 to 4294967288, not 4294967296"):
        Recipe("regressor", seed=2**32)
    with pytest.raises(LabError, match="seed must be a whole number"):
        Recipe("regressor", seed=-1)
    assert Recipe("regressor", seed=2**32 - 8).build().seed == 2**32 - 8


def test_the_official_split_gets_a_validation_part_where_it_has_none(official):
    parts = Recipe("regressor", split="official").parts(official)
    assert set(parts["test"].table["image"]) == {f"{scene}-{level}.png" for scene in (12, 13, 14) for level in (0, 4)}
    assert len(parts["validation"]) == 2
    assert len(parts["train"]) == 22


def test_a_missing_official_split_is_an_error_that_names_alternatives(rated):
    with pytest.raises(LabError, match="biq2021 has no official split; use koniq10k"):
        Recipe("regressor", split="official").parts(rated)


@pytest.mark.parametrize("split", ["offical", {"train": 0.7, "test": 0.3}, None])
def test_a_folder_refuses_other_splits(split, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps({"method": "regressor", "split": split}))
    with pytest.raises(LabError, match=r"mine\.yaml: a split is the word official, or shares of train"):
        load_recipe(str(path))


def test_only_the_first_process_writes_and_reports(official, tmp_path, monkeypatch):
    recipe = Recipe("regressor", TINY, "official")
    with monkeypatch.context() as patch:
        patch.setattr("lightning.pytorch.utilities.rank_zero_only.rank", 1)
        assert experiment.run(recipe, official, tmp_path / "out") is None
    assert not (tmp_path / "out" / "recipe.yaml").exists()
    assert not (tmp_path / "out" / "model").exists()
    results = experiment.run(recipe, official, tmp_path / "out")
    assert results["n"].tolist() == [6, 3, 3]
    assert read_yaml((tmp_path / "out" / "recipe.yaml").read_text())["split"] == "official"


def test_a_folder_refuses_other_photos_or_mos(rated, tmp_path):
    recipe = Recipe("regressor", TINY, {"train": 0.6, "validation": 0.2, "test": 0.2})
    first = experiment.run(recipe, rated, tmp_path)
    again = experiment.run(recipe, rated, tmp_path)
    assert first.equals(again)
    turned = replace(rated, table=rated.table.assign(mos=rated.mos[::-1]))
    with pytest.raises(LabError, match="this experiment on other data"):
        experiment.run(recipe, turned, tmp_path)
    with pytest.raises(LabError, match="another experiment"):
        experiment.run(replace(recipe, seed=1), rated, tmp_path)


def test_a_test_photo_that_cannot_be_read_is_a_failed_row(rated, tmp_path):
    recipe = Recipe("regressor", TINY, {"train": 0.6, "validation": 0.2, "test": 0.2})
    folder = tmp_path / "photos"
    shutil.copytree(rated.folder, folder)
    broken = recipe.parts(rated)["test"].table["image"].iloc[0]
    (folder / broken).write_bytes((folder / broken).read_bytes()[:300])
    results = experiment.run(recipe, replace(rated, folder=folder), tmp_path / "out")
    assert results.set_index("part").loc["all", ["n", "failed"]].tolist() == [5, 1]
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv", index_col="image")
    assert "damaged or truncated" in predictions.loc[broken, "failed"]
    assert (tmp_path / "out" / "scatter.png").is_file()


def test_photos_that_cannot_be_learned_from_are_counted_and_named(rated, tmp_path):
    recipe = Recipe("regressor", TINY, {"train": 0.6, "validation": 0.2, "test": 0.2})
    folder = tmp_path / "photos"
    shutil.copytree(rated.folder, folder)
    parts = recipe.parts(experiment.gather(recipe, ("biq2021", str(folder))))
    tested, *learned = parts["test"].paths[:1] + parts["train"].paths[:4] + parts["validation"].paths[:1]
    tested.write_bytes(b"gone")
    experiment.gather(recipe, ("biq2021", str(folder)))
    for path in learned:
        path.write_bytes(b"gone")
    with pytest.raises(LabError, match=r"5 photos to train or validate on cannot be read \(.*png, .*png, .*png, \.\.\.\)"):
        experiment.gather(recipe, ("biq2021", str(folder)))
    for path in (tested, *learned[1:]):
        path.unlink()
    with pytest.raises(LabError, match="5 photos are missing"):
        experiment.gather(recipe, ("biq2021", str(folder)))


def test_a_folder_in_which_nothing_was_trained_can_hold_another_experiment(rated, tmp_path):
    split = {"train": 0.6, "validation": 0.2, "test": 0.2}
    mistake = {**TINY, "backbone": {"name": "test_convnext", "weights": str(tmp_path / "none.safetensors")}}
    with pytest.raises(LabError, match=r"none\.safetensors"):
        experiment.run(Recipe("regressor", mistake, split), rated, tmp_path / "out")
    assert (tmp_path / "out" / "recipe.yaml").is_file()
    experiment.run(Recipe("regressor", TINY, split), rated, tmp_path / "out")
    with pytest.raises(LabError, match="another experiment"):
        experiment.run(Recipe("regressor", mistake, split), rated, tmp_path / "out")


def test_a_resumed_run_records_its_commits(rated, tmp_path, monkeypatch):
    recipe = Recipe("regressor", TINY, {"train": 0.6, "validation": 0.2, "test": 0.2})
    for commit in ("one", "one", "two", "two"):
        monkeypatch.setattr(environment, "_commit", lambda commit=commit: commit)
        experiment.run(recipe, rated, tmp_path)
    assert json.loads((tmp_path / "environment.json").read_text())["commit"] == "one, resumed at two"


def test_a_full_disk_does_not_lose_what_the_folder_holds(rated, full_disk, tmp_path, monkeypatch):
    recipe = Recipe("regressor", TINY, {"train": 0.6, "validation": 0.2, "test": 0.2})

    def claim() -> None:
        experiment._claim(recipe, recipe.build(), rated, tmp_path)

    with full_disk(), pytest.raises(LabError, match="No space left on device; choose another --out"):
        claim()
    assert not list(tmp_path.iterdir())
    claim()
    (tmp_path / "scores.csv").touch()  # else nothing was done yet, and the folder would be claimed anew
    held = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(held) == {"recipe.yaml", "environment.json", "scores.csv"}
    with full_disk():
        claim()  # nothing is to be written
        monkeypatch.setattr(environment, "_commit", lambda: "another")
        with pytest.raises(LabError, match=r"environment\.json: No space left on device"):
            claim()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == held


def test_a_wheel_in_somebody_elses_repository_has_no_commit(tmp_path, monkeypatch):
    (tmp_path / "environment.py").touch()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "theirs"], check=True)
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "environment.py"))
    assert environment._commit() == ""
    subprocess.run([*git, "add", "environment.py"], check=True)
    assert environment._commit().endswith("-dirty")


def test_external_images_are_not_tested_on(rated, pristine, tmp_path):
    for level in (0, 4):
        twin = rated.folder / f"0-{level}.png"
        (tmp_path / "clean").mkdir(exist_ok=True)
        (tmp_path / "clean" / twin.name).write_bytes(twin.read_bytes())
    split = {"train": 0.6, "validation": 0.2, "test": 0.2}
    seed = next(
        seed for seed in range(99) if "0-0.png" in set(Recipe("diqa", {}, split, seed).parts(rated)["test"].table["image"])
    )
    recipe = Recipe("diqa", {"pristine": str(tmp_path / "clean")}, split, seed)
    with pytest.raises(LeakError, match=r"in test and .* in external images are near-identical"):
        experiment.run(recipe, rated, tmp_path / "out")


def test_split_and_labels_can_be_changed_like_settings():
    changed = load_recipe("simplenet", {"split": {"train": 0.5, "validation": 0.2, "test": 0.3}, "labels": {"classes": ["a"]}})
    assert changed.split["train"] == 0.5
    assert changed.labels == {"classes": ["a"]}
    assert load_recipe("simplenet").split != changed.split
    other, plain = load_recipe("regressor", {"seed": 5, "schedule.epochs": 1}), load_recipe("regressor")
    assert (other.seed, other.params["schedule"]["epochs"]) == (5, 1)
    assert plain.seed != 5
    assert plain.params["schedule"]["epochs"] != 1


@pytest.mark.parametrize(
    ("split", "says"),
    [
        ("official", "--protocol official --seed 3"),
        (
            {"train": 0.8, "validation": 0.1, "test": 0.1},
            "--protocol single --shares train=0.8,validation=0.1,test=0.1 --seed 3",
        ),
    ],
)
def test_a_card_has_the_command_that_repeats_the_measurement(split, says):
    command = _command("mine", {"split": split, "seed": 3, "database": "koniq10k"})
    assert command == f"noref lab evaluate model:mine --data koniq10k=PATH {says} --out RESULTS"


def test_the_card_of_a_table_names_the_reader_not_the_file():
    command = _command("mine", {"split": "official", "seed": 0, "database": "labels"})
    assert "--data table=PATH --protocol official" in command


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_can_be_built(name):
    recipe = load_recipe(name)
    assert recipe.build().get_params() == {**recipe.params, "seed": recipe.seed}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-4", 1e-4), ("3E5", 3e5), ("-1.5e3", -1500.0), ("1.0e-4", 1e-4), ("7", 7), ("e5", "e5"), ("1e", "1e")],
)
def test_numbers_of_recipes_may_be_written_as_everyone_does(text, value):
    found = read_yaml(text)
    assert found == value
    assert type(found) is type(value)
