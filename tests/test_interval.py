"""Models with an interval, in all output formats."""

import csv
import dataclasses
import hashlib
import io
import json
import pickle
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from click.testing import CliRunner
from PIL import Image

import noref
from noref import Assessment, ModelCard, NotAnImage, overlay, writers
from noref.cli.app import app
from pictures import make_scene

CARD = ModelCard(
    name="bounder",
    version="1",
    description="Scores the mean pixel, give or take ten.",
    licence="CC0-1.0",
    scale="0 to 100",
    training_data="none",
    origin="random",
    policy="as they are",
    shortest=8,
    coverage=0.9,
)


@pytest.fixture
def bounder(tmp_path) -> Path:
    """A model whose score is the mean pixel, and whose interval reaches ten points to both sides of it."""
    graph = onnx.parser.parse_model("""
        <ir_version: 9, opset_import: ["" : 18]>
        bounder (uint8[1, H, W, 3] pixels) => (float[1] score, float[1, 2] interval)
        <float scale = {2.55}, int64[1] shape = {1}, float[1, 2] reach = {-10, 10}> {
            values = Cast<to = 1>(pixels)
            mean = ReduceMean<keepdims = 0>(values)
            points = Div(mean, scale)
            score = Reshape(points, shape)
            interval = Add(score, reach)
        }
    """)
    path = tmp_path / "bounder.onnx"
    path.write_bytes(graph.SerializeToString())
    dataclasses.replace(CARD, sha256=hashlib.sha256(path.read_bytes()).hexdigest()).save(path.with_suffix(".json"))
    return path


def assessment(**changes: object) -> Assessment:
    quality = np.full((4, 4), 50, np.float32)
    given = {"name": "x", "score": 72.3, "map": quality, "model": "m 1", "policy": "", "size": (9, 9), "interval": (61.6, 81.2)}
    return Assessment(**{**given, **changes})


def test_the_scorer_returns_both_ends_of_the_interval(bounder):
    scorer = noref.Scorer(bounder)
    assert scorer.card.coverage == 0.9
    found = scorer.score(np.full((10, 12, 3), 102, np.uint8))
    assert found.score == pytest.approx(40)
    assert found.interval == pytest.approx((30, 50))
    assert isinstance(found.interval, tuple)
    assert pickle.loads(pickle.dumps(found)).interval == found.interval


def test_a_model_without_interval_returns_nan(scene):
    found = noref.score(scene, model="diqa")
    assert np.isnan(found.interval).all()
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["interval"] is None


def test_the_table_has_a_column_for_the_interval():
    out = io.StringIO()
    write = writers.Table(out, CARD).write
    write(assessment())
    write(NotAnImage("y", "no", "yes"))
    write(assessment(score=100.0, interval=(99.7, 100.0), warnings=("odd",)))
    assert out.getvalue().splitlines() == [
        "score   90% in  photo",
        " 72.3    62-81  x",
        "    -           y: no; yes",
        "100.0  100-100  x  (odd)",
    ]


def test_without_coverage_there_is_no_column():
    out = io.StringIO()
    writers.Table(out, dataclasses.replace(CARD, coverage=0.0)).write(assessment(interval=(np.nan, np.nan)))
    assert out.getvalue() == "score  photo\n 72.3  x\n"


def test_csv_has_a_column_for_each_end():
    out = io.StringIO()
    write = writers.Csv(out, CARD).write
    write(assessment())
    write(assessment(interval=(np.nan, np.nan)))
    first, second = csv.DictReader(io.StringIO(out.getvalue()))
    assert (float(first["low"]), float(first["high"])) == (61.6, 81.2)
    assert second["low"] == second["high"] == ""


def legend(width: int, **changes: object) -> np.ndarray:
    return np.asarray(overlay.draw(make_scene(100, width), assessment(**changes)))[-overlay._STRIP :]


def test_the_legend_shows_the_interval_after_the_score():
    plain, bounded = legend(400, interval=(np.nan, np.nan)), legend(400)
    np.testing.assert_array_equal(bounded[:, :60], plain[:, :60])
    assert (plain[:, 75:140] == 255).all()
    assert (bounded[:, 75:140] < 128).any()


def test_the_command_line(bounder, tmp_path, monkeypatch):
    photo = tmp_path / "photo.png"
    Image.new("RGB", (12, 10), (204, 204, 204)).save(photo)

    def call(*arguments: object) -> str:
        return CliRunner().invoke(app, [str(argument) for argument in arguments]).stdout

    assert call("score", "--model", bounder, photo).splitlines()[1] == f" 80.0    70-90  {photo}"
    row = json.loads(call("score", "--model", bounder, photo, "--format", "jsonl"))
    assert row["interval"] == pytest.approx([70, 90])
    monkeypatch.setattr(noref.card, "shipped", lambda: [bounder])
    assert "  interval     90% coverage of the MOS on photos like those of training\n" in call("models")
    monkeypatch.undo()
    with_one = [path for path in noref.card.shipped() if noref.card.load(path).coverage]
    assert call("models").count("\n  interval  ") == len(with_one)
