"""`noref compare`: pairing, figures by hand, formats, folders, refusals and exit codes."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from noref import Assessment, ComparisonError, images, resampling
from noref.cli import Exit
from noref.cli.app import app
from noref.comparison import Comparison, System, compare
from noref.store import Record, Store
from pictures import make_scene
from test_store import CARD, SETTINGS, assessed, failed, filled
from tiny_models import save_model

BEFORE = {"x/1.png": 40.0, "x/2.png": 60.0, "y/3.png": 50.0, "y/4.png": 30.0, "5.png": 70.0}
AFTER = {"x/1.png": 45.0, "x/2.png": 60.0, "y/3.png": 70.0, "y/4.png": 29.0, "5.png": 72.0}


def records(folder: str, scores: dict[str, float], *more: Record) -> list[Record]:
    """Results; a picture with a score below 50 likely is noisy."""
    return [*(assessed(f"/{folder}/{name}", score, 0.9 if score < 50 else 0.1) for name, score in scores.items()), *more]


def system(name: str, *results: Record, root: str | None = None) -> System:
    return System(name, SETTINGS, dataclasses.asdict(CARD), lambda _: results, root)


def compared(*scores: dict[str, float]) -> Comparison:
    return compare([system("abc"[number], *records(f"r/{number}", each)) for number, each in enumerate(scores)])


def call(*arguments: object):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def lines(*arguments: object) -> list[dict]:
    result = call(*arguments, "--format", "jsonl")
    assert result.exit_code in (0, 1), result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    return filled(tmp_path / "before.db", *records("a", BEFORE)), filled(tmp_path / "after.db", *records("b/c", AFTER))


def test_figures_by_hand():
    found = compared(BEFORE, AFTER)
    assert [(each.name, each.mean) for each in found.systems] == [("a", 50), ("b", pytest.approx(55.2))]
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.difference) == ("a", "b", pytest.approx(5.2))
    assert (pair.wins, pair.losses, pair.ties) == (0.6, 0.2, 0.2)
    assert pair.low < pair.difference < pair.high
    assert pair.p == pair.p_holm == 0.25  # of 32 sign patterns, 8 have a sum of at least 26 or at most -26
    (noise,) = [each for each in found.defects if each.defect == "noise"]
    assert noise[2:] == ("noise", 2, 2, 0, 0)
    assert [(each.name, each.range) for each in found.pictures(2)] == [("y/3.png", 20), ("x/1.png", 5)]


def test_defects_gained_and_lost():
    (noise,) = compared(BEFORE, {**BEFORE, "x/1.png": 90, "x/2.png": 10, "5.png": 20}).changed_defects
    assert noise == ("a", "b", "noise", 2, 3, 2, 1)


def test_every_pair_of_three_systems_is_compared_and_corrected():
    better = {name: score + 5 + number / 9 for number, (name, score) in enumerate(BEFORE.items())}
    found = compared(BEFORE, AFTER, better)
    assert [(each.first, each.second) for each in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [each.p_holm for each in found.pairs] == pytest.approx(resampling.holm([each.p for each in found.pairs]))
    assert found.pairs[1].p_holm == pytest.approx(3 * found.pairs[1].p) == 3 / 16


def test_the_order_of_the_records_does_not_matter():
    rng = np.random.default_rng(0)
    first = {f"{number}.png": score for number, score in enumerate(rng.uniform(20, 80, 40).tolist())}
    second = {name: score + rng.normal() for name, score in first.items()}
    assert compared(first, second).pairs == compared(dict(sorted(first.items())), dict(reversed(second.items()))).pairs


def test_names_are_relative_to_the_root_or_to_the_common_folder():
    one = system("one", *records("some/where", {"x/1.png": 50, "x/2.png": 50}), root="/some/where/")
    other = system("other", *records("y", {"1.png": 60, "2.png": 50}))
    with pytest.raises(
        ComparisonError, match=re.escape("2 missing in one (1.png, 2.png), 2 missing in other (x/1.png, x/2.png)")
    ):
        compare([one, other])
    assert compare([dataclasses.replace(one, root=None), other]).paired.names == ["1.png", "2.png"]


def test_without_a_root_names_may_begin_above_the_common_folder():
    one = system("one", *records("one", {"x/1.png": 50, "x/2.png": 50}), root="/one/")
    for folder in ("other", "some/other"):
        other = system("other", *records(folder, {"x/1.jpg": 60, "x/2.jpg": 50}))
        assert compare([one, other]).paired.names == ["x/1", "x/2"]
    archive = system("archive", *records("sets", {"a.tar::1.png": 60, "a.tar::2.png": 50}))
    with pytest.raises(ComparisonError, match=r"2 missing in one \(1.png, 2.png\)"):
        compare([one, archive])


def test_pictures_of_two_archives_pair_by_their_names_inside():
    one = system("one", *records("sets", {"a.tar::1.png": 50, "a.tar::x/2.png": 50}))
    other = system("other", *records("sets", {"b.tar::1.png": 60, "b.tar::x/2.png": 50}))
    assert compare([one, other]).paired.names == ["1.png", "x/2.png"]


def test_extensions_may_differ_unless_that_is_ambiguous():
    found = compared({"x/1.png": 50, "y/2.tif": 60}, {"x/1.jpg": 51, "y/2.jpg": 61})
    assert found.paired.by_stem
    assert found.paired.names == ["x/1", "y/2"]
    assert not compared({"1.png": 50, "1.jpg": 60}, {"1.png": 51, "1.jpg": 61}).paired.by_stem
    with pytest.raises(ComparisonError, match=r"1 missing in b \(2.png\).*without their extensions, 1 would be ambiguous"):
        compared({"1.png": 50, "1.jpg": 60, "2.png": 50}, {"1.png": 51, "1.jpg": 61})


def test_pictures_that_do_not_pair_are_named_up_to_a_limit():
    with pytest.raises(ComparisonError) as caught:
        compared(BEFORE, {f"{number}.png": 50 for number in range(5, 12)}, BEFORE)
    assert str(caught.value) == (
        "the pictures do not pair: 6 missing in a (10.png, 11.png, 6.png, 7.png, 8.png and 1 more),"
        " 4 missing in b (x/1.png, x/2.png, y/3.png, y/4.png), 6 missing in c (10.png, 11.png, 6.png, 7.png, 8.png and 1 more);"
        " give systems with the same pictures under the same names, and no others"
    )


def test_failed_pictures_are_left_out_everywhere_and_counted():
    rest = {name: score for name, score in BEFORE.items() if name != "x/1.png"}
    found = compare([system("a", *records("a", BEFORE)), system("b", *records("b", rest, failed("/b/x/1.png")))])
    assert found.paired.names == sorted(rest)
    assert found.left_out == 1
    assert [(each.picture, each.system, each.failure.kind) for each in found.failed] == [("x/1.png", "b", "DamagedImage")]
    assert [(each.mean, each.failed) for each in found.systems] == [(52.5, 0), (52.5, 1)]
    assert np.isnan(found.pairs[0].low)  # four pictures
    with pytest.raises(
        ComparisonError, match=r"no picture was scored in all of a, b; 1 failed \(the first: 1.png in b: damaged"
    ):
        compare([system("a", *records("a", {"1.png": 50})), system("b", failed("/b/1.png"))])


def test_systems_must_be_comparable():
    one = system("one", *records("a", BEFORE))
    for wrong in ([one], [one, one], [one, dataclasses.replace(one, name="two", settings=SETTINGS._replace(exact=True))]):
        with pytest.raises(ValueError, match="two or more systems"):
            compare(wrong)
    with pytest.raises(ComparisonError, match="tiny 2 predicts no score"):
        compare([system("one", *records("a", {"1.png": float("nan")})), system("two", *records("b", {"1.png": 50}))])


def test_the_table(files):
    result = call(*files, "--pictures", 2)
    assert result.exit_code == 0
    assert result.stderr == ""
    shown = [line.rstrip() for line in result.stdout.splitlines() if line.strip()]
    assert shown[0] == "2 systems, 5 pictures paired by path; tiny 2, common view"
    assert [line.split()[:2] for line in shown[2:4]] == [["before", "50.0"], ["after", "55.2"]]
    assert re.fullmatch(r"after - before +\+5\.20 +\S+ to \S+ +\.250 +60% +20% +20%", shown[5])
    assert shown[6:] == [
        "most different   range   before   after",
        "y/3.png           20.0     50.0    70.0",
        "x/1.png            5.0     40.0    45.0",
    ]


@pytest.mark.skipif(os.name != "posix", reason="names that are not text are a matter of POSIX")
def test_hostile_names(tmp_path):
    scores = {"[red]a\nb.png": 50, os.fsdecode(b"caf\xe9.png"): 40}
    files = [filled(tmp_path / f"{name}.db", *records(name, scores)) for name in ("[bold]a", "b")]
    command = [sys.executable, "-m", "noref.cli", "compare", *map(str, files)]
    result = subprocess.run(command, capture_output=True, check=True)
    for shown in (b"b - [bold]a", b"\n[red]a\\nb.png", b"\ncaf\xe9.png"):
        assert shown in result.stdout


def test_json_lines_hold_everything(files):
    found = lines(*files)
    kinds = [row["kind"] for row in found]
    assert kinds == ["comparison", "system", "system", "pair", "defect", "defect", *["picture"] * 5]
    assert found[0] == {
        "kind": "comparison",
        "systems": ["before", "after"],
        "pictures": 5,
        "left_out": 0,
        "paired_by": "path",
        "model": "tiny 2",
        "view": "common",
        "exact": False,
    }
    assert found[3]["p_holm"] == 0.25
    assert found[6] == {
        "kind": "picture",
        "name": "y/3.png",
        "range": 20.0,
        "scores": {"before": 50.0, "after": 70.0},
        "defects": {"before": ["banding"], "after": ["banding"]},
        "paths": {"before": "/a/y/3.png", "after": "/b/c/y/3.png"},
    }


def test_what_is_undefined_is_null_and_failures_have_exit_code_1(tmp_path):
    first = filled(tmp_path / "first.db", *records("a", {"1.png": 50, "2.png": 60}))
    second = filled(tmp_path / "second.db", *records("b", {"1.png": 50}, failed("/b/2.png")))
    found = lines(first, second)
    assert found[1]["low"] is None
    assert found[-1]["error"] == {"kind": "DamagedImage", "cause": "damaged caf\\udce9", "cure": "copy it again"}
    result = call(first, second)
    assert result.exit_code == Exit.SOME_FAILED
    assert "1 picture paired by path, 1 picture left out that failed in a system" in result.stdout
    assert re.search(r"^2\.png +second +damaged caf", result.stdout, re.MULTILINE)


def test_many_failures_are_listed_up_to_a_limit(tmp_path):
    scores = {"1.png": 50, "2.png": 60}
    broken = [f"broken-{number:02}.png" for number in range(12)]
    first = filled(tmp_path / "first.db", *records("a", {**scores, **dict.fromkeys(broken, 50)}))
    second = filled(tmp_path / "second.db", *records("b", scores, *(failed(f"/b/{name}") for name in broken)))
    shown = call(first, second, "--pictures", 0).stdout
    assert "12 pictures left out" in shown
    assert "most different" not in shown
    assert "broken-09.png" in shown
    assert "broken-10.png" not in shown
    assert shown.endswith("\nand 2 more; JSON lines have all\n")


def test_results_of_different_settings_are_refused_with_the_reason(files, tmp_path):
    before, after = files
    for name, other in (("newer", {"version": "3", "sha256": "cd" * 32}), ("native", {}), ("exact", {})):
        card, view, exact = dataclasses.replace(CARD, **other), "native" if name == "native" else "common", name == "exact"
        with Store(tmp_path / f"{name}.db", "w") as store:
            store.use(card, view, exact)
        result = call(before, tmp_path / f"{name}.db")
        assert result.exit_code == Exit.STOPPED
        shown = f"{card.label}, {view} view{', exact' if exact else ''}"
        assert f"before.db has results of tiny 2, common view; {tmp_path / name}.db has results of {shown};" in result.stderr
    with Store(after, "w") as store:  # has both now, the other one used last
        store.use(dataclasses.replace(CARD, version="3", sha256="cd" * 32), "common", False)
    assert lines(before, after)[0]["model"] == "tiny 2"
    with Store(tmp_path / "empty.db", "w"):
        pass
    assert "empty.db holds no results" in call(before, tmp_path / "empty.db").stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{before}"], "a comparison needs two systems"),
        (["{before}", ""], "an empty path: no such file or folder; give folders"),
        (["{before}", "{before}"], "one is given twice"),
        (["{before}", "missing.db"], "missing.db: no such file"),
        (["{before}", "{folder}"], "pictures must be scored alike"),
        (["{before}", "{after}", "--model", "unified"], "pictures must be scored alike"),
        (["{before}", "{after}", "--model", "unifed"], "did you mean 'unified'?"),
        (["{before}", "{after}", "--report", "{folder}/page.txt"], "a report is an HTML file"),
        (["{before}", "{after}", "--report", "{before}"], "holds the results"),
    ],
)
def test_wrong_usage_is_one_line(files, tmp_path, arguments, message):
    pytest.importorskip("jinja2")
    result = call(*(each.format(before=files[0], after=files[1], folder=tmp_path) for each in arguments))
    assert result.exit_code == Exit.STOPPED
    assert message in result.stderr
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """Scores by brightness."""
    return save_model(
        tmp_path_factory.mktemp("model") / "bright.onnx",
        "(uint8[1, h, w, 3] pixels) => (float[1] score)",
        "f = Cast <to = 1> (pixels) m = ReduceMean <keepdims = 0> (f, axes) score = Mul (m, scale)",
        "int64[3] axes = {1, 2, 3}, float scale = {0.390625}",
    )


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Pictures, the second time brighter and in another format."""
    for number in range(6):
        pixels = make_scene(40, 50, number) // 2
        for folder, shift, extension in (("dark", 0, "png"), ("light", 40, "bmp")):
            path = tmp_path / folder / f"{number % 2}" / f"{number}.{extension}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((pixels + shift).astype(np.uint8)).save(path)
    return tmp_path / "dark", tmp_path / "light"


