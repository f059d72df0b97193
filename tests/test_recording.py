"""`noref score --out`: it resumes, and killed processes, second runs and full disks lose and damage nothing."""

import dataclasses
import io
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import noref
from noref.cli import Exit
from noref.cli.app import app
from noref.store import Record, Store
from pictures import make_scene

PHOTOS = 40


def call(*arguments: object):
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


def stored(file: Path, **filters: object) -> list[Record]:
    with Store(file) as store:
        return list(store.records(**filters))


def names(records: list[Record]) -> list[str]:
    return [Path(record.path).name for record in records]


@pytest.fixture
def photos(save) -> Path:
    save("photos/a.png", make_scene(seed=1))
    save("photos/b.jpg", make_scene(seed=2))
    return save("photos/broken.png", b"Dear Sir or Madam").parent


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "results.db"


def test_results_are_kept_and_not_printed(photos, out, scorer):
    result = call(photos, "--out", out)
    assert result.exit_code == Exit.SOME_FAILED
    assert result.stdout == ""
    assert result.stderr == "2 scored, 1 failed\n"
    first, second, third = stored(out)
    assert first.assessment.to_dict() == scorer.score(photos / "a.png").to_dict()
    assert second.assessment.score == scorer.score(photos / "b.jpg").score
    assert third.failure.kind == "NotAnImage"
    assert third.bytes == 17
    assert first.modified == (photos / "a.png").stat().st_mtime_ns
    assert first.model_sha256 == scorer.card.sha256
    assert first.thumbnail is None
    assert np.abs(first.assessment.map - scorer.score(photos / "a.png").map.clip(0, 100)).max() < 0.2
    assert [path.name for path in out.parent.iterdir() if path.is_file()] == ["results.db"]


def test_the_failure_of_a_folder_is_removed_once_it_can_be_read(photos, out):
    call(photos, "--out", out)
    with Store(out, "w") as store:
        (broken,) = store.records(failed=True)
        for path in (str(photos), str(photos / "removed")):
            store.write(dataclasses.replace(broken, path=path))
    call(photos / "a.png", "--out", out)
    assert {record.path for record in stored(out) if record.failure} == {broken.path, str(photos / "removed")}


def test_a_chosen_format_is_printed_as_well(photos, out):
    result = call(photos, "--out", out, "--format", "jsonl")
    assert [json.loads(line).get("score") for line in result.stdout.splitlines()] == [
        record.assessment.score if record.assessment else None for record in stored(out)
    ]


def test_only_changed_photos_are_scored_again(photos, out, save):
    call(photos, "--out", out)
    before = stored(out)
    os.utime(photos / "a.png", ns=(0, 5))
    save("photos/c.png", make_scene(seed=3))
    result = call(photos, "--out", out)
    assert result.exit_code == Exit.SOME_FAILED  # as the first time
    assert result.stderr == "2 scored, 0 failed, 1 scored before, 1 failed before (--retry scores them again)\n"
    after = stored(out)
    assert names(after) == ["a.png", "b.jpg", "broken.png", "c.png"]
    assert [new.scored == old.scored for old, new in zip(before, after, strict=False)] == [False, True, True]


def test_failed_photos_are_scored_again_on_request(photos, out):
    call(photos, "--out", out)
    state = (photos / "broken.png").stat()
    content = io.BytesIO()
    Image.fromarray(make_scene(seed=4)).save(content, "PNG")
    (photos / "broken.png").write_bytes(content.getvalue())
    os.utime(photos / "broken.png", ns=(0, state.st_mtime_ns))
    assert call(photos, "--out", out, "--retry").stderr == "1 scored, 0 failed, 2 scored before\n"
    assert all(record.failure is None for record in stored(out))


def test_another_view_model_or_exactness_does_not_count(photos, out):
    for options in ((), ("--view", "native"), ("--exact",), ("--model", "diqa")):
        assert call(photos, "--out", out, *options).stderr == "2 scored, 1 failed\n"
    for options in ((), ("--view", "native"), ("--exact",), ("--model", "diqa")):
        assert call(photos, "--out", out, *options).stderr.startswith("0 scored, 0 failed, 2 scored before")


