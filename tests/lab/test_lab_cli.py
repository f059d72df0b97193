"""`noref lab ...`: every command on tiny data, from recipe to exported model, and its help."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import noref
from noref.cli.app import app
from noref.lab import datasets, distortions, methods, recipes
from noref.lab.cli import app as lab
from noref.lab.experiments import experiment
from noref.lab.experiments.recipe import shipped_recipes
from noref.lab.networks.backbone import Backbone
from noref.lab.settings import listed
from pictures import make_scene

TINY = (
    "stage1.epochs=1 stage1.crop=64 stage1.batch=4 stage1.precision=32-true stage1.workers=0 "
    "stage2.epochs=1 stage2.crop=64 stage2.batch=4 stage2.precision=32-true stage2.workers=0"
)


def call(*arguments: object):
    return CliRunner().invoke(app, ["lab", *map(str, arguments)])


@pytest.fixture(scope="module")
def train(database, pristine):
    def command(out: Path, *more: str, options: tuple[object, ...] = ()):
        changes = [part for change in [*TINY.split(), "types=[jpeg]", *more] for part in ("--set", change)]
        data = ("--data", f"biq2021={database}", "--pristine", pristine)
        return call("train", "diqa", *data, "--out", out, *changes, *options)

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


def test_a_run_is_exported_by_either_command_and_scores_the_same(run, train, tmp_path, database):
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"licence": "CC0-1.0", "version": "9"}))
    first, second = tmp_path / "first" / "mine.onnx", tmp_path / "second" / "mine.onnx"
    for result in (call("export", run, first, "--card", facts), train(run, options=("--export", second, "--card", facts))):
        assert result.exit_code == 0, result.stderr
    assert first.read_bytes() == second.read_bytes()
    assert first.with_suffix(".json").read_bytes() == second.with_suffix(".json").read_bytes()
    scorer = noref.Scorer(first)
    assert scorer.card.label == "mine 9"
    assert (scorer.card.licence, scorer.card.origin) == ("CC0-1.0", "random")
    assert {row["part"] for row in scorer.card.agreement} == {"all", "sharp", "blurred"}
    predictions = pd.read_csv(run / "predictions.csv").iloc[0]
    found = scorer.score(database / predictions["image"])
    assert found.score == pytest.approx(min(max(100 * predictions["predicted"], 0), 100), abs=1e-3)


def test_distort_and_plots(run, pristine, database, tmp_path):
    photo = pristine / "0.png"
    for i, arguments in enumerate(
        (
            ["distort", photo, "--type", "jpeg", "--level", 5],
            ["plot", "distortions", photo],
            ["plot", "maps", run, photo],
            ["plot", "kernels", run],
            ["plot", "photos", run, "--data", f"biq2021={database}"],
        )
    ):
        out = tmp_path / f"{i}.png"
        result = call(*arguments, "--out", out)
        assert result.exit_code == 0, result.stderr
        assert result.stdout == f"wrote {out}\n"
        with Image.open(out) as drawn:
            assert min(drawn.size) >= 80


def test_plot_photos_of_another_database_is_refused(run, tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "x.png")
    (tmp_path / "labels.csv").write_text("image,mos,subset,scene\nx.png,0.5,a,1\n")
    result = call("plot", "photos", run, "--data", f"biq2021={tmp_path}", "--out", tmp_path / "out.png")
    assert result.exit_code == 2
    assert "lacks 4 photos of the run" in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_plot_kernels_needs_a_network(run, monkeypatch):
    class Statistics:
        name = "brisque"

    monkeypatch.setattr(experiment, "load_model", lambda _: Statistics())
    result = call("plot", "kernels", run)
    assert result.exit_code == 2
    assert "brisque, which has no convolutional network" in result.stderr


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
        (["plot", "distortions", "/none.png"], "no such file"),
        (["sheet", "photo.png"], "No such command"),
    ],
)
def test_wrong_usage_exits_with_2_and_the_cause(arguments, says, tmp_path, monkeypatch):
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
        assert call(*arguments).stdout == f"3 images in {tmp_path / 'out'}\n"
    result = call(*arguments, "--seed", 1)
    assert result.exit_code == 2
    assert "made with other settings" in result.stderr


def test_an_unknown_distortion_lists_similar_names(pristine):
    result = call("distort", pristine / "0.png", "--type", "jpg", "--level", 1)
    assert result.exit_code == 2
    assert "did you mean jpeg" in result.stderr


def test_own_photos_are_trained_and_evaluated_on_their_own_mos_range(database, tmp_path):
    own = pd.read_csv(database / "labels.csv")
    folder = tmp_path / "photos"
    shutil.copytree(database, folder)
    images = [str(folder / name) for name in own["image"]]
    own = pd.DataFrame({"image": images, "mos": 1 + 4 * own["mos"], "low": 1, "high": 5, "content": own["scene"]})
    own.to_csv(tmp_path / "mine.csv", index=False)
    tiny = (
        "data.area=20000",
        "schedule.epochs=0",
        "split={train: .6, validation: .2, test: .2}",
    )
    changes = [part for change in tiny for part in ("--set", change)]
    result = call("train", "cnniqa", "--data", f"table={tmp_path / 'mine.csv'}", "--out", tmp_path / "run", *changes)
    assert result.exit_code == 0, result.stderr
    assert call("export", tmp_path / "run", tmp_path / "mine.onnx").exit_code == 0
    predicted = pd.read_csv(tmp_path / "run" / "predictions.csv").iloc[0]
    score = noref.score(predicted["image"], model=tmp_path / "mine.onnx").score
    assert score == pytest.approx(np.clip(25 * (predicted["predicted"] - 1), 0, 100), abs=0.05)
    Path(predicted["image"]).write_bytes(b"gone")
    again = call("train", "cnniqa", "--data", f"table={tmp_path / 'mine.csv'}", "--out", tmp_path / "again", *changes)
    assert again.exit_code == 1, again.stderr
    assert "| all | 5 | 1 |" in again.stdout


def test_a_recipe_is_printed_and_each_has_a_sentence():
    shipped = call("recipes", "regressor")
    assert shipped.stdout == Path(recipes.__file__).with_name("regressor.yaml").read_text(encoding="utf-8")
    for line in call("recipes").stdout.splitlines():
        assert line.endswith(".")
        assert line.count("(") == line.count(")")
    assert "pixels.\n" in call("recipes").stdout.partition("fast ")[2]


def test_evaluate_and_compare(database, tmp_path):
    scores = pd.read_csv(database / "labels.csv")[["image", "mos"]].rename(columns={"mos": "score"})
    scores.to_csv(tmp_path / "exact.csv", index=False)
    scores.assign(score=-scores["score"]).to_csv(tmp_path / "inverse.csv", index=False)
    for name in ("exact", "inverse"):
        result = call("evaluate", f"scores:{tmp_path / name}.csv", "--data", f"biq2021={database}", "--out", tmp_path / name)
        assert result.exit_code == 0, result.stderr
    result = call("compare", tmp_path / "exact", tmp_path / "inverse")
    assert result.exit_code == 0, result.stderr
    assert "scores-exact | biq2021 | all | 30 | 0 | 15 | 1.000" in result.stdout
    assert "scores-inverse | biq2021 | all | 30 | 0 | 15 | -1.000" in result.stdout


def test_an_option_without_effect_is_refused(database, tmp_path):
    arguments = ("evaluate", "scores:x.csv", "--data", f"biq2021={database}", "--out", tmp_path / "out", "--set", "epochs=1")
    result = call(*arguments, "--repeats", 3)
    assert result.exit_code == 2
    assert "--repeats, --set has no effect on scores:x.csv under whole" in result.stderr


def test_data_list_and_check(database):
    listed = call("data", "list").stdout
    for name in ("live:", "koniq10k:", "kadid10k:", "biq2021: BIQ2021", "DMOS, lower is better", "licence:"):
        assert name in listed
    assert "\n  MOS range 0 to 1, MOS, higher is better\n" in listed
    result = call("data", "check", "biq2021", database)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("biq2021: 30 images, 15 contents, 0 references\nMOS 0.2 to 0.87 in the range 0 to 1")
    assert result.stderr.startswith("0 missing, 0 unreadable, ")


def test_data_check_exits_with_1_where_a_photo_is_missing(database, tmp_path):
    shutil.copytree(database, tmp_path / "copy")
    (tmp_path / "copy" / "3-0.png").unlink()
    result = call("data", "check", "biq2021", tmp_path / "copy")
    assert result.exit_code == 1
    assert f"missing: {tmp_path / 'copy' / '3-0.png'}\n" in result.stdout


@pytest.fixture
def series(tmp_path) -> Path:
    """Six photos of two scenes, each its own content, and one that is missing."""
    rows = ["image,mos,content"]
    for number in range(6):
        scene = Image.fromarray(make_scene(150, 200, number // 3))
        brighter = scene.crop((number, 0, 190 + number, 150)).point(lambda value, n=number: min(255, value + 25 * (n % 3)))
        brighter.save(tmp_path / f"é&{number}.png")
        rows.append(f"é&{number}.png,{number},{number}")
    (tmp_path / "labels.csv").write_text("\n".join([*rows, "gone.png,0,gone"]), encoding="utf-8")
    return tmp_path / "labels.csv"


@pytest.mark.parametrize("deep", [False, True])
def test_data_check_writes_scenes_and_a_page_that_shows_them(series, tmp_path, deep):
    out = tmp_path / "out"
    out.mkdir()
    more = []
    if deep:
        Backbone("test_convnext").save(tmp_path / "w.safetensors")
        more = ["--backbone", f"test_convnext={tmp_path / 'w.safetensors'}"]
    result = call("data", "check", "table", series, "--scenes", out / "scenes.csv", *more)
    assert result.exit_code == 1, result.stderr  # of the missing photo
    assert "scenes: 3 of 7 images, 2 of them with several" in result.stdout
    assert ("deep features of test_convnext" in result.stdout) == deep
    assert "colour layout and gradient orientations" in result.stdout
    found = datasets.read("table", out / "scenes.csv")
    assert found.table["content"].tolist() == ["0"] * 3 + ["3"] * 3 + ["gone"]
    page = (out / "scenes.html").read_text(encoding="utf-8")
    assert page.count("<section>") == 3
    assert "<h2>3: 3 photos</h2>" in page
    assert '<img src="../%C3%A9%265.png"' in page
    assert "<figcaption>é&amp;5.png</figcaption>" in page
    again = call("data", "check", "table", series, "--scenes", out / "scenes.csv")
    assert again.exit_code == 2
    assert "scenes.csv exists and may hold your corrections" in again.stderr


def test_a_backbone_without_scenes_is_refused(series):
    result = call("data", "check", "table", series, "--backbone", "test_convnext=w.safetensors")
    assert result.exit_code == 2
    assert "--backbone only has an effect with --scenes" in result.stderr


def test_the_note_of_a_database_is_shown(database):
    note = "note: the official split has photos of the same scene on both sides"
    assert note in call("data", "list").stdout
    assert note in call("data", "check", "biq2021", database).stdout


def test_the_lists_of_methods_recipes_and_distortions_are_complete():
    for arguments, names in (
        (("methods",), methods.names()),
        (("recipes",), shipped_recipes()),
        (("distort", "--list"), distortions.names()),
    ):
        result = call(*arguments)
        assert result.exit_code == 0, result.stderr
        lines = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
        assert [line.split()[0] for line in lines] == names
        assert all(len(line.split()) > 2 for line in lines)


def test_methods_whose_parameters_ship_state_their_licence_and_data():
    _, _, brisque = call("methods").stdout.partition("\nbrisque ")
    lines = [line.strip() for line in brisque.splitlines()[2:5]]
    assert [line.partition(":")[0] for line in lines] == ["licence", "parameters", "data"]
    assert "BIQ2021" in lines[2]


@pytest.mark.parametrize("name", methods.names())
def test_settings_have_type_default_and_meaning(name):
    settings = list(listed(methods.get(name).settings_type))
    assert settings
    assert all(setting.type and setting.doc for setting in settings)
    shown = call("settings", name).stdout
    assert all(f"{setting.name}: {setting.type} = {setting.default!r}\n" in shown for setting in settings)


def test_settings_of_an_unknown_method_suggest_a_name():
    result = call("settings", "dica")
    assert result.exit_code == 2
    assert "no method is called 'dica'; did you mean diqa?" in result.stderr


def commands(group=None, *path: str):
    """The names of every command and group, as typed."""
    group = group or lab.app
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)


def test_the_commands_are_these():
    singles = ["train", "export", "score", "evaluate", "compare", "methods", "recipes", "settings", "distort", "synthesize"]
    plots = ["kernels", "photos", "maps", "defects", "distortions"]
    assert set(commands()) == {
        *((name,) for name in (*singles, "data", "plot", "study")),
        *(("data", name) for name in ("list", "check")),
        *(("plot", name) for name in plots),
        ("study", "crops"),
    }


@pytest.mark.parametrize("command", [(), *commands()], ids=" ".join)
def test_every_command_and_option_has_help(command):
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(" ".join(["Usage: noref lab", *command]))
    found = lab.app
    for name in command:
        found = found.commands[name]
    assert found.help
    assert all(parameter.help for parameter in found.params)