@pytest.mark.parametrize("jobs", [1, 2])
def test_folders_are_scored(folders, model, jobs):
    found = lines(*folders, "--model", model, "--jobs", jobs)
    assert found[0] | {"pictures": 6, "paired_by": "stem", "systems": ["dark", "light"], "model": "bright 1"} == found[0]
    (pair,) = [row for row in found if row["kind"] == "pair"]
    assert pair["difference"] == pytest.approx(40 / 2.56, abs=0.01)
    assert pair["wins"] == 1
    assert found[-1]["paths"]["dark"].startswith(str(folders[0]))


def test_a_folder_and_a_file_of_results(folders, model, tmp_path):
    file = tmp_path / "scored.db"
    assert CliRunner().invoke(app, ["score", str(folders[0]), "--model", str(model), "--out", str(file)]).exit_code == 0
    (pair,) = [row for row in lines(file, folders[0], "--model", model) if row["kind"] == "pair"]
    assert (pair["difference"], pair["low"], pair["p"], pair["ties"]) == (0, None, 1, 1)


def test_a_photo_that_fails_and_a_folder_without_photos(folders, model, tmp_path):
    (folders[1] / "0" / "0.bmp").write_bytes(b"")
    result = call(*folders, "--model", model)
    assert result.exit_code == Exit.SOME_FAILED
    assert "5 pictures paired by path without extension, 1 picture left out" in result.stdout
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.txt").touch()
    result = call(folders[0], tmp_path / "empty", "--model", model)
    assert result.exit_code == Exit.STOPPED
    assert "no images found in" in result.stderr
    assert "skipped 1 file: 1 .txt" in result.stderr


