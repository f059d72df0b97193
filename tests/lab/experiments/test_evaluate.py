"""`noref lab evaluate`, `compare` and `data`: tables, plots, resume, the exact checks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from PIL import Image

from noref.cli.app import app
from noref.lab.datasets import synthetic
from noref.lab.datasets.rated import RatedImages
from noref.lab.experiments import evaluate as evaluation
from noref.lab.experiments.compare import _photos, compare
from noref.lab.metrics import significance
from noref.lab.plots import predictions as prediction_plots
from pictures import make_scene


def call(*arguments: object):
    return CliRunner().invoke(app, ["lab", *map(str, arguments)])


@pytest.fixture(autouse=True)
def _figures(request, monkeypatch):
    """One test draws figures; in the others they would take most of the time."""
    if request.function is not test_everything_is_saved:
        monkeypatch.setattr(prediction_plots, "scatter", lambda predictions, title: Figure(figsize=(0.1, 0.1)))
        monkeypatch.setattr(prediction_plots, "extremes", lambda predictions, folder, title: Figure(figsize=(0.1, 0.1)))


@pytest.fixture(scope="module")
def scores(rated: RatedImages, tmp_path_factory) -> dict[str, Path]:
    """Somebody else's scores: people's own, people's turned round, and noise."""
    folder = tmp_path_factory.mktemp("scores")
    mos = rated.mos
    values = {"perfect": mos, "reversed": -mos, "noise": np.random.default_rng(0).random(len(mos))}
    for name, score in values.items():
        pd.DataFrame({"image": rated.table["image"], "score": score}).to_csv(folder / f"{name}.csv", index=False)
    return {name: folder / f"{name}.csv" for name in values}


def evaluate(database: Path, out: Path, *more: object, code: int = 0):
    result = call("evaluate", *more, "--data", f"biq2021={database}", "--out", out)
    assert result.exit_code == code, result.stderr
    return pd.read_csv(out / "results.csv").set_index(["method", "part"])


def test_agreement_of_the_mos_itself_of_noise_and_of_the_reverse(scores, database, tmp_path):
    table = evaluate(database, tmp_path, *[f"scores:{path}" for path in scores.values()])
    for figure in ("srcc", "plcc", "krcc"):
        assert table.loc[("scores-perfect", "all"), figure] == pytest.approx(1)
        assert table.loc[("scores-reversed", "all"), figure] == pytest.approx(-1)
        assert abs(table.loc[("scores-noise", "all"), figure]) < 0.5  # 30 photos
    assert table.loc[("scores-perfect", "blurred"), "n"] == 15


def test_a_full_disk_leaves_the_earlier_table(full_disk, tmp_path):
    table = pd.DataFrame({"method": ["a"], "database": ["b"], "srcc": [1.0]})
    evaluation._save(table, tmp_path)
    with full_disk(), pytest.raises(OSError, match=r"No space left on device: '.*results\.csv'"):
        evaluation._save(table, tmp_path)
    evaluation._refuse_to_drop(tmp_path, ["a"], ["b"])
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "results.csv"), table)


def test_everything_is_saved(scores, database, tmp_path):
    evaluate(database, tmp_path, f"scores:{scores['noise']}", "model:diqa")
    records = json.loads((tmp_path / "results.json").read_text())
    assert {record["method"] for record in records} == {"scores-noise", "model-diqa"}
    assert json.loads((tmp_path / "environment.json").read_text())["versions"]["numpy"]
    assert "| scores-noise | biq2021 | all | 30 | 0 | 15 |" in (tmp_path / "results.md").read_text()
    predictions = pd.read_csv(tmp_path / "model-diqa" / "biq2021" / "split-000" / "predictions.csv")
    assert len(predictions) == 30
    for name in ("scatter-model-diqa-biq2021.png", "pictures-model-diqa-biq2021.png"):
        with Image.open(tmp_path / name) as drawn:
            assert drawn.width > 300


