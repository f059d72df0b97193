"""Archives, tables and remote files through `score_many`, `noref score` and what reads its results."""

import hashlib
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner

import noref
from archive_files import jpeg, tar, zipped
from noref import images, sources
from noref.cli import Exit
from noref.cli.app import app
from noref.sources import attempts
from noref.store import Record, Store
from remote_servers import served

PHOTOS = {f"{number}.jpg": jpeg(number, 96) for number in range(3)}


def call(*arguments: object, command: str = "score", stdin: str = ""):
    return CliRunner().invoke(app, [command, *map(str, arguments)], input=stdin)


def stored(file: Path, **filters: object) -> list[Record]:
    with Store(file) as store:
        return list(store.records(**filters))


@pytest.fixture(scope="module")
def expected(scorer) -> dict[str, float]:
    return {name: scorer.score(content).score for name, content in PHOTOS.items()}


@pytest.fixture
def bucket():
    """The URL of a folder in memory, and what puts files there."""
    fsspec = pytest.importorskip("fsspec")
    root = f"/{uuid.uuid4().hex}"

    def put(files: dict[str, bytes]) -> str:
        for name, content in files.items():
            fsspec.filesystem("memory").pipe_file(f"{root}/{name}", content)
        return f"memory:/{root}/"

    yield put
    fsspec.filesystem("memory").store.clear()


@pytest.mark.parametrize("jobs", [1, 2])
def test_photos_have_the_scores_of_plain_files(scorer, save, bucket, expected, jobs):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for name, content in PHOTOS.items():
        save(f"plain/{name}", content)
    table = save("a.parquet", b"")
    pq.write_table(pa.table({"image": list(PHOTOS.values())}), table)
    for number in (0, 1):
        save(f"s-{number}.tar", tar(PHOTOS))
    url = bucket({**PHOTOS, "a.zip": zipped(PHOTOS)})
    folder = table.parent
    given = [
        folder / "plain",
        str(folder / "s-{0..1}.tar"),
        save("a.tar.gz", tar(PHOTOS, "gz")),
        save("a.zip", zipped(PHOTOS)),
        table,
        url,
        f"{url}a.zip",
        images.read(PHOTOS["0.jpg"]).pixels,
        PHOTOS["1.jpg"],
        f"{url}2.jpg",
    ]
    results = list(scorer.score_many(given, jobs=jobs))
    assert [result.score for result in results] == [*expected.values()] * 9
    prefixes = [f"{folder}/plain/", f"{folder}/s-0.tar::", f"{folder}/s-1.tar::", f"{folder}/a.tar.gz::", f"{folder}/a.zip::"]
    names = [prefix + name for prefix in prefixes for name in PHOTOS] + [f"{table}::{row}" for row in range(3)]
    names += [prefix + name for prefix in (url, f"{url}a.zip::") for name in PHOTOS] + ["<array>", "<bytes>", f"{url}2.jpg"]
    assert [result.name for result in results] == names


def test_the_error_of_a_url_that_is_taken_for_a_path_names_what_reads_it(scorer):
    with pytest.raises(noref.ImageNotFound, match=r"Scorer\.score_many reads URLs"):
        scorer.score("https://host.invalid/a.jpg")


def test_the_command_names_members_and_counts_what_it_skips(save, expected):
    archive = save("a.tar", tar({**PHOTOS, "0.json": b"{}", "broken.jpg": b"text"}))
    result = call(archive, "--format", "jsonl")
    assert result.exit_code == Exit.SOME_FAILED
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert {row["image"]: row.get("score") for row in rows} == {
        **{f"{archive}::{name}": score for name, score in expected.items()},
        f"{archive}::broken.jpg": None,
    }
    assert result.stderr == "3 scored, 1 failed; skipped 1 file: 1 .json\n"


def test_a_list_on_standard_input_names_archives(save, expected):
    archive = save("a.zip", zipped(PHOTOS))
    result = call("-", "--format", "jsonl", stdin=f"{archive}\n")
    assert [json.loads(line)["score"] for line in result.stdout.splitlines()] == [*expected.values()]


def test_of_a_truncated_archive_the_results_before_are_kept(save, tmp_path):
    noise = {name: content + os.urandom(9000) for name, content in PHOTOS.items()}
    save("a.tar", tar(noise)[:20_000])
    save("b.jpg", PHOTOS["0.jpg"])
    result = call(tmp_path / "a.tar", tmp_path / "b.jpg", "--out", tmp_path / "r.db")
    assert result.stderr == "2 scored, 1 failed\n"
    [failed] = stored(tmp_path / "r.db", failed=True)
    assert failed.failure.kind == "DamagedImage"
    assert "truncated" in failed.failure.cause
    assert call(tmp_path / "a.tar", tmp_path / "b.jpg", "--out", tmp_path / "r.db").stderr.startswith("0 scored, 0 failed")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_the_failure_of_an_archive_is_removed_when_it_is_repaired(save, tmp_path, kind):
    whole = zipped(PHOTOS) if kind == "zip" else tar(PHOTOS)
    name = f"a.{kind}"
    archive = save(name, whole[:300])
    call(archive, "--out", tmp_path / "r.db")
    assert [record.path for record in stored(tmp_path / "r.db", failed=True)] == [str(archive)]
    save(name, whole)
    assert "0 failed" in call(archive, "--out", tmp_path / "r.db").stderr
    assert [record.path for record in stored(tmp_path / "r.db")] == [f"{archive}::{member}" for member in PHOTOS]