def test_pictures_that_do_not_pair_are_named_before_any_is_scored(folders, model, monkeypatch):
    (folders[1] / "0" / "0.bmp").unlink()
    monkeypatch.setattr(images, "read", lambda *_, **__: pytest.fail("a photo was read"))
    result = call(*folders, "--model", model)
    assert result.exit_code == Exit.STOPPED
    assert "the pictures do not pair: 1 missing in light (0/0.png)" in result.stderr


def test_one_option_chooses_among_the_settings_of_files(files):
    for file in files:
        with Store(file, "w") as store:
            store.use(CARD, "native", False)
            for record in records(file.stem, BEFORE):
                store.write(dataclasses.replace(record, view="native"))
    assert lines(*files, "--view", "native")[0]["view"] == "native"
    assert lines(*files, "--view", "common")[0]["view"] == "common"
    assert "those given" in call(*files, "--exact").stderr


def test_a_bug_has_exit_code_3(folders, model, monkeypatch):
    read = images.read
    monkeypatch.setattr(images, "read", lambda name, **options: read(name, **options) if "5.bmp" not in name else 1 / 0)
    result = call(*folders, "--model", model)
    assert result.exit_code == Exit.BUG
    assert "ZeroDivisionError" in result.stderr
    assert "1 picture left out" in result.stdout


def test_an_interrupted_run_ends_with_a_message(folders, model, monkeypatch):
    def run(*_: object, **__: object) -> Iterator[Assessment]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("noref.recording.run", run)
    result = call(*folders, "--model", model)
    assert result.exit_code == Exit.INTERRUPTED
    assert result.stderr == "interrupted: 0 photos scored, none kept; noref score --out keeps them\n"
