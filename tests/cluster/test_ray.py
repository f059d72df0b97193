"""Scoring on a Ray cluster: the results of one machine, resumed runs, archives, and processes that are killed."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

import noref
from noref.cli import Exit
from noref.cli.app import app
from noref.store import Record, opened
from pictures import make_scene
from ray_cluster import CPUS, wait

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
clusters = pytest.importorskip("noref.ray.cluster")
running = pytest.importorskip("noref.ray.running")
work = pytest.importorskip("noref.ray.work")

pytestmark = [pytest.mark.filterwarnings(f"ignore::{kind}:ray") for kind in ("DeprecationWarning", "FutureWarning")]

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
"""A photo whose decoder crashes on the cluster."""


def call(*arguments: object):
    return CliRunner().invoke(app, ["score", *map(str, arguments), "--engine", "ray"])


def stored(place: Path, **filters: object) -> dict[str, Record]:
    """Records by the names of their files."""
    with opened(place) as results:
        return {Path(record.path).name: record for record in results.records(**filters)}


def failure(record: Record) -> str:
    return f"{record.failure.kind}: {record.failure.cause}"


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Six photos, a letter, a photo of too many pixels, and one that crashes its decoder."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(6):
        Image.fromarray(make_scene(seed=number)).save(folder / f"{number}.png")
    (folder / "letter.png").write_bytes(b"Dear Sir or Madam")
    (folder / "crashing.heic").write_bytes(HEIC)
    Image.new("L", (15_000, 15_000)).save(folder / "huge.png")
    return folder


@pytest.fixture(scope="module")
def out(connected, photos, tmp_path_factory) -> Path:
    """The results of these photos."""
    folder = tmp_path_factory.mktemp("results") / "out"
    result = call(photos, "--out", folder, "--thumbnails", "--jobs", 2)
    assert result.exit_code == Exit.SOME_FAILED, result.stderr
    assert result.stderr == "6 scored, 3 failed\n"
    return folder


def test_results_are_those_of_one_machine(out, photos, tmp_path):
    file = tmp_path / "results.db"
    CliRunner().invoke(app, ["score", *map(str, sorted(photos.glob("*.png"))), "--out", str(file), "--thumbnails"])
    here, there = stored(file), stored(out)
    assert here.keys() == there.keys() - {"crashing.heic"}
    for name, record in here.items():
        found = there[name]
        for field in ("path", "failure", "bytes", "modified", "version", "digest", "thumbnail", "settings"):
            assert getattr(found, field) == getattr(record, field)
        if record.assessment is not None:
            assert found.assessment.to_dict() == record.assessment.to_dict()
            assert (found.assessment.map == record.assessment.map).all()


def test_photos_that_cannot_be_scored_are_reported_and_the_others_are_scored(out):
    failed = stored(out, failed=True)
    assert failure(failed["crashing.heic"]) == "ScoringFailed: the process that scored it crashed twice (signal SIGSEGV)"
    assert failure(failed["huge.png"]).startswith("ImageTooLarge: ")
    assert failure(failed["letter.png"]).startswith("NotAnImage: ")
    assert failed["crashing.heic"].bytes == len(HEIC)


def test_a_resumed_run_scores_what_is_new_or_changed(out, photos, tmp_path):
    folder, copy = tmp_path / "out", tmp_path / "photos"
    shutil.copytree(out, folder)
    again = call(photos, "--out", folder, "--thumbnails", "--jobs", 1)
    assert again.stderr == "0 scored, 0 failed, 6 scored before, 3 failed before (--retry scores them again)\n"
    shutil.copytree(photos, copy)  # under other names, all are new
    (copy / "huge.png").unlink()
    for number in range(2, 6):
        (copy / f"{number}.png").unlink()
    first = call(photos / "0.png", copy, "--out", folder, "--thumbnails", "--jobs", 1)
    assert first.stderr == "2 scored, 2 failed, 1 scored before\n"
    os.utime(copy / "0.png", ns=(0, 5))
    second = call(copy, "--out", folder, "--thumbnails", "--jobs", 1, "--retry")
    assert second.stderr == "1 scored, 2 failed, 1 scored before\n"
    with opened(folder) as results:
        assert len(results) == 9 + 4
    assert pq.read_table(folder).num_rows == 9 + 4


def test_archives_and_remote_photos_are_read_for_the_scorers(connected, s3, keys, photos, tmp_path, scorer, monkeypatch):
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("0.png", "1.png", "letter.png", "crashing.heic"):
            tar.add(photos / name, name)
        tar.addfile(tarfile.TarInfo("notes.txt"))
    s3.client.create_bucket(Bucket="bucket")
    s3.client.put_object(Bucket="bucket", Key="shards/b.tar", Body=archive.read_bytes())
    s3.client.put_object(Bucket="bucket", Key="photos/2.png", Body=(photos / "2.png").read_bytes())
    folder = tmp_path / "out"
    command = (archive, photos / "3.png", "s3://bucket/shards/b.tar", "s3://bucket/photos/", "--out", folder, "--jobs", 1)
    result = call(*command)
    assert result.stderr == "6 scored, 4 failed; skipped 2 files: 2 .txt\n"
    with opened(folder) as results:
        scores = {record.path: record.assessment.score for record in results.records(failed=False)}
    expected = {f"{archive}::{name}": name for name in ("0.png", "1.png")}
    expected |= {f"s3://bucket/shards/b.tar::{name}": name for name in ("0.png", "1.png")}
    expected |= {"s3://bucket/photos/2.png": "2.png", str(photos / "3.png"): "3.png"}
    assert scores == {path: scorer.score(photos / name).score for path, name in expected.items()}
    again = call(*command)
    assert "0 scored, 0 failed, 6 scored before, 4 failed before" in again.stderr


def test_data_sets_keep_their_columns(connected, photos, scorer):
    names = ["0.png", "1.png", "letter.png"]
    contents = [(photos / name).read_bytes() for name in names]
    data = ray.data.from_arrow(pa.table({"key": names, "bytes": contents}))
    rows = {row["key"]: row for row in noref.ray.score(data, scorers=1).take_all()}
    assert rows.keys() == set(names)
    assert rows["1.png"]["score"] == scorer.score(photos / "1.png").score
    assert rows["letter.png"]["error_kind"] == "NotAnImage"
    assert "bytes" not in rows["0.png"]


def test_data_sets_of_paths_and_sources_are_scored(connected, photos, scorer):
    paths = [str(photos / name) for name in ("0.png", "1.png")]
    expected = [scorer.score(path).score for path in paths]
    data = ray.data.from_items([{"path": path} for path in paths])
    assert sorted(row["score"] for row in noref.ray.score(data, scorers=1).take_all()) == sorted(expected)
    found = noref.ray.score(paths, scorers=1).take_all()
    assert {row["image"]: row["score"] for row in found} == dict(zip(paths, expected, strict=True))
    assert ray.data.DataContext.get_current().target_max_block_size != work.BLOCK  # the user's settings are not touched


def test_a_path_of_several_photos_is_an_error_in_its_row(photos, tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(photos / "0.png", "0.png")
    for path in (tmp_path / "a.tar", photos, photos / "{0,1}.png"):
        with pytest.raises(noref.UnsupportedImage, match="it names several photos"):
            work._given(str(path), None).open()
    assert work._given(str(photos / "0.png"), None).open() == str(photos / "0.png")


def test_columns_that_results_have_too_are_named(connected, photos):
    data = ray.data.from_items([{"path": str(photos / "0.png"), "score": 3}])
    with pytest.raises(ray.exceptions.RayError, match="rename or drop those of the data set: score"):
        noref.ray.score(data, scorers=1).take_all()


def test_a_pool_that_would_starve_the_readers_is_refused(connected, photos, tmp_path):
    result = call(photos, "--out", tmp_path / "out", "--jobs", CPUS)
    assert result.exit_code == Exit.STOPPED
    assert result.stderr.endswith(
        "the cluster has 4 processors; 4 scorers need one each, and Ray Data one for its other tasks; use at most 3\n"
    )


@pytest.mark.parametrize(
    ("processors", "free", "wanted", "message"),
    [
        (1, 1, None, "the cluster has 1 processor; a scorer needs one, and Ray Data one for its other tasks; add one"),
        (8, 1, None, "1 of the cluster's 8 processors are free, and 8 are needed; wait, or add nodes"),
        (8, 4, 4, "4 of the cluster's 8 processors are free, and 5 are needed"),
    ],
)
def test_a_cluster_without_a_processor_to_spare_is_refused(monkeypatch, processors, free, wanted, message):
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": processors})
    monkeypatch.setattr(ray, "available_resources", lambda: {"CPU": free})
    monkeypatch.setattr(clusters, "_WAIT", 0)
    with pytest.raises(noref.ClusterError, match=message):
        clusters.scorers(wanted)


@pytest.mark.parametrize(("free", "scorers"), [(2, 1), (4, 3), (17, 16), (18, 16), (1000, 941)])
def test_some_processors_are_left_to_the_readers(monkeypatch, free, scorers):
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": free})
    monkeypatch.setattr(ray, "available_resources", lambda: {"CPU": free})
    assert clusters.scorers(None) == scorers


def test_an_address_without_a_cluster_is_explained():
    with pytest.raises(noref.ClusterError, match=r"no Ray cluster at 127\.0\.0\.1:1: connection refused; check the address"):
        clusters.connect("127.0.0.1:1")


@pytest.fixture(scope="module")
def many(photos, tmp_path_factory) -> Path:
    """Enough photos to kill something meanwhile."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(120):
        os.link(photos / f"{number % 6}.png", folder / f"{number:03d}.png")
    return folder