def test_the_failure_of_a_table_of_paths_is_removed_when_it_is_repaired(save, tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    photos = [save(name, content) for name, content in PHOTOS.items()]
    table = save("a.parquet", b"PAR1 no table PAR1")
    call(table, "--out", tmp_path / "r.db")
    assert [record.path for record in stored(tmp_path / "r.db", failed=True)] == [str(table)]
    pq.write_table(pa.table({"path": [photo.name for photo in photos]}), table)
    assert "3 scored, 0 failed" in call(table, "--out", tmp_path / "r.db").stderr
    assert [record.path for record in stored(tmp_path / "r.db")] == [str(photo) for photo in photos]


@pytest.mark.parametrize("command", ["score", "results", "threshold", "report", "compare"])
def test_urls_where_files_are_needed_are_refused_and_not_shown(tmp_path, command):
    url = "http://user:secret@127.0.0.1/r.db?sig=secret"
    arguments = {
        "score": [tmp_path, "--out", url],
        "threshold": [url, tmp_path / "labels.csv"],
        "report": [url, tmp_path / "page.html"],
        "compare": [url, tmp_path],
    }
    result = call(*arguments.get(command, [url]), command=command)
    assert result.exit_code == Exit.STOPPED
    assert "a URL is given where a file or folder on this machine is needed" in result.output
    assert "secret" not in result.output


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "parquet"])
def test_a_changed_archive_is_scored_again_and_no_other(save, tmp_path, kind):
    def packed(photos: dict[str, bytes]) -> Path:
        path = tmp_path / f"a.{kind}"
        if kind == "parquet":
            pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
            pq.write_table(pa.table({"image": list(photos.values())}), path)
        else:
            path.write_bytes(zipped(photos) if kind == "zip" else tar(photos, kind[4:]))
        return path

    archive, out = packed(PHOTOS), tmp_path / "r.db"
    assert call(archive, "--out", out).stderr == "3 scored, 0 failed\n"
    assert call(archive, "--out", out).stderr == "0 scored, 0 failed, 3 scored before\n"
    records = stored(out)
    members = range(3) if kind == "parquet" else PHOTOS
    assert [record.path for record in records] == [f"{archive}::{member}" for member in members]
    assert [record.digest for record in records] == [hashlib.sha256(content).hexdigest() for content in PHOTOS.values()]
    assert [record.bytes for record in records] == [len(content) for content in PHOTOS.values()]
    assert {record.modified for record in records} == {archive.stat().st_mtime_ns}
    assert {record.version for record in records} == {str(archive.stat().st_size)}
    packed({**PHOTOS, "3.jpg": PHOTOS["0.jpg"]})
    other = save("b.jpg", PHOTOS["1.jpg"])
    assert call(archive, other, "--out", out).stderr == "5 scored, 0 failed\n"
    assert call(archive, other, "--out", out).stderr == "0 scored, 0 failed, 5 scored before\n"


def test_changed_remote_photos_are_scored_again_and_no_other(bucket, tmp_path):
    url, out = bucket(PHOTOS), tmp_path / "r.db"
    assert call(url, "--out", out).stderr == "3 scored, 0 failed\n"
    assert call(url, f"{url}1.jpg", "--out", out).stderr == "0 scored, 0 failed, 4 scored before\n"
    bucket({"1.jpg": PHOTOS["0.jpg"]})
    assert call(url, "--out", out).stderr == "1 scored, 0 failed, 2 scored before\n"
    assert [record.path for record in stored(out)] == [url + name for name in PHOTOS]
    assert stored(out)[1].digest == hashlib.sha256(PHOTOS["0.jpg"]).hexdigest()


def test_changed_photos_of_a_server_are_scored_again_and_credentials_are_kept_nowhere(tmp_path, monkeypatch):
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(attempts, "DELAYS", ())
    out = tmp_path / "r.db"
    with served() as server:
        server.files = {f"/{name}": content for name, content in PHOTOS.items()}
        login = server.url.replace("://", "://us3r:s3cret@")
        urls = [f"{login}/{name}?sig=t0ken" for name in (*PHOTOS, "gone.jpg")]
        first = call(*urls, "--out", out, "--format", "csv", "--debug")
        assert first.stderr.endswith("3 scored, 1 failed\n")
        assert call(*urls, "--out", out).stderr.startswith("0 scored, 0 failed, 3 scored before, 1 failed before")
        server.files["/1.jpg"] = PHOTOS["0.jpg"]
        assert call(*urls, "--out", out).stderr.startswith("1 scored, 0 failed, 2 scored before, 1 failed before")
        nothing = call(f"{login}/folder/?sig=t0ken", "--debug")
        assert [record.path for record in stored(out)] == [f"{server.url}/{name}" for name in (*PHOTOS, "gone.jpg")]
    written = out.read_bytes() + "".join((first.output, nothing.output)).encode()
    assert b"127.0.0.1" in written
    assert not [secret for secret in (b"us3r", b"s3cret", b"t0ken") if secret in written]