def test_thumbnails_are_small_jpegs_and_added_to_earlier_results(photos, out, save):
    save("photos/a.png", np.tile(make_scene(seed=1), (3, 3, 1)))
    call(photos, "--out", out)
    assert call(photos, "--out", out, "--thumbnails").stderr.startswith("2 scored, 0 failed, 1 failed before")
    first, _, third = stored(out)
    with Image.open(io.BytesIO(first.thumbnail)) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert thumbnail.size == (256, 192)
    assert third.thumbnail is None
    assert call(photos, "--out", out).stderr.startswith("0 scored, 0 failed, 2 scored before")


def test_names_of_a_relative_path_are_absolute_in_the_file(photos, out, monkeypatch):
    monkeypatch.chdir(photos)
    call("a.png", "missing.png", "--out", out)
    assert [record.path for record in stored(out)] == [str(photos / "a.png"), str(photos / "missing.png")]
    monkeypatch.chdir(photos.parent)
    assert call(photos / "a.png", "photos/missing.png", "--out", out).stderr.startswith("0 scored, 0 failed, 1 scored before")


def test_maps_of_a_resumed_run_have_the_names_of_a_whole_one(photos, out, save, tmp_path):
    save("more/a.png", make_scene(seed=5))
    call(photos / "a.png", "--out", out)
    call(photos / "a.png", tmp_path / "more" / "a.png", "--out", out, "--map", tmp_path / "maps")
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["a.png.2.png"]


def test_options_of_a_file_need_one(photos):
    for option in ("--retry", "--thumbnails"):
        result = call(photos, option)
        assert result.exit_code == Exit.STOPPED
        assert result.stderr == "noref: --retry and --thumbnails need --out FILE\n"


def test_results_on_standard_output_need_no_file(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(photos, "--out", "-")
    assert result.exit_code == Exit.STOPPED
    assert result.stderr == "noref: --out needs a file; without --out, the results are printed on standard output\n"
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--engine", "ray"), "--engine ray needs --out FOLDER"),
        (("--engine", "ray", "--out", "r", "--map", "maps"), "--engine ray draws no maps; leave out --map"),
        (("--address", "auto"), "--address needs --engine ray"),
    ],
)
def test_options_of_a_cluster_fit_each_other(photos, options, message):
    result = call(photos, *options)
    assert result.exit_code == Exit.STOPPED
    assert result.stderr == f"noref: {message}\n"


