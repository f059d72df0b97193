"""User errors of `noref lab` are one line with exit code 2; bugs keep their traceback, with exit code 3."""

import ast
import errno
import re
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from PIL import Image

from noref.cli.app import app
from noref.errors import NorefError, NotAnImage
from noref.lab import cli
from noref.lab.cli.app import NEEDED
from noref.lab.cli.app import app as lab
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import LeakError
from noref.lab.experiments import experiment, scoring
from pictures import make_scene


def call(*arguments: object):
    return CliRunner().invoke(app, ["lab", *map(str, arguments)])


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A working folder with a photo, a text file, and a folder without photos."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(make_scene(80, 96)).save("photo.png")
    Path("text.txt").write_text("a text: [\n")
    Path("binary.yaml").write_bytes(b"\xff\xfe\x00\x80")
    Path("list.yaml").write_text("[regressor]\n")
    Path("unknown.yaml").write_text("method: regressor\nsplits: official\n")
    Path("card.json").write_text('{"version": 2, "weaknesses": "slow"}')
    Path("measured.json").write_text('{"area": 1, "version": "2", "agreement": []}')
    Path("empty").mkdir()
    return tmp_path


TRAIN = ("train", "regressor", "--out", "out", "--data", "biq2021=empty")
EVALUATE = ("evaluate", "scores:none.csv", "--out", "out", "--data")
CROPS = ("study", "crops", "--out", "out")
WRONG = {
    "method to score with missing": (("score", "niqee", "photo.png"), "no method is called 'niqee'; did you mean niqe"),
    "recipe missing": (("train", "dica", "--out", "out"), "dica is neither a file nor a recipe"),
    "recipe not YAML": (("train", "text.txt", "--out", "out"), "text.txt: not valid YAML"),
    "recipe not text": (("train", "binary.yaml", "--out", "out"), "binary.yaml is not a text file"),
    "recipe a list": (("train", "list.yaml", "--out", "out"), "list.yaml: a recipe has the key method"),
    "recipe with an unknown key": (("train", "unknown.yaml", "--out", "out"), "unknown.yaml: a recipe has the key method"),
    "setting unknown": (
        (*TRAIN, "--set", "epoch=3"),
        "no setting of regressor is called 'epoch'; did you mean schedule.epochs",
    ),
    "setting of a wrong type": (
        (*TRAIN, "--set", "schedule.epochs=many"),
        "noref lab: --set schedule.epochs=many: schedule.epochs must be a valid integer, not 'many'",
    ),
    "setting too low": ((*TRAIN, "--set", "schedule.batch=0"), "schedule.batch must be greater than or equal to 1, not 0"),
    "seed negative": ((*TRAIN, "--set", "seed=-1"), "seed must be a whole number of 0 to 4294967288, not -1"),
    "split of text": ((*TRAIN, "--set", "split={train: a, validation: b, test: c}"), "a split is the word official"),
    "export without a network": (
        ("train", "brisque", "--out", "out", "--data", "biq2021=empty", "--export", "x.onnx"),
        "brisque has no network to export; leave out --export",
    ),
    "card of a wrong type": (
        (*TRAIN, "--export", "x.onnx", "--card", "card.json"),
        "card.json: wrong type for version, weaknesses; see the types of noref.ModelCard",
    ),
    "card with measured facts": (
        (*TRAIN, "--export", "x.onnx", "--card", "measured.json"),
        "measured.json: agreement and area cannot be set by --card; it takes description, version, licence",
    ),
    "card without export": ((*TRAIN, "--card", "card.json"), "--card has no effect without --export"),
    "setting unknown beside others": (
        (*TRAIN, "--set", "params.seed=1", "--set", "data.area=4096"),
        "noref lab: --set params.seed=1: no setting of regressor is called 'params'",
    ),
    "distort, the photo itself": (
        ("distort", "photo.png", "--type", "jpeg", "--level", 1, "--out", "photo.png"),
        "photo.png: this is the photo itself; choose another --out",
    ),
    "no database": (("train", "regressor", "--out", "out"), "give --data NAME=PATH"),
    "database unknown": (("train", "regressor", "--out", "out", "--data", "biq=empty"), "no database is called 'biq'"),
    "database missing": (TRAIN, "empty/labels.csv is missing"),
    "export": (("export", "empty", "out.onnx"), "empty holds no finished experiment"),
    "evaluate, no scores": ((*EVALUATE, "live=empty"), "empty/dmos_realigned.mat is missing"),
    "evaluate, shares": ((*EVALUATE, "live=empty", "--protocol", "single", "--shares", "train=most"), "--shares takes numbers"),
    "evaluate, shares of one part": (
        (*EVALUATE, "live=empty", "--protocol", "single", "--shares", "train=.5,train=.3,test=.2"),
        "--shares has a part twice; give each once",
    ),
    "compare": (("compare", "empty"), "empty holds no results"),
    "data check": (("data", "check", "kadid10k", "empty"), "empty/dmos.csv is missing"),
    "distort, no photo": (("distort", "none.png", "--type", "jpeg", "--level", 1), "none.png: "),
    "distort, type": (("distort", "photo.png", "--type", "jpg", "--level", 1), "no distortion is called 'jpg'"),
    "distort, ending": (
        ("distort", "photo.png", "--type", "jpeg", "--level", 1, "--out", "a.xyz"),
        "a.xyz: images of this type",
    ),
    "plot distortions, folder": (
        ("plot", "distortions", "photo.png", "--out", "none/a.png"),
        "none/a.png: No such file or directory",
    ),
    "synthesize, no photos": (("synthesize", "empty", "out"), "empty holds no images"),
    "synthesize, no level": (("synthesize", ".", "out", "--levels", "6"), "levels are 1, 2, 3, 4 and 5, not 6"),
    "synthesize, no number": (("synthesize", ".", "out", "--levels", "high"), "--levels takes numbers, not high"),
    "synthesize, folder": (("synthesize", ".", "text.txt/out"), "text.txt/out: Not a directory"),
    "plot maps": (("plot", "maps", "empty", "photo.png"), "empty holds no experiment"),
    "plot kernels": (("plot", "kernels", "empty"), "empty holds no experiment"),
    "plot photos": (("plot", "photos", "empty", "--data", "biq2021=empty"), "empty holds no finished experiment"),
    "plot defects": (("plot", "defects", "empty", "photo.png"), "empty holds no experiment"),
    "study crops, recipe": ((*CROPS, "regressor", "--data", "biq2021=empty"), "empty/labels.csv is missing"),
    "study crops, counts": ((*CROPS, "deepbiq-2", "--data", "biq2021=x", "--counts", "a"), "--counts takes numbers"),
    "settings": (("settings", "dica"), "no method is called 'dica'"),
    "recipes": (("recipes", "dica"), "no recipe is called 'dica'; did you mean diqa"),
}


