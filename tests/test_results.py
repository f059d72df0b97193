"""`noref results`: filters, formats and removal."""

import csv
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import noref
from noref import exports, sources
from noref.cli import Exit
from noref.cli.app import app
from noref.errors import DamagedImage
from noref.store import Store
from test_store import CARD, assessed, failed, filled


def call(*arguments: object):
    return CliRunner().invoke(app, ["results", *map(str, arguments)])


def shown(*arguments: object) -> list[str]:
    """The paths of a listing."""
    return call(*arguments, "--format", "paths").stdout.splitlines()


@pytest.fixture
def file(tmp_path) -> Path:
    return filled(
        tmp_path / "r.db",
        assessed("/good.jpg", 90),
        assessed("/noisy.jpg", 20, noise=0.9),
        failed("/broken.jpg"),
        assessed("/x", 55),
    )


def test_the_default_is_a_table_with_failures_in_their_place(file):
    result = call(file)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "score  photo"
    assert lines[1].startswith("    -  /broken.jpg: damaged caf")
    assert lines[2].startswith(" 90.0  /good.jpg  [banding 70%]")
    assert result.stderr == "4 photos; tiny 2, common view\n"


def test_filters_combine(file):
    assert shown(file) == ["/broken.jpg", "/good.jpg", "/noisy.jpg", "/x"]
    assert shown(file, "--below", 55) == ["/noisy.jpg"]
    assert shown(file, "--above", 55) == ["/good.jpg", "/x"]
    assert shown(file, "--below", 60, "--above", 30) == ["/x"]
    assert shown(file, "--defect", "noise") == ["/noisy.jpg"]
    assert shown(file, "--failed") == ["/broken.jpg"]
    assert shown(file, "--failed", "--below", 50) == []
    assert shown(file, "--sort", "score") == ["/noisy.jpg", "/x", "/good.jpg", "/broken.jpg"]
    assert shown(file, "--sort", "time", "--reverse") == ["/x", "/broken.jpg", "/noisy.jpg", "/good.jpg"]


def test_missing_photos_can_be_removed_from_the_file(tmp_path):
    there = tmp_path / "there.jpg"
    there.touch()
    file = filled(tmp_path / "r.db", assessed(str(there)), assessed("/gone.jpg"), failed("/gone.png"))
    assert shown(file, "--missing") == ["/gone.jpg", "/gone.png"]
    result = call(file, "--missing", "--failed", "--prune", "--format", "paths")
    assert result.stdout == "/gone.png\n"
    assert result.stderr == "removed 1 photo; tiny 2, common view\n"
    assert shown(file) == ["/gone.jpg", str(there)]
    assert there.exists()


def test_photos_that_cannot_be_looked_at_are_not_missing(tmp_path, monkeypatch):
    file = filled(tmp_path / "r.db", assessed("/closed/a.jpg"), assessed("/gone.jpg"), assessed("/closed/b.zip::c.jpg"))
    looked = os.lstat

    def denied(path, *_, **__):
        if str(path).startswith("/closed/"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return looked(path)

    assert sources.is_gone(f"/gone.zip::{'x' * 300}.jpg")
    monkeypatch.setattr(os, "lstat", denied)
    assert shown(file, "--missing") == ["/gone.jpg"]


def test_all_results_are_not_removed_by_accident(file):
    result = call(file, "--prune")
    assert result.exit_code == Exit.STOPPED
    assert result.stderr == "noref: --prune needs a filter, such as --missing; to remove all results, delete the file\n"
    assert len(shown(file)) == 4


def test_nothing_is_removed_from_a_file_that_does_not_exist(tmp_path):
    result = call(tmp_path / "r.db", "--missing", "--prune")
    assert result.exit_code == Exit.STOPPED
    assert "r.db: no such file" in result.stderr
    assert not [*tmp_path.iterdir()]


def test_photos_are_looked_up_for_missing_only(file, monkeypatch):
    monkeypatch.setattr(sources, "is_gone", pytest.fail)
    assert len(shown(file)) == 4


def test_nothing_is_removed_while_a_run_writes(file):
    with Store(file, "w"):
        result = call(file, "--failed", "--prune")
    assert result.exit_code == Exit.STOPPED
    assert "another run of noref is writing to it" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="names that are not text are a matter of POSIX")
def test_paths_are_exact_bytes_for_xargs(tmp_path):
    names = [b"/a b.jpg", b"/new\nline.jpg", b"/caf\xe9.jpg"]
    file = filled(tmp_path / "r.db", *(assessed(os.fsdecode(name), 20) for name in names))
    command = [sys.executable, "-m", "noref.cli", "results", file, "--below", "30", "--format", "paths"]
    null = subprocess.run([*command, "--null"], capture_output=True, check=True).stdout
    assert null == b"".join(name + b"\0" for name in names)
    assert subprocess.run(command, capture_output=True, check=True).stdout == null.replace(b"\0", b"\n")


