"""What a person at the command line sees, and what a script can rely on."""

import csv
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import noref
from noref.cli import app
from pictures import make_scene


def call(*arguments: object, stdin: str = ""):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def folder(save) -> Path:
    save("photos/b.png", make_scene(seed=1))
    save("photos/a.b.jpg", make_scene(seed=2))
    save("photos/deep/c.webp", make_scene(seed=3))
    save("photos/readme.txt", b"no picture, and not named like one")
    return save("photos/.hidden.png", b"").parent


@pytest.fixture
def mixed(folder, save) -> Path:
    save("photos/aa-cut.jpg", (folder / "a.b.jpg").read_bytes()[:800])
    save("photos/letter.jpg", b"Dear Sir or Madam")
    return folder


def test_a_folder_is_searched_below_in_order(folder):
    result = call("score", folder)
    assert result.exit_code == 0
    expected = zip(("a.b.jpg", "b.png", "deep/c.webp"), result.stdout.splitlines()[1:], strict=True)
    assert all(f"  {folder}/{name}" in line for name, line in expected)
    assert result.stderr == "3 scored, 0 failed\n"


def test_failures_are_shown_counted_and_told_by_the_exit_code(mixed):
    result = call("score", mixed)
    assert result.exit_code == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("    -")]
    assert len(failed) == 2
    assert "aa-cut.jpg: damaged or cut off" in failed[0]
    assert "copy or download it again" in failed[0]
    assert "letter.jpg: not a picture; noref reads JPEG" in failed[1]
    assert result.stderr == "3 scored, 2 failed\n"


def test_jsonl_has_one_object_a_photo(mixed):
    rows = [json.loads(line) for line in call("score", mixed, "--format", "jsonl").stdout.splitlines()]
    assert [Path(row["image"]).name for row in rows] == ["a.b.jpg", "aa-cut.jpg", "b.png", "letter.jpg", "c.webp"]
    assert rows[0]["score"] == noref.score(mixed / "a.b.jpg").score
    assert rows[0]["width"] == 256
    assert rows[1]["error"]["kind"] == "DamagedImage"
    assert "score" not in rows[1]


def test_csv_has_one_row_a_photo(mixed):
    rows = list(csv.DictReader(call("score", mixed, "--format", "csv").stdout.splitlines()))
    assert float(rows[0]["score"]) == noref.score(mixed / "a.b.jpg").score
    assert rows[1]["score"] == ""
    assert rows[1]["error"].startswith("DamagedImage: ")


@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_the_output_does_not_depend_on_jobs(mixed, form):
    one, many = (call("score", mixed, "--format", form, "--jobs", jobs) for jobs in (1, 4))
    assert one.stdout == many.stdout
    assert one.exit_code == many.exit_code == 1


def test_a_list_on_standard_input(folder):
    names = f"{folder}/b.png\n\n{folder}/deep/c.webp\r\n"
    lines = call("score", "-", stdin=names).stdout.splitlines()
    assert all(f"  {folder}/{name}" in line for name, line in zip(("b.png", "deep/c.webp"), lines[1:], strict=True))


def test_maps_mirror_the_folder(mixed, tmp_path):
    call("score", mixed, "--map", tmp_path / "maps")
    found = sorted(path.relative_to(tmp_path / "maps").as_posix() for path in (tmp_path / "maps").rglob("*.*"))
    assert found == ["a.b.jpg.png", "b.png.png", "deep/c.webp.png"]
    with Image.open(tmp_path / "maps" / "b.png.png") as drawn:
        assert drawn.width == 256
        assert drawn.height > 192


def test_maps_drawn_among_the_photos_are_not_scored(folder):
    plain = call("score", folder).stdout
    for _ in range(2):
        assert call("score", folder, "--map", folder / "maps").stdout == plain
    assert not (folder / "maps" / "maps").exists()


def test_maps_of_namesakes_do_not_overwrite_each_other(save, tmp_path):
    first, second = save("x/a.png", make_scene(seed=1)), save("y/a.png", make_scene(seed=2))
    assert call("score", first, second, "--map", tmp_path / "maps").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["a.png.2.png", "a.png.png"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["score", "--model", "dica", "x.jpg"], "did you mean 'diqa'"),
        (["score", "--format", "xml", "x.jpg"], "xml"),
        (["score", "--jobs", "0", "x.jpg"], "--jobs"),
        (["score", "--mapp", "y", "x.jpg"], "--mapp"),
        (["score"], "PATH"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_why(arguments, says):
    result = call(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""


def test_a_folder_without_pictures_is_wrong_usage(tmp_path):
    result = call("score", tmp_path)
    assert result.exit_code == 2
    assert "no pictures found" in result.stderr


def test_a_missing_file_is_a_failure_like_any_other(folder):
    result = call("score", folder / "none.jpg", folder / "b.png")
    assert result.exit_code == 1
    assert "none.jpg: no such file or directory" in result.stdout
    assert result.stderr == "1 scored, 1 failed\n"


def test_a_map_folder_that_cannot_be_made_is_wrong_usage(folder):
    assert call("score", folder, "--map", folder / "b.png").exit_code == 2


def test_models_lists_what_ships():
    text = call("models").stdout
    for word in ("diqa", "licence", "scale", "trained on", "agreement", "SRCC", "higher is better"):
        assert word in text


def test_version():
    assert call("--version").stdout == f"noref {noref.__version__}\n"


def test_names_that_are_not_utf8_and_markup_pass_unharmed(save):
    odd = save("[red]weird[.png", make_scene(96, 96))
    assert call("score", odd).stdout.splitlines()[1].partition("  [")[0].endswith("[red]weird[.png")
    raw = bytes(odd.parent) + b"/caf\xe9.png"
    Path(raw.decode(errors="surrogateescape")).write_bytes(odd.read_bytes())
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run([sys.executable, "-m", "noref.cli", "score", raw], capture_output=True, env=strict, check=False)
    assert done.returncode == 0, done.stderr
    assert b"caf\xe9.png" in done.stdout
    listed = [sys.executable, "-m", "noref.cli", "score", "-"]
    assert b"caf\xe9.png" in subprocess.run(listed, input=raw, capture_output=True, env=strict, check=True).stdout


def test_progress_shows_on_a_terminal_only(folder):
    for terminal in (True, False):
        ours, theirs = pty.openpty() if terminal else os.pipe()
        command = [sys.executable, "-m", "noref.cli", "score", folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}, check=True)
        os.close(theirs)
        said = os.read(ours, 100_000).decode()
        os.close(ours)
        assert ("scoring" in said) == terminal
        assert "3 scored, 0 failed" in said
        assert len(done.stdout.splitlines()) == 4


def test_a_map_that_cannot_be_written_is_said(folder, tmp_path):
    (tmp_path / "maps" / "b.png.png").mkdir(parents=True)
    result = call("score", folder / "b.png", "--map", tmp_path / "maps")
    assert result.exit_code == 2
    assert "b.png.png" in result.stderr


def test_a_closed_pipe_ends_quietly(save):
    photos = [save(f"{i}.png", np.zeros((64, 64, 3), np.uint8)) for i in range(30)]
    command = f"{sys.executable} -m noref.cli score --jobs 1 {' '.join(map(str, photos))} | head -n 2"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 2
    assert "Traceback" not in done.stderr
