"""Models with defects, with or without a score, in all output formats."""

import copy
import csv
import dataclasses
import hashlib
import io
import json
import operator
import pickle
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from click.testing import CliRunner

import noref
from noref import Assessment, Defect, ModelCard, overlay, writers
from noref.cli.app import app
from pictures import make_scene

DEFECTS = {"noise": Defect(0.6, 1.5), "banding": Defect(0.5 - 1e-6, 4.0), "focus blur": Defect(0.98, 3.14)}
CARD = ModelCard(
    name="namer",
    version="1",
    description="Tells dark from bright.",
    licence="CC0-1.0",
    scale="",
    training_data="none",
    origin="random",
    policy="as they are",
    shortest=8,
    defects=("dark", "bright"),
    agreement=({"part": "mean", "n": 7, "auc": 0.75, "srcc": 0.5},),
)


@pytest.fixture
def namer(tmp_path) -> Path:
    """A model whose defects follow the mean pixel: dark and bright, each 0 to 1, with levels five times as high."""
    graph = onnx.parser.parse_model("""
        <ir_version: 9, opset_import: ["" : 18]>
        namer (uint8[1, H, W, 3] pixels) => (float[1, 2] defects, float[1, 2] levels)
        <float full = {255}, float one = {1}, float five = {5}, int64[2] shape = {1, 1}> {
            values = Cast<to = 1>(pixels)
            mean = ReduceMean<keepdims = 0>(values)
            share = Div(mean, full)
            rest = Sub(one, share)
            bright = Reshape(share, shape)
            dark = Reshape(rest, shape)
            defects = Concat<axis = 1>(dark, bright)
            levels = Mul(defects, five)
        }
    """)
    path = tmp_path / "namer.onnx"
    path.write_bytes(graph.SerializeToString())
    dataclasses.replace(CARD, sha256=hashlib.sha256(path.read_bytes()).hexdigest()).save(path.with_suffix(".json"))
    return path


def assessment(**changes: object) -> Assessment:
    quality = np.full((4, 4), 50, np.float32)
    return Assessment(**{"name": "x", "score": 40.0, "map": quality, "model": "m 1", "policy": "", "size": (9, 9), **changes})


def test_a_model_without_score_names_defects(namer):
    pixels = np.full((10, 12, 3), 51, np.uint8)
    scorer = noref.Scorer(namer)
    assert scorer.card == noref.card.load(namer)
    found = scorer.score(pixels)
    assert list(found.defects) == ["dark", "bright"]
    assert found.defects["dark"] == pytest.approx((0.8, 4.0))
    assert np.isnan(found.score)
    assert found.map.shape == (0, 0)
    assert list(found.likely_defects) == ["dark"]
    assert scorer.score(pixels).defects == found.defects


def test_a_model_without_defects_returns_none(scene):
    found = noref.score(scene, model="diqa")
    assert dict(found.defects) == {}
    assert found.to_dict()["defects"] == {}


def test_likely_defects_are_sorted_by_probability():
    assert list(assessment(defects=DEFECTS).likely_defects) == ["focus blur", "noise"]
    assert [str(defect) for defect in (Defect(0.98, 3.14), Defect(0.974))] == ["3.1/5", "97%"]


@pytest.mark.parametrize(
    "change",
    [
        lambda defects: defects.__setitem__("noise", Defect(0.0)),
        lambda defects: defects.__delitem__("noise"),
        lambda defects: defects.update(noise=Defect(0.0)),
        lambda defects: defects.setdefault("haze", Defect(0.0)),
        lambda defects: defects.pop("noise"),
        lambda defects: defects.popitem(),
        lambda defects: defects.clear(),
        lambda defects: operator.ior(defects, {"haze": Defect(0.0)}),
    ],
)
def test_defects_are_read_only(change):
    found = assessment(defects=DEFECTS)
    with pytest.raises(TypeError, match="read-only"):
        change(found.defects)
    assert found.defects == DEFECTS
    with pytest.raises(AttributeError):
        found.defects["noise"].level = 0


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))])
def test_copies_are_whole_and_read_only(duplicate):
    found = assessment(defects=DEFECTS, warnings=("odd",), interval=(30.0, 50.0))
    other = duplicate(found)
    assert other.to_dict() == found.to_dict()
    np.testing.assert_array_equal(other.map, found.map)
    with pytest.raises(TypeError, match="read-only"):
        other.defects["noise"] = Defect(0.0)
    with pytest.raises(ValueError, match="read-only"):
        other.map[0, 0] = 1