@pytest.mark.parametrize("score", ["nan", "-1", "101"])
def test_a_score_lies_within_the_scale(file, score):
    assert call(file, "--below", score).exit_code == 2


def test_null_is_for_paths(file):
    assert call(file, "--null").stderr == "noref: --null needs --format paths\n"


def test_json_lines_and_csv_have_the_result_and_the_file(file):
    rows = [json.loads(line) for line in call(file, "--format", "jsonl").stdout.splitlines()]
    with Store(file) as store:
        records = list(store.records())
    for row, record in zip(rows, records, strict=True):
        if record.assessment is not None:
            assert record.assessment.to_dict().items() <= row.items()
        assert row["bytes"] == 123
        assert row["modified"] == 10**18 + 1
        assert row["digest"] == "cd" * 32
        assert row["scored"] == record.scored.isoformat()
        assert (row["model_sha256"], row["view"], row["exact"]) == record.settings
    assert rows[0]["error"] == {"kind": "DamagedImage", "cause": "damaged caf\\udce9", "cure": "copy it again"}
    table = list(csv.DictReader(call(file, "--format", "csv").stdout.splitlines()))
    assert [row["score"] for row in table] == ["", "90.0", "20.0", "55.0"]
    assert float(table[1]["low"]) == records[1].assessment.interval[0]
    assert table[0]["error"].startswith(f"{DamagedImage.__name__}: damaged")
    assert table[0]["modified"] == str(10**18 + 1)


def test_csv_has_a_header_if_nothing_is_found(file):
    assert call(file, "--below", 1, "--format", "csv").stdout.startswith("image,score,low,high")


def test_parquet_has_typed_columns(file, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    target = tmp_path / "r.parquet"
    with target.open("wb") as stream:
        command = [sys.executable, "-m", "noref.cli", "results", file, "--format", "parquet"]
        subprocess.run(command, stdout=stream, check=True)
    rows = parquet.read_table(target).to_pylist()
    assert [row["score"] for row in rows] == [None, 90, 20, 55]
    assert rows[0]["error_kind"] == "DamagedImage"
    assert rows[2]["noise_probability"] == 0.9
    assert rows[2]["banding_level"] is None
    assert rows[2]["warnings"] == ["odd"]
    assert rows[1]["modified"].value == 10**18 + 1
    with Store(file) as store:
        assert [row["scored"] for row in rows] == [record.scored for record in store.records()]


def test_parquet_without_its_extra_names_the_command(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "noref.exports.parquet", raising=False)
    result = call(file, "--format", "parquet")
    assert result.exit_code == Exit.STOPPED
    assert result.stderr == "noref: --format parquet needs pyarrow; pip install 'noref[parquet]'\n"


def test_a_missing_module_of_noref_is_a_bug(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "noref.exports.parquet", None)
    monkeypatch.delattr(exports, "parquet", raising=False)
    assert isinstance(call(file, "--format", "parquet").exception, ModuleNotFoundError)


def test_several_settings_are_listed_and_chosen(file):
    with Store(file, "w") as store:
        native = store.use(CARD, "native", True)
        store.write(assessed("/native.jpg", view=native.view, exact=native.exact))
    result = call(file, "--format", "paths")
    assert result.stdout == "/native.jpg\n"
    assert result.stderr == "1 photo; settings in the file: 1: tiny 2, native view, exact; 2: tiny 2, common view\n"
    assert len(shown(file, "--settings", 2)) == 4
    assert "there are no settings 3; settings in the file: 1:" in call(file, "--settings", 3).stderr


def test_an_unknown_defect_lists_those_of_the_model(file):
    result = call(file, "--defect", "nose")
    assert result.exit_code == Exit.STOPPED
    assert result.stderr == "noref: tiny 2 predicts no defect 'nose'; its defects: noise, banding\n"


def test_files_without_results_are_explained(save, tmp_path):
    assert "r.db: no such file; write one with `noref score PHOTOS --out" in call(tmp_path / "r.db").stderr
    assert "photo.jpg: file is not a database; choose" in call(save("photo.jpg", b"no database" * 100)).stderr
    with Store(tmp_path / "r.db", "w"):
        pass
    cure = f"write some with `noref score PHOTOS --out {tmp_path / 'r.db'}`"
    assert call(tmp_path / "r.db").stderr.endswith(f"it holds no results yet; {cure}\n")


def test_the_errors_of_a_file_are_public():
    assert issubclass(noref.StoreError, noref.NorefError)
