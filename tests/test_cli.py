"""The command line for people and for scripts."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

import noref
from noref import images
from noref.cli import Exit
from noref.cli.app import app
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
    assert result.stderr == "3 scored, 0 failed; skipped 1 file: 1 .txt\n"


def test_the_summary_counts_skipped_files_by_kind(save):
    folder = save("photos/a.png", make_scene()).parent
    for index in range(3):
        save(f"photos/{index}.psd", b"")
    for kind in ("k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"):
        save(f"photos/deep/x.{kind}", b"")
    save("photos/deep/README", b"")
    kinds = "3 .psd, 1 .k1, 1 .k2, 1 .k3, 1 .k4, 1 .k5, 1 .k6, 1 .k7, 2 of 2 other kinds"
    assert call("score", folder).stderr == f"1 scored, 0 failed; skipped 12 files: {kinds}\n"


def test_the_file_of_results_is_not_among_the_skipped(save):
    folder = save("photos/a.png", make_scene()).parent
    assert call("score", folder, "--out", folder / "results.db").stderr == "1 scored, 0 failed\n"


def test_failures_are_shown_and_counted_and_set_the_exit_code(mixed):
    result = call("score", mixed)
    assert result.exit_code == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("    -")]
    assert len(failed) == 2
    assert "aa-cut.jpg: damaged or truncated" in failed[0]
    assert "copy or download it again" in failed[0]
    assert "letter.jpg: not an image, or of an unknown format; noref reads JPEG" in failed[1]
    assert result.stderr == "3 scored, 2 failed; skipped 1 file: 1 .txt\n"


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


@pytest.mark.parametrize("form", ["table", "csv", "jsonl"])
def test_explain_adds_the_summary_in_every_format(folder, form):
    plain, explained = (call("score", folder / "b.png", "--format", form, *more) for more in ((), ("--explain",)))
    expected = noref.score(folder / "b.png").summary()
    assert explained.exit_code == 0
    assert expected in " ".join(explained.stdout.split())
    assert "technical quality" not in plain.stdout


def test_explain_prints_what_out_keeps(folder, tmp_path):
    kept = call("score", folder, "--out", tmp_path / "results.db")
    explained = call("score", folder, "--out", tmp_path / "explained.db", "--explain")
    assert kept.stdout == ""
    assert explained.stdout.count("The technical quality is ") == 3


def test_maps_mirror_the_folder(mixed, tmp_path):
    call("score", mixed, "--map", tmp_path / "maps")
    found = sorted(path.relative_to(tmp_path / "maps").as_posix() for path in (tmp_path / "maps").rglob("*.*"))
    assert found == ["a.b.jpg.png", "b.png.png", "deep/c.webp.png"]
    with Image.open(tmp_path / "maps" / "b.png.png") as drawn:
        assert drawn.width >= 256
        assert drawn.height > 192


def test_maps_drawn_among_the_photos_are_not_scored(folder):
    plain = call("score", folder).stdout
    for _ in range(2):
        assert call("score", folder, "--map", folder / "maps").stdout == plain
    assert not (folder / "maps" / "maps").exists()


def test_maps_drawn_by_an_earlier_run_are_not_scored(folder):
    call("score", folder, "--map", folder)
    result = call("score", folder)
    assert len(result.stdout.splitlines()) == 4
    assert result.stderr == "3 scored, 0 failed; skipped 4 files: 3 quality maps, 1 .txt\n"


def test_a_map_that_cannot_be_written_is_a_warning_on_its_photo(folder, tmp_path):
    (tmp_path / "maps" / "b.png.png").mkdir(parents=True)
    result = call("score", folder, "--map", tmp_path / "maps")
    assert result.exit_code == Exit.SOME_FAILED
    assert ", 1 map could not be written" in result.stderr
    warned = [line for line in result.stdout.splitlines() if "its map could not be written" in line]
    assert [f"{folder}/b.png" in line for line in warned] == [True]
    assert (tmp_path / "maps" / "deep" / "c.webp.png").exists()


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
        (["score"], "SOURCE"),
        (["score", "x.jpg", "--out", "scores.csv"], "for csv: --format csv > scores.csv"),
    ],
)
def test_wrong_usage_exits_with_2_and_the_cause(arguments, says):
    result = call(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""


def test_a_folder_without_images_exits_with_2(save):
    folder = save("photos/a.psd", b"").parent
    (folder / "empty").mkdir()
    result = call("score", folder)
    assert (result.exit_code, result.stdout) == (2, "")
    hint = "to read a file whatever its extension, give its path"
    assert result.stderr == f"noref: no images found in {folder}; skipped 1 file: 1 .psd; {hint}\n"
    assert call("score", folder / "empty").stderr == f"noref: no images found in {folder / 'empty'}\n"
    assert call("score", "-").stderr == "noref: no images found in the list on standard input\n"


def test_a_missing_file_is_a_failure_like_any_other(folder):
    result = call("score", folder / "none.jpg", folder / "b.png")
    assert result.exit_code == 1
    assert "none.jpg: no such file or directory" in result.stdout
    assert result.stderr == "1 scored, 1 failed\n"


def test_a_map_folder_that_cannot_be_made_is_wrong_usage(folder):
    result = call("score", folder, "--map", folder / "b.png")
    assert result.exit_code == 2
    assert "choose another for --map" in result.stderr
    assert "Errno" not in result.stderr


def test_models_lists_what_ships():
    text = call("models").stdout
    for word in ("diqa", "licence", "scale", "trained on", "agreement", "SRCC", "higher is better"):
        assert word in text


def test_version():
    assert call("--version").stdout == f"noref {noref.__version__}\n"


def test_max_pixels(folder):
    result = call("score", folder / "b.png", "--max-pixels", 256 * 192 - 1, "--format", "jsonl")
    assert json.loads(result.stdout)["error"]["kind"] == "ImageTooLarge"
    assert call("score", folder / "b.png", "--max-pixels", 256 * 192).exit_code == 0


def test_exact_reaches_the_scorer(folder, monkeypatch):
    asked = []
    scorer = noref.Scorer
    monkeypatch.setattr(noref, "Scorer", lambda *args, exact, **options: asked.append(exact) or scorer(*args, **options))
    call("score", folder / "b.png")
    call("score", folder / "b.png", "--exact")
    assert asked == [False, True]


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_bug_fails_one_photo_and_shows_its_traceback(folder, monkeypatch, jobs):
    read = images.read

    def broken(source, **options):
        if source.endswith("b.png"):
            raise KeyError("our mistake")
        return read(source, **options)

    monkeypatch.setattr(images, "read", broken)
    result = call("score", folder, "--format", "jsonl", "--jobs", jobs)
    assert result.exit_code == 3
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert second["error"]["kind"] == "InternalError"
    assert "KeyError" in second["error"]["cause"]
    assert "score" in first
    assert "score" in third
    assert f"internal error on {folder}/b.png\nTraceback" in result.stderr
    assert 'raise KeyError("our mistake")' in result.stderr
    assert "2 scored, 1 failed" in result.stderr


def test_debug_shows_the_tracebacks_of_errors(mixed):
    plain, shown = call("score", mixed), call("score", mixed, "--debug")
    assert plain.stdout == shown.stdout
    assert "Traceback" not in plain.stderr
    assert f"error on {mixed}/letter.jpg\nTraceback" in shown.stderr
    assert "noref.errors.NotAnImage: " in shown.stderr
    assert "noref.errors.DamagedImage: " in shown.stderr
    assert "noref.errors.ModelNotFound: " in call("score", "x.jpg", "--model", "dica", "--debug").stderr


def test_names_cannot_forge_the_summary(save):
    folder = save("photos/x.a\x1b[31m\nb", b"").parent
    assert r"1 .a\x1b[31m\nb" in call("score", folder).stderr


def test_exit_codes_are_documented():
    documented = (Path(__file__).parents[1] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", documented.partition("## Exit codes")[2], re.MULTILINE)
    assert rows == [(str(int(code)), code.meaning) for code in Exit]
    shown = " ".join(call("score", "--help").stdout.split())
    assert all(f"{int(code)} {code.meaning}" in shown for code in Exit)


@pytest.mark.parametrize("command", [[], ["score"], ["results"], ["lab"], ["lab", "train"]])
def test_help_has_a_short_option(command):
    short, long = (CliRunner().invoke(app, [*command, option]) for option in ("-h", "--help"))
    assert short.exit_code == 0
    assert short.stdout == long.stdout != ""


@pytest.mark.parametrize("option", ["--map", "--out"])
def test_an_empty_path_is_refused(option, folder):
    result = call("score", folder, option, "")
    assert result.exit_code == Exit.STOPPED
    assert f"Invalid value for '{option}': an empty path" in result.stderr


def by_module(error: BaseException) -> ImportError:
    """What a compiled module makes of Ctrl-C while it is imported."""
    found = ImportError("initialization failed")
    found.__cause__ = error
    return found


@pytest.mark.parametrize("error", [KeyboardInterrupt(), by_module(KeyboardInterrupt())])
@pytest.mark.parametrize(
    ("words", "place"), [(["models"], "noref.card.shipped"), (["-h"], "noref.cli.app.pkgutil.resolve_name")]
)
def test_every_interrupted_command_says_so(monkeypatch, error, words, place):
    def interrupt(*_: object) -> None:
        raise error

    monkeypatch.setattr(place, interrupt)
    result = call(*words)
    assert (result.exit_code, result.stdout, result.stderr) == (Exit.INTERRUPTED, "", "noref: interrupted\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scor"], "No such command 'scor'. Did you mean 'score'?"),
        (["lba"], "No such command 'lba'. Did you mean 'lab'?"),
        (["results", "r.db", "\x1b[31mred.db"], r"Got unexpected extra argument (\x1b[31mred.db)"),
        (["score", "x.jpg", "--jobs", "x"], "Invalid value for '--jobs': 'x' is not a valid whole number."),
        (["results", "r.db", "--below", "low"], "Invalid value for '--below': 'low' is not a valid number."),
        (["results", "r.db", "--above", "nan"], "Invalid value for '--above': nan is not a number."),
        (["report", "", "page.html"], "Invalid value for 'RESULTS': an empty path"),
        (["lab", "distort", "x.png", "--type", "jpeg"], "Missing option '--level'."),
    ],
    ids=lambda value: " ".join(map(repr, value)) if isinstance(value, list) else "",
)
def test_wrong_usage_is_explained(words, message):
    result = call(*words)
    assert result.exit_code == Exit.STOPPED
    assert result.stderr.endswith(f"\nError: {message}\n")


def test_names_that_begin_with_a_dash_follow_two_dashes(folder):
    assert "1 failed" in call("score", "--", "-dash.jpg").stderr
    assert "-dash.jpg: no such file" in call("lab", "score", "brisque", "--", "-dash.jpg").stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("noref sc", "score"),
        ("noref score --model un", "unified"),
        ("noref compare --model fas", "fast"),
        ("noref lab ex", "export"),
        ("noref score photos/", "the shell's paths"),
        ("noref results kept", "the shell's paths"),
        ("noref score --model mine", "the shell's paths"),
    ],
)
def test_bash_completes_commands_models_and_paths(words, found, tmp_path):
    (tmp_path / "noref").write_text(f"#!{sys.executable}\nfrom noref.cli import main\nmain()\n")
    (tmp_path / "noref").chmod(0o755)
    script = f"""
eval "$(_NOREF_COMPLETE=bash_source noref)"
compopt() {{ [ "$2" = default ] && paths="the shell's paths"; }}
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_noref_completion noref
echo "${{COMPREPLY[*]:-$paths}}"
"""
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout == f"{found}\n"