def test_random_splits_report_medians_and_every_split(scores, database, tmp_path):
    table = evaluate(database, tmp_path, f"scores:{scores['noise']}", "--protocol", "random", "--repeats", 3)
    splits = pd.read_csv(tmp_path / "splits.csv")
    assert splits["split"].tolist() == ["seed 0", "seed 1", "seed 2"]
    assert table.loc[("scores-noise", "median of 3"), "srcc"] == pytest.approx(splits["srcc"].median())
    assert table.loc[("scores-noise", "median of 3"), "srcc_std"] == pytest.approx(splits["srcc"].std())


def test_the_same_command_gives_the_same_table(scores, database, tmp_path):
    options = [f"scores:{scores['noise']}", "--protocol", "random", "--repeats", 2]
    first = evaluate(database, tmp_path / "a", *options)
    pd.testing.assert_frame_equal(first, evaluate(database, tmp_path / "b", *options))
    pd.testing.assert_frame_equal(first, evaluate(database, tmp_path / "a", *options))


def test_missing_scores_are_failures_that_show(scores, database, tmp_path):
    some = tmp_path / "some.csv"
    pd.read_csv(scores["perfect"]).iloc[:-4].to_csv(some, index=False)
    table = evaluate(database, tmp_path / "out", f"scores:{some}", code=1)
    assert table.loc[("scores-some", "all"), ["n", "failed"]].tolist() == [26, 4]
    splits = evaluate(database, tmp_path / "random", f"scores:{some}", "--protocol", "random", "--repeats", 8, code=1)
    of_each = pd.read_csv(tmp_path / "random" / "splits.csv")["failed"]
    assert 0 < (of_each > 0).sum() < 8
    assert splits.loc[("scores-some", "median of 8"), ["n", "failed"]].tolist() == [8 * 6 - of_each.sum(), of_each.sum()]


def test_a_recipe_is_fitted_inside_each_split(scores, database, tmp_path):
    tiny = "stage1.epochs=0 stage2.epochs=1 stage2.crop=64 stage2.batch=4 stage2.precision=32-true stage2.workers=0"
    changes = [part for change in tiny.split() for part in ("--set", change)]
    candidates = ["recipe:diqa", f"scores:{scores['noise']}"]
    evaluate(database, tmp_path, *candidates, "--protocol", "random", "--repeats", 2, "--shares", "train=.7,test=.3", *changes)
    for i in (0, 1):
        home = tmp_path / "recipe-diqa" / "biq2021" / f"split-00{i}"
        parts = pd.read_csv(home / "split.csv").groupby("part")["image"].apply(set)
        assert set(pd.read_csv(home / "predictions.csv")["image"]) == parts["test"]
        assert (home / "fit" / "stage2" / "best.ckpt").is_file()
    _, tests = compare([tmp_path])
    (row,) = tests.to_dict("records")
    assert (row["test"], row["splits"]) == ("corrected resampled t-test over random splits", 2)
    splits = pd.read_csv(tmp_path / "splits.csv")
    assert splits["fitted"].tolist() == [True, True, False, False]
    assert (splits["contents_tested"] / splits["contents_learned"]).tolist() == [5 / 10] * 4  # 15 contents
    srcc = splits.groupby("method")["srcc"].apply(list)
    assert row["p_holm"] == row["p"]  # of a single test
    assert row["p"] == significance.corrected_t(srcc["recipe-diqa"], srcc["scores-noise"], 5 / 10).p


