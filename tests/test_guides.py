"""The guides for Spark and for data sets: their code blocks run, and write the photos and the scores that they state."""

import importlib.util
import io
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
from PIL import Image

import noref
from test_documentation import ROOT, photos, run_page

assert photos  # the fixture

pytestmark = pytest.mark.skipif(os.name != "posix", reason="console blocks are written for a POSIX shell")
PANDAS_3 = "ignore:PySpark does not yet fully support pandas:FutureWarning"


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """A copy of the folder of the examples, to write to."""
    return Path(shutil.copytree(photos, tmp_path / "copy"))


def skip_without(*modules: str) -> None:
    """Skip if a module is not installed, without importing any."""
    if missing := [name for name in modules if importlib.util.find_spec(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")


def test_spark(folder: Path, monkeypatch: pytest.MonkeyPatch, scorer: noref.Scorer):
    skip_without("pyspark", "pandas", "pyarrow")
    if shutil.which("java") is None:
        pytest.skip("Spark needs a Java runtime, which is not installed")
    import pyarrow.parquet as pq

    for path in folder.glob("photos/*-[guw]*.png"):  # some of the photos suffice
        path.unlink()
    (folder / "broken.png").rename(folder / "photos" / "broken.png")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    small = "--conf spark.ui.enabled=false --driver-java-options -XX:TieredStopAtLevel=1"  # little to compile, and soon
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", f"--master local[2] {small} pyspark-shell")
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")  # no look-up of the name of this machine
    run_page(ROOT / "docs" / "how-to" / "spark.md", folder, PANDAS_3)
    rows = {Path(row["path"].removeprefix("file:")): row for row in pq.read_table(folder / "scores").to_pylist()}
    assert set(rows) == set(folder.glob("photos/*"))
    broken = rows.pop(folder / "photos" / "broken.png")
    assert broken["score"] is None
    assert broken["error"].startswith("damaged or truncated")
    for path, row in rows.items():
        found = scorer.score(path)
        assert (row["score"], row["low"], row["high"], row["error"]) == (found.score, *found.interval, None)
        assert row["defects"] == [*found.likely_defects]


def test_data_sets(folder: Path, monkeypatch: pytest.MonkeyPatch, scorer: noref.Scorer):
    skip_without("datasets", "duckdb", "pandas", "polars", "pyarrow", "webdataset")
    import pyarrow.parquet as pq

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(folder / "cache"))
    run_page(ROOT / "docs" / "how-to" / "datasets.md", folder)
    scores = {path: scorer.score(path).score for path in folder.glob("photos/*.png")}
    good = {path.stem: path.read_bytes() for path, score in scores.items() if score >= 50}
    members: dict[str, bytes] = {}
    for shard in folder.glob("kept/*.tar"):
        with tarfile.open(shard) as archive:
            members |= {each.name: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]
    assert {name.removesuffix(".png"): content for name, content in members.items() if name.endswith(".png")} == good
    assert members["coffee.txt"] == b"a photo named coffee"
    assert float(members["coffee.score.txt"]) == pytest.approx(scores[folder / "photos" / "coffee.png"], abs=0.006)
    rows = [row for file in folder.glob("kept-*.parquet") for row in pq.read_table(file).to_pylist()]
    assert {Path(row["image"]["path"]).stem: row["image"]["bytes"] for row in rows} == good
    with Image.open(io.BytesIO(rows[0]["image"]["bytes"])) as image:
        image.verify()