def is_one_line(text: str) -> bool:
    return text.startswith("noref lab: ") and text.count("\n") == 1


@pytest.mark.parametrize(("arguments", "says"), WRONG.values(), ids=WRONG)
def test_wrong_input_is_one_line_with_exit_code_2(home, arguments, says):
    before = sorted(home.rglob("*"))
    result = call(*arguments)
    assert (result.exit_code, is_one_line(result.stderr)) == (2, True), result.stderr
    assert says in result.stderr
    assert sorted(home.rglob("*")) == before


def test_every_command_is_tried_with_wrong_input():
    tried = {arguments[0] for arguments, _ in WRONG.values()}
    plotted = {arguments[1] for arguments, _ in WRONG.values() if arguments[0] == "plot"}
    commands = lab.commands
    assert set(commands) - tried == {"methods"}  # it takes no input
    assert plotted == set(commands["plot"].commands)


@pytest.mark.parametrize("command", ["train", "synthesize"])
def test_a_results_folder_that_cannot_be_made_is_named(home, database, pristine, command):
    arguments = {
        "train": ("train", "regressor", "--data", f"biq2021={database}", "--set", "backbone.weights=null", "--out", "text.txt"),
        "synthesize": ("synthesize", pristine, "text.txt"),
    }
    result = call(*arguments[command])
    assert (result.exit_code, is_one_line(result.stderr)) == (2, True), result.stderr
    assert "text.txt: File exists; choose another results folder" in result.stderr