@pytest.fixture(scope="module")
def expected(photos, scorer) -> dict[str, float]:
    """The score of each of many."""
    scores = [scorer.score(photos / f"{number}.png").score for number in range(6)]
    return {f"{number:03d}.png": scores[number % 6] for number in range(120)}


def scores(folder: Path) -> dict[str, float]:
    return {name: record.assessment.score for name, record in stored(folder).items()}


def rows(folder: Path) -> int:
    return sum(pq.read_metadata(part).num_rows for part in folder.glob("*.parquet"))


def with_path() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def test_a_killed_scorer_loses_nothing(connected, many, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0.2)
    folder = tmp_path / "out"
    killed: list[int] = []

    def kill() -> None:
        wait(lambda: rows(folder) and connected.scorers())
        killed.extend(connected.scorers())
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    result = call(many, "--out", folder, "--jobs", 2)
    killer.join()
    assert killed
    assert result.exit_code == Exit.OK, result.stderr
    assert result.stderr == "120 scored, 0 failed\n"
    assert scores(folder) == expected


@pytest.mark.slow
def test_a_killed_driver_loses_nothing_that_was_written(connected, many, expected, tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, "-m", "noref.cli", "score", many, "--engine", "ray", "--address", connected.address]
    driver = subprocess.Popen([*command, "--out", folder, "--jobs", "2"], env=with_path(), stderr=subprocess.DEVNULL)
    wait(lambda: folder.exists() and rows(folder))
    driver.kill()
    driver.wait()
    (folder / ".0123.draft").write_bytes(b"half a part")  # as if it had been killed while it wrote one
    before = scores(folder)
    assert 0 < len(before) < 120
    result = call(many, "--out", folder, "--jobs", 2)
    assert result.stderr == f"{120 - len(before)} scored, 0 failed, {len(before)} scored before\n"
    assert scores(folder) == expected
    assert rows(folder) == 120
    assert {each.suffix for each in folder.iterdir()} == {".parquet"}