def test_what_is_not_found_is_named_without_credentials(bucket):
    url = bucket({"notes.txt": b""})
    result = call(url.replace("://", "://us3r:s3cret@"))
    assert "us3r" not in result.output
    assert f"no images found in {url}; skipped 1 file: 1 .txt" in call(url).stderr


@pytest.mark.parametrize("form", ["zip", "tar", "parquet"])
def test_the_errors_of_local_archives_and_tables_speak_of_files(scorer, tmp_path, form):
    (missing,) = scorer.score_many([str(tmp_path / f"missing.{form}")])
    assert str(missing).endswith(f"missing.{form}: no such file or directory; check the path and its permissions")
    (tmp_path / f"empty.{form}").write_bytes(b"")
    (empty,) = scorer.score_many([str(tmp_path / f"empty.{form}")])
    assert "server" not in str(empty)


def test_maps_of_members_lie_below_the_folder(save, tmp_path):
    archive = save("a.zip", zipped({"../x/0.jpg": PHOTOS["0.jpg"], "/1.jpg": PHOTOS["1.jpg"]}))
    table = tmp_path / "a.parquet"
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"image": [PHOTOS["2.jpg"]]}), table)
    assert call(archive, archive, table, "--map", tmp_path / "maps").stderr == "5 scored, 0 failed\n"
    maps = {path.relative_to(tmp_path / "maps").as_posix() for path in (tmp_path / "maps").rglob("*.png")}
    assert maps == {"a.zip/x/0.jpg.png", "a.zip/1.jpg.png", "a.zip/x/0.jpg.2.png", "a.zip/1.jpg.2.png", "a.parquet/0.png"}


def test_the_column_of_a_table_is_an_option(tmp_path, expected):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"a": [b"x"], "b": [PHOTOS["0.jpg"]]}), tmp_path / "a.parquet")
    assert "several columns may hold photos: a, b; choose one with --column" in call(tmp_path / "a.parquet").output
    result = call(tmp_path / "a.parquet", "--column", "b", "--format", "jsonl")
    assert json.loads(result.stdout)["score"] == expected["0.jpg"]


def test_results_whose_archive_is_gone_are_missing(save, bucket, tmp_path):
    out, url = tmp_path / "r.db", bucket(PHOTOS)
    gone, kept, plain = save("a.tar", tar(PHOTOS)), save("b::c.zip", zipped(PHOTOS)), save("d.jpg", PHOTOS["0.jpg"])
    call(gone, kept, plain, url, "--out", out)
    gone.unlink()
    plain.unlink()
    listed = call(out, "--missing", "--format", "paths", command="results").stdout.splitlines()
    assert listed == [*(f"{gone}::{name}" for name in PHOTOS), str(plain)]


def test_thresholds_take_labels_of_remote_photos_and_members(save, bucket, tmp_path):
    out, url = tmp_path / "r.db", bucket(PHOTOS)
    call(save("a.tar", tar(PHOTOS)), url, "--out", out)
    rows = [f"{url}{name},keep" for name in PHOTOS] + [f"a.tar::{name},reject" for name in PHOTOS]
    labels = save("labels.csv", "\n".join(rows).encode())
    assert "6 photos: 3 keep, 3 reject" in call(out, labels, command="threshold").stderr


@pytest.mark.parametrize("name", ["photos", "a.jpg", "gone.jpg"])
def test_what_can_be_counted_before_it_is_read(save, name):
    save("photos/a.jpg", b"")
    assert sources.is_local(str(save("a.jpg", b"").parent / name))
    for other in ("-", "s3://bucket/photos/", "https://host/a.jpg", f"{name}.tar", f"{name}.parquet", f"{name}-{{0..3}}"):
        assert not sources.is_local(other)


@pytest.mark.parametrize("source", ["photos", "photos/0.jpg", "a.zip", "a.tar"])
def test_local_sources_load_nothing_of_the_extras(save, source):
    for name, content in PHOTOS.items():
        save(f"photos/{name}", content)
    save("a.zip", zipped(PHOTOS))
    folder = save("a.tar", tar(PHOTOS)).parent
    code = "import sys; from noref.cli.app import app; app(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    command = [sys.executable, "-c", code, "score", str(folder / source), "--jobs", "1", "--out", str(folder / "r.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.endswith("scored, 0 failed\n")
    assert not {"fsspec", "s3fs", "aiohttp", "pyarrow", "asyncio"} & {*done.stdout.split()}
