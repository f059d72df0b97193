"""Models that ship in several versions, chosen by name and version."""

import pickle

import numpy as np
import pytest
from click.testing import CliRunner

import noref
from noref import card
from noref.cli.app import app
from tiny_models import save_model

PHOTO = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture(autouse=True)
def ships(tmp_path, monkeypatch):
    """A folder of shipped models: `unified` 11 with versions 10 and 9, and `fast` 3; each scores its version."""
    monkeypatch.setattr(card, "FOLDER", tmp_path)
    for stem, name, version in (
        ("unified-9", "unified", "9"),
        ("fast", "fast", "3"),
        ("unified", "unified", "11"),
        ("unified-10", "unified", "10"),
    ):
        save_model(
            tmp_path / f"{stem}.onnx",
            "(uint8[1, H, W, 3] pixels) => (float[1] score)",
            "score = Identity(number)",
            f"float[1] number = {{{version}}}",
            name=name,
            version=version,
        )
    return tmp_path


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("unified", "unified 11"),
        ("unified@11", "unified 11"),
        ("unified@10", "unified 10"),
        ("unified@9", "unified 9"),
        ("fast", "fast 3"),
        ("fast@3", "fast 3"),
    ],
)
def test_a_name_is_the_current_version_and_a_version_can_be_named(model, label):
    for found in (noref.Scorer(model).score(PHOTO), noref.score(PHOTO, model=model)):
        assert (found.model, found.score) == (label, float(label.split()[1]))


@pytest.mark.parametrize("model", ["unified@8", "unified@", "unified@11.0"])
def test_an_unknown_version_lists_those_that_ship(model):
    with pytest.raises(noref.ModelNotFound, match=r"no version '.*' of unified; versions that ship: 11, 10, 9$"):
        noref.Scorer(model)


def test_a_version_of_an_unknown_model_suggests_a_name():
    with pytest.raises(noref.ModelNotFound, match="no model 'unified 13'; a version is given as 'unified@13'"):
        card.find("unified 13")
    with pytest.raises(noref.ModelNotFound, match="no model 'unifed@7'; did you mean 'unified'"):
        noref.Scorer("unifed@7")
    with pytest.raises(noref.ModelNotFound, match="shipped models: unified, fast; or"):
        noref.Scorer("xyz@7")
    with pytest.raises(noref.ModelNotFound, match="no model 'unified-9'"):  # the name of a file in the package
        noref.Scorer("unified-9")


def test_a_file_may_have_a_name_like_a_version(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for suffix in (".onnx", ".json"):
        (tmp_path / "unified-9").with_suffix(suffix).rename((tmp_path / "unified@9").with_suffix(suffix))
    assert noref.Scorer("unified@9.onnx").score(PHOTO).score == 9


def test_a_pickle_keeps_the_version():
    assert pickle.loads(pickle.dumps(noref.Scorer("unified@9"))).score(PHOTO).model == "unified 9"


def test_a_pickle_keeps_the_version_that_was_current(tmp_path):
    scorer = noref.Scorer("unified")
    assert scorer.model == "unified@11"
    stored = pickle.dumps(scorer)
    for kind in (".onnx", ".json"):  # a later release
        (tmp_path / f"unified{kind}").rename(tmp_path / f"unified-11{kind}")
        (tmp_path / f"unified-10{kind}").rename(tmp_path / f"unified{kind}")
    assert pickle.loads(stored).score(PHOTO).model == "unified 11"


def test_the_command_line_lists_and_takes_versions(save):
    listed = [line for line in CliRunner().invoke(app, ["models"]).stdout.splitlines() if not line.startswith(" ")]
    assert listed == [
        "unified 11 (default): none",
        "unified 10 (another version, unified@10): none",
        "unified 9 (another version, unified@9): none",
        "fast 3: none",
    ]
    words = ["score", str(save("photos/a.png", PHOTO)), "--format", "jsonl", "--model"]
    assert '"model": "unified 10"' in CliRunner().invoke(app, [*words, "unified@10"]).stdout
    refused = CliRunner().invoke(app, [*words, "unified@8"])
    assert refused.exit_code == 2
    assert "versions that ship: 11, 10, 9" in refused.stderr
