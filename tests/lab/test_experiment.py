"""Which photos a recipe learns from, and what its results folder says of it."""

from dataclasses import replace

import pytest
import yaml

from noref.lab import experiment
from noref.lab.experiment import Recipe
from noref.lab.export import _command

TINY = {"backbone": "test_convnext", "epochs": 0}


@pytest.fixture
def official(rated):
    """The database with a published split: its last three scenes are for testing."""
    part = ["test" if int(image.split("-")[0]) >= 12 else "train" for image in rated.table["image"]]
    return replace(rated, table=rated.table.assign(part=part))


def test_the_official_split_gets_a_validation_part_where_it_has_none(official):
    parts = Recipe("regressor", split="official").parts(official)
    assert set(parts["test"].table["image"]) == {f"{scene}-{level}.png" for scene in (12, 13, 14) for level in (0, 4)}
    assert len(parts["validation"]) == 2
    assert len(parts["train"]) == 22


def test_a_database_without_an_official_split_says_who_has_one(rated):
    with pytest.raises(ValueError, match="biq2021 has no official split; koniq10k has one"):
        Recipe("regressor", split="official").parts(rated)


@pytest.mark.parametrize("split", ["offical", {"train": 0.7, "test": 0.3}, None])
def test_other_splits_are_refused_where_they_stand(split, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"method": "regressor", "split": split}))
    with pytest.raises(ValueError, match=r"mine\.yaml: a split is the word official, or shares of train"):
        experiment.load_recipe(str(path))


def test_only_the_first_process_writes_and_reports(official, tmp_path, monkeypatch):
    recipe = Recipe("regressor", TINY, "official")
    with monkeypatch.context() as patch:
        patch.setattr("lightning.pytorch.utilities.rank_zero_only.rank", 1)
        assert experiment.run(recipe, official, tmp_path / "out") is None
    assert not (tmp_path / "out" / "recipe.yaml").exists()
    assert not (tmp_path / "out" / "model").exists()
    results = experiment.run(recipe, official, tmp_path / "out")
    assert results["n"].tolist() == [6, 3, 3]
    assert yaml.safe_load((tmp_path / "out" / "recipe.yaml").read_text())["split"] == "official"


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
def test_a_card_tells_how_to_measure_again(split, says):
    command = _command("mine", {"split": split, "seed": 3, "database": "koniq10k"})
    assert command == f"noref lab evaluate model:mine --data koniq10k=PATH {says} --out RESULTS"


@pytest.mark.parametrize("name", ["convnext-koniq", "convnext-small", "regressor"])
def test_shipped_recipes_can_be_built(name):
    recipe = experiment.load_recipe(name)
    assert recipe.build().get_params()["epochs"] == recipe.params["epochs"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-4", 1e-4), ("3E5", 3e5), ("-1.5e3", -1500.0), ("1.0e-4", 1e-4), ("7", 7), ("e5", "e5"), ("1e", "1e")],
)
def test_numbers_of_recipes_may_be_written_as_everyone_does(text, value):
    found = experiment.read_yaml(text)
    assert found == value
    assert type(found) is type(value)
