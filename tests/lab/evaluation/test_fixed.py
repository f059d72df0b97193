"""Scorers without training have the interface of methods."""

import warnings
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import noref
from noref.errors import ImageNotFound, NotAnImage
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation.fixed import ExportedModel, Fixed, ScoreTable
from pictures import make_scene
from tiny_models import save_model


def test_an_exported_model_scores_as_it_does_elsewhere(tmp_path, scorer):
    Image.fromarray(make_scene()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    method = ExportedModel(scorer.card.name).fit(None, None, tmp_path)
    assert method.predict([tmp_path / "a.png"]).tolist() == [scorer.score(tmp_path / "a.png").score]
    assert scorer.card.sha256.startswith(method.fingerprint())
    with pytest.raises(NotAnImage):
        method.predict([tmp_path / "b.png"])
    with pytest.raises(noref.errors.ModelNotFound):
        ExportedModel("none").predict([tmp_path / "a.png"])


def test_a_model_is_not_tested_on_its_training_photos_without_a_warning(tmp_path):
    Image.fromarray(make_scene()).save(tmp_path / "a.png")
    rated = RatedImages("mine", tmp_path, pd.DataFrame({"image": ["a.png"], "mos": [1.0], "content": ["a"]}), (0, 2))
    signature = "(uint8[1, h, w, 3] pixels) => (float[1] score)"
    for name, data in (("trained", rated.fingerprint()), ("other", "0" * 16)):
        measured = {"data_hash": data, "command": "noref lab evaluate ..."}
        save_model(tmp_path / f"{name}.onnx", signature, "score = Identity (fifty)", "float[1] fifty = {50}", measured=measured)
    with pytest.warns(UserWarning, match=r"trained 1 was trained on photos of mine.*on its test part: noref lab evaluate"):
        ExportedModel(tmp_path / "trained.onnx").check(rated, tests_all=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ExportedModel(tmp_path / "trained.onnx").check(rated, tests_all=False)
        ExportedModel(tmp_path / "other.onnx").check(rated, tests_all=True)


def test_a_model_without_scores_is_refused(tmp_path):
    facts = {"scale": "", "defects": ("noise",)}
    signature = "(uint8[1, h, w, 3] pixels) => (float[1, 1] defects)"
    path = save_model(tmp_path / "x.onnx", signature, "defects = Identity (half)", "float[1, 1] half = {0.5}", **facts)
    rated = RatedImages("mine", tmp_path, pd.DataFrame({"image": ["a.png"], "mos": [1.0], "content": ["a"]}), (0, 2))
    with pytest.raises(LabError, match=r"x\.onnx predicts no score, but defects or classes"):
        ExportedModel(path).check(rated, tests_all=False)


def scores(tmp_path: Path, text: str) -> ScoreTable:
    (tmp_path / "scores.csv").write_text(text)
    return ScoreTable(tmp_path / "scores.csv", tmp_path / "photos")


def test_a_table_is_looked_up_by_path(tmp_path):
    method = scores(tmp_path, "image,score\nx/1.png,3.5\ny/1.png,-2\nNA,7\n")
    photos = tmp_path / "photos"
    assert method.predict([photos / "y/1.png", str(photos / "x/1.png"), photos / "NA"]).tolist() == [-2, 3.5, 7]
    with pytest.raises(ImageNotFound, match=r"1\.png: has no score in .*scores\.csv; add it"):
        method.predict([photos / "1.png"])


def test_a_table_without_scores_is_refused(tmp_path):
    (tmp_path / "scores.csv").write_text("image,score\na.png,\nb.png,nan\n")
    listed = pd.DataFrame({"image": ["a.png", "b.png"], "mos": [1.0, 2.0], "content": ["a", "b"]})
    with pytest.raises(LabError, match=r"scores\.csv: no row has a score"):
        ScoreTable(tmp_path / "scores.csv").check(RatedImages("mine", tmp_path, listed, (1, 2)))


def test_paths_are_absolute_or_relative_on_either_side(tmp_path, monkeypatch):
    photos = tmp_path / "photos"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scores.csv").write_text(f"image,score\n{photos / 'a.png'},1\nx/../b.png,2\n")
    table = ScoreTable("scores.csv", "photos")
    assert table.predict(["photos/a.png", photos / "b.png"]).tolist() == [1, 2]
    listed = pd.DataFrame({"image": ["a.png", "b.png"], "mos": [1.0, 2.0], "content": ["a", "b"]})
    rated = RatedImages("mine", Path("photos"), listed, (1, 2))
    table.check(rated)
    with pytest.warns(UserWarning, match=r"scores\.csv: 1 of 2 scores are of no photo of mine, such as .*b\.png"):
        table.check(rated.select(["a.png"]))
    with pytest.raises(LabError, match=rf"none of its 2 scores .* such as {photos}/a\.png, while the database has .*/a\.png"):
        table.check(RatedImages("mine", Path("elsewhere"), listed, (1, 2)))


def test_a_row_without_a_number_is_no_score(tmp_path):
    method = scores(tmp_path, "image,score\na.png,\nb.png,inf\nc.png,nan\nd.png,1\n")
    assert method.predict([tmp_path / "photos" / "d.png"]).tolist() == [1]
    for name in ("a.png", "b.png", "c.png"):
        with pytest.raises(ImageNotFound):
            method.predict([tmp_path / "photos" / name])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image,mos\na,1\n", "lacks the column score; it has image, mos"),
        ("image,score\na,1\na,2\n", "a has two scores"),
        ("image,score\na,good\n", "'good' in the column score is not a number"),
    ],
)
def test_distorted_tables_are_refused(tmp_path, text, says):
    with pytest.raises(LabError, match=says):
        scores(tmp_path, text).predict([tmp_path / "a"])


def test_settings_come_back(tmp_path):
    ExportedModel(Path("x.onnx")).save(tmp_path / "model")
    assert ExportedModel.load(tmp_path / "model").get_params() == {"model": "x.onnx"}


def test_methods_without_training_are_configured_like_others():
    assert ExportedModel.configured({"model": "diqa"}, seed=3).get_params() == {"model": "diqa"}
    assert ScoreTable.configured({}).get_params() == {"file": "scores.csv", "folder": ""}
    with pytest.raises(LabError, match="no setting of exported is called 'modle'; did you mean model"):
        ExportedModel.configured({"modle": "diqa"})


def test_a_method_without_training_needs_a_fingerprint():
    class Unidentified(ExportedModel):
        fingerprint = Fixed.fingerprint

    with pytest.raises(TypeError, match="abstract"):
        Unidentified("diqa")