@pytest.mark.slow
def test_an_interrupted_run_keeps_what_is_finished(cluster, many, expected, tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, "-m", "noref.cli", "score", many, "--engine", "ray", "--address", cluster.address]
    driver = subprocess.Popen([*command, "--out", folder, "--jobs", "2"], env=with_path(), stderr=subprocess.PIPE, text=True)
    wait(lambda: folder.exists() and rows(folder))
    driver.send_signal(signal.SIGINT)
    assert "interrupted: " in driver.communicate()[1]
    assert driver.returncode == Exit.INTERRUPTED
    assert scores(folder).items() <= expected.items()
    assert rows(folder)


@pytest.mark.slow
def test_without_an_address_this_machine_is_the_cluster_and_sends_no_statistics(photos, tmp_path):
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as sessions:  # short: so are paths of sockets
        command = [sys.executable, "-m", "noref.cli", "score", photos / "0.png", "--engine", "ray", "--out", tmp_path / "out"]
        environment = {**with_path(), "RAY_TMPDIR": sessions, "HOME": str(tmp_path)}  # where Ray keeps a token
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == Exit.OK, done.stderr
        assert list(stored(tmp_path / "out")) == ["0.png"]
        assert list(Path(sessions).rglob("session_*"))
        assert not list(Path(sessions).rglob("usage_stats.json"))