@pytest.mark.parametrize(
    "bug",
    [
        KeyError("score"),
        ValueError("operands could not be broadcast"),
        TypeError("unexpected keyword"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "out/model/weights"),
        ModuleNotFoundError("No module named 'noref.lab.nothing'", name="noref.lab.nothing"),
        ModuleNotFoundError("No module named 'nunpy'", name="nunpy"),
        ImportError("cannot import name 'run'"),
    ],
    ids=lambda bug: f"{type(bug).__name__} {bug}",
)
@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_a_bug_surfaces_with_its_traceback_and_exit_code_3(home, monkeypatch, bug, debug):
    def broken(*_):
        raise bug

    monkeypatch.setattr(experiment, "gather", lambda *_: None)
    monkeypatch.setattr(experiment, "run", broken)
    result = call(*debug, *TRAIN)
    assert result.exit_code == 3
    assert "Traceback (most recent call last)" in result.stderr
    assert "in broken" in result.stderr
    assert str(bug) in result.stderr
    assert result.stderr.endswith("noref lab: internal error, a bug in noref; please report it with the traceback above\n")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (LabError("x.csv is empty;\n  fill it"), "x.csv is empty; fill it"),
        (NotAnImage("x.png", "no picture", "give one"), "x.png: no picture; give one"),
        (ModuleNotFoundError("No module named 'scipy.stats'", name="scipy.stats"), "pip install 'noref[lab]'"),
        (OSError(errno.ENOSPC, "No space left on device"), "out: No space left on device; free space"),
        (PermissionError(errno.EACCES, "Permission denied", "out/log"), "out/log: Permission denied; free space or correct"),
    ],
    ids=["lab", "image", "module", "disk", "permission"],
)
def test_what_the_user_can_fix_is_one_line_and_debug_adds_its_traceback(home, monkeypatch, error, says):
    def refused(*_):
        raise error

    monkeypatch.setattr(experiment, "gather", lambda *_: None)
    monkeypatch.setattr(experiment, "run", refused)
    plain, debug = call(*TRAIN), call("--debug", *TRAIN)
    assert (plain.exit_code, debug.exit_code) == (2, 2)
    assert is_one_line(plain.stderr)
    assert says in plain.stderr
    assert "in refused" in debug.stderr
    assert debug.stderr.endswith(plain.stderr)


def test_ctrl_c_says_how_to_go_on(home, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "gather", interrupted)
    monkeypatch.setattr(scoring, "method_for", interrupted)
    result = call(*TRAIN)
    assert (result.exit_code, result.stderr) == (130, "noref lab: interrupted; the same command resumes\n")
    result = call("score", "niqe", "photo.png")
    assert (result.exit_code, result.stderr) == (130, "noref lab: interrupted\n")


def test_a_closed_pipe_is_no_bug(home, monkeypatch):
    def closed(*_):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(experiment, "gather", closed)
    assert call(*TRAIN).exit_code == 1


def test_lab_errors_are_noref_errors_and_not_those_of_python():
    assert issubclass(LabError, NorefError)
    assert issubclass(LeakError, LabError)
    assert not issubclass(LabError, (ValueError, LookupError, OSError))


def test_all_modules_of_the_extra_are_listed():
    needed = {
        re.sub("[-_.]+", "-", one.name).lower()
        for one in map(Requirement, requires("noref"))
        if one.marker is not None and one.marker.evaluate({"extra": "lab"}) and not one.marker.evaluate({"extra": ""})
    }
    installed = packages_distributions()
    by_module = {re.sub("[-_.]+", "-", distribution).lower() for name in NEEDED for distribution in installed[name]}
    assert by_module == needed


def test_no_error_of_python_is_taken_for_a_user_error_by_its_type():
    """Commands must not catch such errors wholesale: where input is read, a narrow block converts them."""
    trees = [ast.parse(file.read_text()) for file in Path(cli.__file__).parent.glob("*.py")]
    wide = {"Exception", "BaseException", "ValueError", "KeyError", "LookupError", "OSError", "TypeError", "ImportError"}
    for block in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Try)):
        calls = [node for statement in block.body for node in ast.walk(statement) if isinstance(node, ast.Call)]
        for handler in block.handlers:
            if wide & {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}:
                assert {ast.unparse(call.func) for call in calls} <= {"super().invoke", "super", "kind"}
