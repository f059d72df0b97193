"""`noref lab …` from recipe to exported model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import noref
from noref.cli import app
from pictures import make_scene

TINY = (
    "stage1.epochs=1 stage1.crop=64 stage1.batch=4 stage1.precision=32-true stage1.workers=0 "
    "stage2.epochs=1 stage2.crop=64 stage2.batch=4 stage2.precision=32-true stage2.workers=0"
)


def call(*arguments: object):
    return CliRunner().invoke(app, ["lab", *map(str, arguments)])


@pytest.fixture(scope="module")
def train(database, pristine):
    def command(out: Path, *more: str):
        changes = [part for change in [*TINY.split(), "types=[jpeg]", *more] for part in ("--set", change)]
        return call("train", "diqa", "--data", f"biq2021={database}", "--pristine", pristine, "--out", out, *changes)

    return command


@pytest.fixture(scope="module")
def run(train, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "diqa"
    result = train(out)
    assert result.exit_code == 0, result.stderr
    assert "| all | 4 |" in result.stdout
    return out


def test_a_results_folder_is_complete(run):
    expected = "curves.png environment.json model predictions.csv recipe.yaml results.csv results.md scatter.png split.csv"
    assert sorted(path.name for path in run.iterdir()) == [*expected.split(), "stage1", "stage2"]
    split = pd.read_csv(run / "split.csv")
    assert split["part"].value_counts().to_dict() == {"train": 22, "test": 4, "validation": 4}
    predictions = pd.read_csv(run / "predictions.csv")
    assert set(predictions["image"]) == set(split["image"][split["part"] == "test"])
    environment = json.loads((run / "environment.json").read_text())
    assert environment["versions"]["torch"] != "not installed"
    assert len(environment["data"]) == 16


def test_the_same_command_again_gives_the_same_table(run, train):
    before = (run / "results.csv").read_text()
    assert train(run).exit_code == 0
    assert (run / "results.csv").read_text() == before


def test_another_experiment_does_not_overwrite(run, train):
    result = train(run, "seed=5")
    assert result.exit_code == 2
    assert "holds another experiment" in result.stderr


def test_export_and_score(run, tmp_path, database):
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"licence": "CC0-1.0", "version": "9"}))
    result = call("export", run, tmp_path / "mine.onnx", "--card", facts)
    assert result.exit_code == 0, result.stderr
    scorer = noref.Scorer(tmp_path / "mine.onnx")
    assert scorer.card.label == "mine 9"
    assert (scorer.card.licence, scorer.card.origin) == ("CC0-1.0", "random")
    assert {row["part"] for row in scorer.card.agreement} == {"all", "sharp", "blurred"}
    predictions = pd.read_csv(run / "predictions.csv").iloc[0]
    found = scorer.score(database / predictions["image"])
    assert found.score == pytest.approx(min(max(100 * predictions["predicted"], 0), 100), abs=1e-3)


def test_distort_sheet_and_maps(run, pristine, tmp_path):
    photo = pristine / "0.png"
    for arguments in (["distort", photo, "--type", "jpeg", "--level", 5], ["sheet", photo], ["maps", run, photo]):
        out = tmp_path / f"{arguments[0]}.png"
        result = call(*arguments, "--out", out)
        assert result.exit_code == 0, result.stderr
        assert out.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "dica", "--data", "biq2021=x", "--out", "y"], "diqa, diqa-sens"),
        (["train", "diqa", "--data", "biq2021", "--out", "y"], "takes NAME=VALUE"),
        (["train", "diqa", "--data", "biq2012=x", "--out", "y"], "did you mean biq2021"),
        (["train", "diqa", "--data", "biq2021=/none", "--out", "y"], "labels.csv is missing"),
        (["train", "diqa", "--data", "biq2021=x", "--out", "y", "--set", "epochs=3"], "no setting of diqa is called 'epochs'"),
        (["export", "/none", "y.onnx"], "holds no finished experiment"),
        (["distort", "/none.png", "--type", "jpeg", "--level", "1"], "no such file"),
        (["sheet", "/none.png"], "no such file"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_why(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_synthesize(tmp_path):
    (tmp_path / "photos").mkdir()
    Image.fromarray(make_scene(170, 180)).save(tmp_path / "photos" / "a.png")
    arguments = ["synthesize", tmp_path / "photos", tmp_path / "out", "--types", "jpeg", "--levels", "2,4"]
    for _ in range(2):
        assert call(*arguments).stdout == f"3 pictures in {tmp_path / 'out'}\n"
    result = call(*arguments, "--seed", 1)
    assert result.exit_code == 2
    assert "made with other settings" in result.stderr


def test_an_unknown_distortion_lists_near_names(pristine):
    result = call("distort", pristine / "0.png", "--type", "jpg", "--level", 1)
    assert result.exit_code == 2
    assert "did you mean jpeg" in result.stderr


def test_photos_of_ones_own_are_learned_from_and_judged_on_their_own_scale(database, tmp_path):
    own = pd.read_csv(database / "labels.csv")
    folder = tmp_path / "photos"
    shutil.copytree(database, folder)
    images = [str(folder / name) for name in own["image"]]
    own = pd.DataFrame({"image": images, "mos": 1 + 4 * own["mos"], "low": 1, "high": 5, "content": own["scene"]})
    own.to_csv(tmp_path / "mine.csv", index=False)
    tiny = (
        "backbone.name=test_convnext",
        "backbone.options=null",
        "backbone.weights=null",
        "schedule.epochs=0",
        "split={train: .6, validation: .2, test: .2}",
    )
    changes = [part for change in tiny for part in ("--set", change)]
    result = call("train", "regressor", "--data", f"table={tmp_path / 'mine.csv'}", "--out", tmp_path / "run", *changes)
    assert result.exit_code == 0, result.stderr
    assert call("export", tmp_path / "run", tmp_path / "mine.onnx").exit_code == 0
    predicted = pd.read_csv(tmp_path / "run" / "predictions.csv").iloc[0]
    score = noref.score(predicted["image"], model=tmp_path / "mine.onnx").score
    assert score == pytest.approx(np.clip(25 * (predicted["predicted"] - 1), 0, 100), abs=0.05)
    Path(predicted["image"]).write_bytes(b"gone")
    again = call("train", "regressor", "--data", f"table={tmp_path / 'mine.csv'}", "--out", tmp_path / "again", *changes)
    assert again.exit_code == 1, again.stderr
    assert "| all | 5 | 1 |" in again.stdout