def test_d_l_p_and_m_on_a_synthetic_database(tmp_path):
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        Image.fromarray(make_scene(170, 180, seed)).save(tmp_path / "photos" / f"{seed}.png")
    assert call("synthesize", tmp_path / "photos", tmp_path / "made", "--types", "jpeg,gaussian_blur").exit_code == 0
    table = synthetic.read(tmp_path / "made")
    ideal = table.assign(score=5 - table["level"])[["image", "score"]]
    ideal.to_csv(tmp_path / "ideal.csv", index=False)
    ideal[ideal["image"] != "distorted/0.jpeg.3.png"].to_csv(tmp_path / "lost.csv", index=False)
    result = call(
        *["evaluate", *(f"scores:{tmp_path / name}.csv" for name in ("ideal", "lost")), "--protocol", "waterloo"],
        *["--data", f"synthetic={tmp_path / 'made'}", "--out", tmp_path / "out"],
    )
    assert result.exit_code == 1, result.stderr  # one score is lost
    every = pd.read_csv(tmp_path / "out" / "results.csv").set_index(["method", "test"])
    found = every.loc["scores-ideal"]
    assert found.loc[["D", "L", "M"], "value"].tolist() == [1, 1, 1]
    assert found.loc[["L", "M"], "n"].tolist() == [6, 24]
    assert 0.5 < found.loc["P", "value"] <= 1
    assert (found["failed"] == 0).all()
    assert every.loc[("scores-lost", "M"), ["value", "n", "failed"]].tolist() == pytest.approx([11 / 12, 24, 1])
    types = pd.read_csv(tmp_path / "out" / "monotonicity.csv").set_index(["method", "type"])
    assert types.loc["scores-ideal", "family"].to_dict() == {"gaussian_blur": "focus blur", "jpeg": "compression"}
    assert types.loc[("scores-lost", "jpeg"), ["pairs", "falling", "failed"]].tolist() == [12, 10, 2]
    assert "| scores-lost | synthetic | jpeg | compression | 0.833 |" in (tmp_path / "out" / "results.md").read_text()


@pytest.mark.parametrize("options", [[], ["--protocol", "random", "--repeats", 4]])
def test_scorers_that_are_not_fitted_are_compared_by_content(options, scores, database, tmp_path):
    some = tmp_path / "some.csv"
    pd.read_csv(scores["noise"]).iloc[4:].to_csv(some, index=False)
    evaluate(database, tmp_path / "perfect", f"scores:{scores['perfect']}", *options)
    evaluate(database, tmp_path / "noise", f"scores:{some}", *options, code=1)
    result = call("compare", tmp_path / "perfect", tmp_path / "noise")
    assert result.exit_code == 0, result.stderr
    assert f"| perfect | scores-perfect | biq2021 | {'median of 4' if options else 'all'} |" in result.stdout
    assert "| perfect/scores-perfect | noise/scores-some | paired bootstrap t-test by content |" in result.stdout
    _, tests = compare([tmp_path / "perfect", tmp_path / "noise"])
    (row,) = tests.to_dict("records")
    assert row["splits"] == (4 if options else 1)
    assert row["failed"] > 0
    assert row["difference"] > 0.3
    assert row["low"] < row["difference"] < row["high"]
    assert 0 < row["p"] < (1 if options else 0.01)  # each of the four splits has three contents
    if not options:
        assert (row["contents"], row["failed"]) == (13, 4)  # of 15


def test_fitted_methods_are_compared_on_the_photos_that_both_can_score(scores, database, tmp_path):
    some = tmp_path / "some.csv"
    pd.read_csv(scores["noise"]).sort_values("score").iloc[9:].to_csv(some, index=False)  # the same scores, nine of them lost
    options = ["--protocol", "random", "--repeats", 4]
    for name, file, code in (("all", scores["noise"], 0), ("some", some, 1)):
        evaluate(database, tmp_path / name, f"scores:{file}", *options, code=code)
        pd.read_csv(tmp_path / name / "splits.csv").assign(fitted=True).to_csv(tmp_path / name / "splits.csv", index=False)
    _, tests = compare([tmp_path / "all", tmp_path / "some"])
    (row,) = tests.to_dict("records")
    assert row["test"] == "corrected resampled t-test over random splits"
    assert row["failed"] > 0
    assert row["difference"] == 0