def test_assessments_are_dataclasses():
    found = assessment(defects=DEFECTS)
    assert dataclasses.replace(found, name="y").to_dict() == {**found.to_dict(), "image": "y"}
    record = dataclasses.asdict(found)
    assert record["defects"] == DEFECTS
    assert (record["score"], record["size"], record["map"].shape) == (40.0, (9, 9), (4, 4))


def test_the_map_that_was_given_can_still_be_written_to():
    quality = np.zeros((4, 4), np.float32)
    assessment(map=quality)
    quality[0, 0] = 1


def test_an_assessment_equals_itself_only():
    found = assessment()
    assert found == found  # noqa: PLR0124
    assert found != copy.copy(found)
    assert len({found, copy.copy(found)}) == 2


def test_the_repr_has_few_lines():
    found = assessment(defects=DEFECTS, map=np.zeros((24, 32), np.float32), interval=(30.04, 50.0), warnings=("odd",))
    assert repr(found).splitlines() == [
        "Assessment(name='x', score=40.0, interval=(30.0, 50.0),",
        "           likely_defects=[focus blur 3.1/5, noise 1.5/5], map=float32 (24, 32),",
        "           size=(9, 9), model='m 1', warnings=('odd',))",
    ]


def test_what_is_not_predicted_is_null():
    record = json.loads(json.dumps(assessment(score=np.nan, defects={"jpeg": Defect(0.25)}).to_dict(), allow_nan=False))
    assert record["score"] is None
    assert record["defects"] == {"jpeg": {"probability": 0.25, "level": None}}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"defects": DEFECTS}, " 40.0  x  [focus blur 3.1/5, noise 1.5/5]"),
        ({"defects": DEFECTS, "score": np.nan, "warnings": ("odd",)}, "  n/a  x  [focus blur 3.1/5, noise 1.5/5]  (odd)"),
        ({"defects": {"banding": Defect(0.1)}}, " 40.0  x"),
    ],
)
def test_the_table_lists_likely_defects(changes, line):
    out = io.StringIO()
    writers.Table(out, CARD).write(assessment(**changes))
    assert out.getvalue().splitlines()[1] == line


def test_csv_has_all_defects_in_one_cell():
    out = io.StringIO()
    write = writers.Csv(out, CARD).write
    write(assessment(defects=DEFECTS, score=np.nan))
    write(assessment())
    first, second = csv.DictReader(io.StringIO(out.getvalue()))
    assert json.loads(first["defects"])["banding"]["level"] == 4
    assert first["score"] == second["defects"] == ""


def test_the_legend_has_a_line_for_each_likely_defect():
    photo = make_scene(100, 300)
    plain, named = (overlay.draw(photo, assessment(defects=defects)) for defects in ({}, DEFECTS))
    assert named.height == plain.height + 2 * overlay._LINE
    below = np.asarray(named)[plain.height - 6 :]
    assert (below < 128).any()


def test_without_a_map_nothing_is_drawn():
    with pytest.raises(ValueError, match="m 1 predicts no quality map"):
        overlay.draw(make_scene(64, 64), assessment(map=np.empty((0, 0), np.float32)))


def test_the_command_line(namer, save):
    photo = save("photo.png", np.full((10, 12, 3), 204, np.uint8))

    def call(*more: object):
        return CliRunner().invoke(app, ["score", "--model", str(namer), str(photo), *map(str, more)])

    assert call().stdout.splitlines()[1] == f"  n/a  {photo}  [bright 4.0/5]"
    (row,) = (json.loads(line) for line in call("--format", "jsonl").stdout.splitlines())
    assert row["defects"]["bright"]["probability"] == pytest.approx(0.8)
    refused = call("--map", namer.parent / "maps")
    assert refused.exit_code == 2
    assert "namer 1 predicts no quality map" in refused.stderr
    assert not (namer.parent / "maps").exists()


def test_models_lists_only_what_a_card_has(namer, monkeypatch):
    monkeypatch.setattr(noref.card, "shipped", lambda: [namer])
    text = CliRunner().invoke(app, ["models"]).stdout
    assert "  defects      dark, bright\n" in text
    assert "mean: AUC 0.750, SRCC 0.500 (n = 7)" in text
    assert "  map " not in text
    assert "  scale " not in text
