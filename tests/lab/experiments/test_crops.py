"""The study of the number of crops and the pooling."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from noref.cli.app import app
from noref.lab.errors import LabError
from noref.lab.experiments import crops
from noref.lab.methods.deepbiq.method import DeepBiqMethod
from noref.resampling import holm


def call(database, out, *more):
    settings = [
        *("backbone.name=test_efficientnet", "backbone.options={}", "side=64", "precision=32-true"),
        *("regressor.c=[0.01]", "regressor.epsilon=[0.05]"),
    ]
    changes = [part for setting in settings for part in ("--set", setting)]
    arguments = ["lab", "study", "crops", "deepbiq-2", "--data", f"biq2021={database}", "--out", str(out), *changes, *more]
    return CliRunner().invoke(app, arguments)


def test_the_command_writes_tables_and_a_plot_and_resumes(database, tmp_path):
    asked = ["--counts", "3,1", "--poolings", "feature-avg,prediction-max", "--repeats", "3"]
    result = call(database, tmp_path / "study", *asked)
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv(tmp_path / "study" / "results.csv")
    assert list(zip(table["crops"], table["pooling"], strict=True)) == [
        (count, pooling) for count in (1, 3) for pooling in ("feature-avg", "prediction-max")
    ]
    tests = pd.read_csv(tmp_path / "study" / "tests.csv")
    assert len(tests) == 3
    assert {"difference", "low", "high", "p"} <= set(tests)
    assert tests["p_holm"].tolist() == pytest.approx(holm(tests["p"]), nan_ok=True)
    assert (tmp_path / "study" / "srcc.png").stat().st_size > 1000
    (tmp_path / "study" / "split-001.csv").unlink()
    again = call(database, tmp_path / "study", *asked)
    assert again.stdout == result.stdout
    assert again.stderr.count("of 3") == 1
    refused = call(database, tmp_path / "study", *asked[:-1], "2")
    assert refused.exit_code == 2
    assert "holds another study" in refused.stderr


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--poolings", "feature-med"], "did you mean feature-m"),
        (["--set", "view=photo"], "DeepBIQ on crops is needed"),
        (["--set", "finetune.epochs=1"], "this study cannot fine-tune"),
        (["--counts", "0"], "the number of crops must be at least 1, not 0"),
    ],
)
def test_wrong_usage_exits_with_2_and_the_cause(more, says, database, tmp_path):
    result = call(database, tmp_path / "study", *more)
    assert result.exit_code == 2
    assert says in result.stderr
    assert not (tmp_path / "study").exists()


def srcc(**means: float) -> pd.DataFrame:
    noise = np.array([-0.01, 0.0, 0.01, 0.005, -0.005])
    return pd.DataFrame({int(name[1:]): mean + noise for name, mean in means.items()})


def test_the_smallest_number_that_no_larger_one_beats_is_chosen():
    assert crops.chosen(srcc(n5=0.70, n10=0.75, n20=0.751, n30=0.6)) == 10
    assert crops.chosen(srcc(n5=0.70, n10=0.70)) == 5
    assert crops.chosen(srcc(n5=0.70, n10=0.705, n20=0.8)) == 20


def test_chosen_numbers_are_compared_within_and_between_poolings():
    found = crops.compare({"feature-avg": srcc(n5=0.7, n10=0.8), "concatenation": srcc(n5=0.7, n10=0.7)}, 0.25)
    assert found["first"].tolist() == ["feature-avg of 10", "concatenation of 5", "feature-avg of 10"]
    assert found["second"].tolist() == ["feature-avg of 5", "concatenation of 10", "concatenation of 5"]
    assert (found["difference"] >= 0).all()


def test_a_full_disk_does_not_lose_what_the_folder_holds(full_disk, tmp_path):
    with full_disk(), pytest.raises(LabError, match=r"study\.json: No space left on device"):
        crops._claim(tmp_path, "settings")
    crops._claim(tmp_path, "settings")
    with full_disk():
        crops._claim(tmp_path, "settings")
    with pytest.raises(LabError, match="another study"):
        crops._claim(tmp_path, "others")


def test_a_split_with_constant_predictions_counts_as_0_in_every_median(monkeypatch):
    rng = np.random.default_rng(0)
    parts = {name: (rng.random((12, 2, 3), np.float32), rng.random(12)) for name in ("train", "validation", "test")}
    method = DeepBiqMethod.configured({"regressor": {"c": [0.01], "epsilon": [0.05]}})
    monkeypatch.setattr(crops.svr, "predict", lambda fitted, vectors, pooling: np.full(len(vectors), 0.5))
    (row,) = crops._evaluated(parts, [1], ["feature-avg"], method)
    assert (row["srcc"], row["plcc"], row["krcc"]) == (0, 0, 0)