def test_methods_of_one_name_and_results_that_would_be_lost_are_refused(scores, database, tmp_path):
    namesake = tmp_path / "noise.csv"
    namesake.write_bytes(scores["perfect"].read_bytes())
    both = [f"scores:{scores['noise']}", f"scores:{namesake}"]
    result = call("evaluate", *both, "--data", f"biq2021={database}", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "two methods would be called scores-noise; rename one of their files" in result.stderr
    evaluate(database, tmp_path / "out", both[0], f"scores:{scores['perfect']}")
    result = call("evaluate", both[0], "--data", f"biq2021={database}", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "has results of scores-perfect on biq2021, which would be lost" in result.stderr


def test_only_splits_that_are_the_same_are_compared(scores, database, tmp_path):
    options = ["--protocol", "random", "--repeats", 3]
    for name, shares in (("a", "train=.8,test=.2"), ("b", "train=.5,test=.5")):
        evaluate(database, tmp_path / name / "out", f"scores:{scores['noise']}", *options, "--shares", shares)
    evaluate(database, tmp_path / "c" / "out", f"scores:{scores['perfect']}", *options)
    other = call("compare", tmp_path / "a" / "out", tmp_path / "b" / "out")
    assert other.exit_code == 0, other.stderr
    assert "by content" not in other.stdout
    names = " | ".join(f"{tmp_path / name / 'out'}/scores-noise" for name in "ab")
    assert f"| biq2021 | {names} | none: no shared split; evaluate both on the same photos" in other.stdout
    same = call("compare", tmp_path / "a" / "out", tmp_path / "c" / "out")  # namesakes go by their paths
    pair = f"| biq2021 | {tmp_path / 'a' / 'out'}/scores-noise | {tmp_path / 'c' / 'out'}/scores-perfect |"
    assert f"{pair} paired bootstrap t-test by content | 3 |" in same.stdout


@pytest.mark.parametrize("options", [[], ["--protocol", "random", "--repeats", 2]])
def test_a_method_without_a_rank_correlation_is_not_tested_and_the_others_are(options, scores, database, tmp_path):
    pd.read_csv(scores["noise"]).assign(score=1).to_csv(tmp_path / "flat.csv", index=False)
    three = [f"scores:{tmp_path / 'flat.csv'}", *(f"scores:{scores[name]}" for name in ("noise", "perfect"))]
    with pytest.warns(UserWarning, match="scores-flat predicts 1 for every photo of biq2021"):
        evaluate(database, tmp_path / "out", *three, *options)
    result = call("compare", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "none: out/scores-flat has no SRCC in " in result.stdout
    assert "| out | scores-flat | biq2021 |" in result.stdout
    _, tests = compare([tmp_path / "out"])
    assert tests["test"].str.startswith("none: ").tolist() == [True, True, False]
    assert tests["p"].isna().tolist() == [True, True, False]
    assert tests["contents"].gt(0).all()


@pytest.mark.parametrize("column", ["mos", "scene"])
def test_results_on_other_labels_of_the_same_photos_are_not_compared(column, scores, database, tmp_path):
    shutil.copytree(database, tmp_path / "other")
    table = pd.read_csv(database / "labels.csv")
    table.assign(**{column: table[column].to_numpy()[::-1]}).to_csv(tmp_path / "other" / "labels.csv", index=False)
    evaluate(database, tmp_path / "a", f"scores:{scores['noise']}")
    evaluate(tmp_path / "other", tmp_path / "b", f"scores:{scores['perfect']}")
    result = call("compare", tmp_path / "a", tmp_path / "b")
    assert result.exit_code == 2
    what = {"mos": "MOS", "scene": "contents"}[column]
    assert f"{tmp_path / 'a'} and {tmp_path / 'b'} have different {what} for " in result.stderr
    assert "evaluate both on the same labels" in result.stderr


def test_methods_without_a_shared_database_are_named(scores, database, tmp_path):
    shutil.copytree(database, tmp_path / "photos")
    for name in ("one", "two"):
        labels = tmp_path / "photos" / f"{name}.csv"
        pd.read_csv(database / "labels.csv")[["image", "mos"]].to_csv(labels, index=False)
        data = ["--data", f"table={labels}", "--out", tmp_path / name]
        assert call("evaluate", f"scores:{scores['noise']}", *data).exit_code == 0
    result = call("compare", tmp_path / "one", tmp_path / "two")
    assert result.exit_code == 0, result.stderr
    assert "| - | one/scores-noise | two/scores-noise | none: no database of one name" in result.stdout
    assert "no test: fewer than two methods" in call("compare", tmp_path / "one").stderr


def test_results_of_another_version_are_refused(scores, database, tmp_path):
    evaluate(database, tmp_path, f"scores:{scores['noise']}")
    pd.read_csv(tmp_path / "splits.csv").drop(columns="fitted").to_csv(tmp_path / "splits.csv", index=False)
    result = call("compare", tmp_path)
    assert result.exit_code == 2
    assert "holds results of another version of noref; repeat" in result.stderr


def test_databases_that_share_a_name_are_not_mixed(scores, database, tmp_path):
    data = ["--data", f"biq2021={database}", "--data", f"biq2021={database}"]
    result = call("evaluate", f"scores:{scores['noise']}", *data, "--out", tmp_path)
    assert result.exit_code == 2
    assert "two databases are named biq2021" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["diqa"], "model:NAME_OR_FILE, recipe:NAME_OR_FILE or scores:FILE"),
        (["model:dica"], "did you mean 'diqa'"),
        (["scores:/none.csv"], "/none.csv"),
        (["model:diqa", "--protocol", "wholes"], "no protocol is called 'wholes'"),
        (["model:diqa", "--protocol", "cross"], "at least two databases"),
        (["model:diqa", "--protocol", "random", "--shares", "train=1"], "train, test"),
        (["recipe:diqa"], "must be fitted"),
        (["recipe:simplenet"], "predicts classes or defects"),
        (["recipe:defects"], "predicts classes or defects"),
        (["model:diqa", "--set", "epochs=3"], "--set has no effect"),
        (["model:diqa", "--seed", 1, "--repeats", 3], "--repeats, --seed has no effect"),
        (["recipe:diqa", "--set", "types=[jpeg"], "--set types=[jpeg: not valid YAML"),
        (["recipe:diqa", "--set", "split=official"], "the protocol defines the splits"),
        (["model:diqa", "--data", "/photos"], "--data takes NAME=VALUE, not '/photos'"),
    ],
)
def test_wrong_usage_exits_with_2_and_the_cause(arguments, says, database, tmp_path):
    result = call("evaluate", *arguments, "--data", f"biq2021={database}", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert says in result.stderr


def test_results_that_are_not_there(tmp_path):
    result = call("compare", tmp_path)
    assert result.exit_code == 2
    assert "run noref lab evaluate first" in result.stderr


def test_contents_and_photos_with_names_of_missing_values_are_compared(tmp_path):
    table = pd.DataFrame({"image": ["NA", "None", "c", "d"], "mos": [1.0, 2, 3, 4], "content": ["NA", "null", "x", "y"]})
    table.assign(predicted=[1.0, 2, 4, None]).to_csv(tmp_path / "predictions.csv", index=False)
    row = pd.Series(
        {"predictions_x": tmp_path / "predictions.csv", "predictions_y": tmp_path / "predictions.csv", "split": "a"}
    )
    found = _photos(row)
    assert found["image"].tolist() == ["NA", "None", "c", "d"]
    assert found["content"].tolist() == ["NA", "null", "x", "y"]
    assert found["predicted_y"].isna().tolist() == [False, False, False, True]