def test_a_cluster_without_its_extra_names_the_command(photos, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name == "noref.ray" or name.startswith("noref.ray.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(noref, "ray", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    result = call(photos, "--engine", "ray", "--out", tmp_path / "out")
    assert result.exit_code == Exit.STOPPED
    assert result.stderr == "noref: --engine ray needs ray; pip install 'noref[ray]'\n"


def test_a_photo_as_the_file_of_results_is_refused(photos):
    before = (photos / "a.png").read_bytes()
    result = call(photos, "--out", photos / "a.png")
    assert result.exit_code == Exit.STOPPED
    assert "a.png: file is not a database; choose" in result.stderr
    assert (photos / "a.png").read_bytes() == before


posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits as on POSIX")


def started(*arguments: object, **options) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "noref.cli", "score", *map(str, arguments), "--jobs", "2"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@pytest.fixture(scope="session")
def many(tmp_path_factory) -> Path:
    """A folder of photos that are scored quickly, each different."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(PHOTOS):
        Image.fromarray(make_scene(seed=number % 8)[number : number + 96, :128]).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture(scope="session")
def expected(many, scorer) -> dict[str, float]:
    found = scorer.score_many(sorted(many.iterdir()))
    return {Path(result.name).name: result.score for result in found if isinstance(result, noref.Assessment)}


def checked(file: Path, expected: dict[str, float]) -> int:
    """The number of results, after a check of the whole file."""
    with Store(file) as store:
        assert [row[0] for row in store._rows("PRAGMA integrity_check")] == ["ok"]
        assert not list(store._rows("PRAGMA foreign_key_check"))
        records = list(store.records())
    for record in records:
        assert record.assessment.score == expected[Path(record.path).name]
        assert record.assessment.defects
        assert record.assessment.map.size
        assert record.thumbnail
    return len(records)


@posix
@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments_a_run_loses_and_damages_nothing(many, expected, out, kills):
    dice = random.Random(kills)
    done = 0
    for kill in range(kills):
        if done == PHOTOS:
            out.unlink()
            done = 0
        with started(many, "--out", out, "--thumbnails", "--format", "jsonl") as process:
            shown = [process.stdout.readline() for _ in range(dice.randrange(max(1, (PHOTOS - done) // 2)))]
            time.sleep(dice.uniform(0, 0.5 if kill % 2 else 0.02))
            process.kill()
            shown += process.stdout.readlines()
        printed = [json.loads(line)["image"] for line in shown if line.endswith(b"\n")]
        if out.exists() and out.stat().st_size:
            now = checked(out, expected)
            assert now >= done + len(printed)  # what was printed had been written
            done = now
            assert {Path(path).name for path in printed} <= set(names(stored(out, pictures=False)))
        else:
            assert not printed
    process = started(many, "--out", out, "--thumbnails")
    assert process.communicate()[1].decode().startswith(f"{PHOTOS - done} scored, 0 failed")
    assert checked(out, expected) == PHOTOS


@posix
def test_a_resumed_run_shows_what_is_left_and_its_rate_on_a_terminal(many, out):
    call(*sorted(many.iterdir())[:5], "--out", out)
    ours, theirs = os.openpty()
    code = "import sys; sys.stdout = sys.stderr = open(sys.argv.pop(1), 'w'); from noref.cli import main; main()"
    command = [sys.executable, "-c", code, os.ttyname(theirs), "score", many, "--out", out, "--jobs", "2"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(command, env=environment) as process:
        shown = b""
        while not shown.endswith(b"before\r\n"):
            shown += os.read(ours, 4096)
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert f"{PHOTOS - 5}/{PHOTOS - 5}" in text
    assert re.search(r"\d\.\d/s \d:\d\d:\d\d", text)
    assert f"{PHOTOS - 5} scored, 0 failed, 5 scored before" in text


@posix
def test_a_second_run_is_refused_until_the_first_ends_however_it_ends(photos, out):
    process = started("-", "--out", out, "--format", "jsonl", stdin=subprocess.PIPE)
    process.stdin.write(f"{photos / 'a.png'}\n".encode())
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["score"] > 0
    result = call(photos, "--out", out)
    assert result.exit_code == Exit.STOPPED
    assert result.stderr.endswith("another run of noref is writing to it; wait until that has ended, or choose another file\n")
    assert names(stored(out)) == ["a.png"]  # readers are not refused
    process.kill()
    process.communicate()
    assert call(photos, "--out", out).stderr == "1 scored, 1 failed, 1 scored before\n"


@posix
def test_a_full_disk_ends_the_run_and_keeps_what_was_written(many, expected, out):
    import resource  # not on Windows

    limit = 300_000  # bytes of any file: the system then refuses to write, as on a full disk
    full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))}
    process = started(many, "--out", out, "--thumbnails", "--format", "jsonl", **full)
    printed, message = process.communicate()
    assert process.returncode == Exit.STOPPED
    assert b"everything written before is kept; make room and run the same command again to resume" in message
    kept = checked(out, expected)
    assert 0 < kept < PHOTOS
    assert kept == len(printed.splitlines())
    process = started(many, "--out", out, "--thumbnails")
    assert process.communicate()[1].decode() == f"{PHOTOS - kept} scored, 0 failed, {kept} scored before\n"
    assert checked(out, expected) == PHOTOS
