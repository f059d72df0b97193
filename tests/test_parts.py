"""Folders of Parquet parts: what other tools read, rows that were replaced, damage, folders of other files."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from noref import StoreError
from noref.cli import Exit
from noref.cli.app import app
from noref.store import Store, arrow, holds_results, opened
from noref.store import parts as parts_module
from noref.store.parts import Parts
from test_store import CARD, SETTINGS, assessed, failed, filled, paths


def parts(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_any_tool_reads_the_parts_as_plain_columns(tmp_path):
    folder = filled(tmp_path / "r", assessed("/a", 10), failed("/b"))
    table = pq.read_table(folder)
    assert dict(zip(table["image"].to_pylist(), table["score"].to_pylist(), strict=True)) == {"/a": 10, "/b": None}
    exported = arrow.schema(CARD.defects)
    assert table.schema.names[: len(exported)] == exported.names
    assert table["noise_probability"].to_pylist() == [0.1, None]
    assert table["map"].to_pylist()[0][0] == 0
    assert [table[name].to_pylist()[0] for name in ("map_width", "map_height")] == [4, 3]


@pytest.mark.parametrize("library", ["pandas", "polars", "duckdb"])
def test_libraries_of_tables_read_the_parts(tmp_path, library):
    tables = pytest.importorskip(library)
    folder = filled(tmp_path / "r", assessed("/a", 10), assessed("/b", 60))
    if library == "duckdb":
        assert tables.sql(f"SELECT image FROM '{folder}/*.parquet' WHERE score < 50").fetchall() == [("/a",)]
    else:
        read = tables.read_parquet(folder if library == "pandas" else f"{folder}/*.parquet")
        assert sorted(read["score"]) == [10, 60]


def test_many_rows_and_parts_are_read_in_order_with_their_own_pictures(tmp_path):
    records = [assessed(f"/{number:04d}", number % 7, thumbnail=b"%d" % number) for number in range(700)]
    with Parts(tmp_path / "r", "w") as store:
        store.use(CARD, "common", False)
        for half in (records[1::2], records[::2]):
            store.append(arrow.table(half, arrow.full_schema(CARD.defects)), SETTINGS)
        assert [record.thumbnail for record in store.records()] == [b"%d" % number for number in range(700)]
    with opened(tmp_path / "r") as store:
        worst = list(store.records(below=1, sort="score", reverse=True))
    assert len(worst) == 100
    assert all(record.thumbnail == str(int(record.path[1:])).encode() for record in worst)


def test_replaced_rows_are_removed_from_the_parts_at_the_end(tmp_path):
    folder = filled(tmp_path / "r", assessed("/a", 10), failed("/b"), assessed("/c", 30))
    with Parts(folder, "w") as store:
        store.append(arrow.table([assessed("/b", 20), assessed("/c", 40)], arrow.full_schema(CARD.defects)), SETTINGS)
        assert len(store) == 3
        assert pq.read_table(folder).num_rows == 5
        before = [record.path for record in store.records()]
    assert pq.read_table(folder).num_rows == 3
    assert paths(folder) == before == ["/a", "/b", "/c"]


def test_small_parts_are_joined_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(parts_module, "ROWS", 3)
    records = [assessed(f"/{number}", number) for number in range(7)]
    folder = filled(tmp_path / "r", *records)
    assert [pq.read_metadata(part).num_rows for part in parts(folder)] == [3, 3, 1]
    assert [record.assessment.score for record in opened(folder).records()] == list(range(7))
    before = [part.read_bytes() for part in parts(folder)]
    filled(folder)
    assert [part.read_bytes() for part in parts(folder)] == before


def test_an_interrupted_join_leaves_every_row_once(tmp_path, monkeypatch):
    folder = filled(tmp_path / "r", assessed("/a", 1), assessed("/b", 2))
    (part,) = parts(folder)
    copy = part.with_name(part.name.replace("-0", "-1"))  # as if the parts that were joined were still there
    copy.write_bytes(part.read_bytes())
    with opened(folder) as store:
        assert len(store) == 2
        assert [record.path for record in store.records()] == ["/a", "/b"]
    filled(folder, assessed("/c"))
    assert pq.read_table(folder)["image"].to_pylist() == ["/a", "/b", "/c"]


def test_a_photo_that_is_too_new_for_the_filters_hides_its_earlier_row(tmp_path):
    with Parts(filled(tmp_path / "r", assessed("/a", 10)), "w") as store:
        store.write(assessed("/a", 90))
        assert list(store.records(below=50)) == []


def test_drafts_of_a_killed_process_are_removed(tmp_path):
    folder = filled(tmp_path / "r", assessed("/a"))
    (folder / ".0123.draft").write_bytes(b"half a part")
    assert paths(folder) == ["/a"]
    Parts(folder, "w").close()
    assert not (folder / ".0123.draft").exists()


def test_a_failed_write_leaves_no_draft_and_keeps_the_parts(tmp_path, monkeypatch):
    folder = filled(tmp_path / "r", assessed("/a"))
    with Parts(folder, "w") as store:
        monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(StoreError, match="No space left on device; everything written before is kept; make room"):
            store.write(assessed("/b"))
        monkeypatch.undo()
    assert paths(folder) == ["/a"]
    assert all(each.suffix == ".parquet" for each in parts(folder))


def test_the_settings_used_last_are_those_of_the_next_reader(tmp_path):
    folder = filled(tmp_path / "r", assessed("/a"))
    with Parts(folder, "w") as store:
        native = store.use(CARD, "native", False)
        assert store.settings() == [native, SETTINGS]
        assert len(store) == 0
        store.use(CARD, "common", False)
        assert store.settings() == [SETTINGS, native]


def test_a_damaged_part_is_named_with_the_cure(tmp_path):
    folder = filled(tmp_path / "r", assessed("/a"), assessed("/b"))
    damaged = parts(folder)[-1]
    damaged.write_bytes(damaged.read_bytes()[:-200])
    with pytest.raises(StoreError, match=rf"{damaged.name}: .*; remove it and run the same command again"):
        paths(folder)


def test_only_parts_make_a_folder_of_results(tmp_path):
    assert holds_results(filled(tmp_path / "r", assessed("/a")))
    assert not holds_results(tmp_path / "none")
    (tmp_path / "part-00000-1f3b.snappy.parquet").touch()  # as Spark names its files
    assert not holds_results(tmp_path)


def test_parts_of_others_or_of_a_later_version_are_refused(tmp_path):
    folder = filled(tmp_path / "r", assessed("/a"))
    (part, *_) = parts(folder)
    pq.write_table(pa.table({"image": ["/a"]}), part)
    with pytest.raises(StoreError, match="noref did not write it; remove it from the folder"):
        paths(folder)
    pq.write_table(pa.table({"image": ["/a"]}).replace_schema_metadata({"noref": json.dumps({"version": 99})}), part)
    with pytest.raises(StoreError, match=r"a later version of noref wrote it \(version 99\); update noref"):
        paths(folder)


def test_folders_of_other_files_are_refused_and_not_touched(save):
    folder = save("photos/a.jpg", b"a photo").parent
    with pytest.raises(StoreError, match="photos: it holds other files; choose a new or empty folder"):
        Parts(folder, "w")
    with pytest.raises(StoreError, match="photos: a folder without results; write some with"):
        opened(folder)
    assert [path.name for path in folder.iterdir()] == ["a.jpg"]
    with pytest.raises(StoreError, match=r"a\.jpg: .*; choose a new folder"):
        Parts(folder / "a.jpg", "w")


def test_a_folder_without_pyarrow_names_the_command(tmp_path, monkeypatch):
    folder = filled(tmp_path / "r", assessed("/a"))
    monkeypatch.setitem(__import__("sys").modules, "noref.store.parts", None)
    with pytest.raises(StoreError, match=r"a folder of results needs noref\.store\.parts|needs pyarrow; pip install"):
        opened(folder)


def test_a_reader_is_not_misled_by_parts_that_change_meanwhile(tmp_path):
    folder = filled(tmp_path / "r", *(assessed(f"/{number}") for number in range(3)))
    with Parts(folder, "w") as store:
        store.append(arrow.table([assessed(f"/{n}") for n in range(3, 600)], arrow.full_schema(CARD.defects)), SETTINGS)
    with opened(folder) as reader:
        records = reader.records()
        next(records)
        with opened(folder, "w") as writer:
            writer.remove([f"/{number}" for number in range(3, 600, 2)], SETTINGS)
        with pytest.raises(StoreError, match="it was changed while it was read; run the command again"):
            list(records)


@pytest.mark.parametrize("read", [lambda store: list(store.records()), lambda store: store.finished(SETTINGS)])
def test_a_part_that_changes_after_its_rows_were_chosen_is_an_error(tmp_path, monkeypatch, read):
    folder = filled(tmp_path / "r", assessed("/a"), assessed("/b"))
    with opened(folder) as reader:
        chosen = reader._current(SETTINGS)
        monkeypatch.setattr(reader, "_current", lambda _: chosen)
        with opened(folder, "w") as writer:
            writer.remove(["/a"], SETTINGS)
        with pytest.raises(StoreError, match="it was changed while it was read; run the command again"):
            read(reader)


def test_commands_and_reports_read_a_folder_as_they_read_a_file(tmp_path):
    records = [assessed("/a", 10, noise=0.9, thumbnail=None), failed("/b"), assessed("/c", 90)]
    file, folder = filled(tmp_path / "r.db", *records), filled(tmp_path / "r", *records)
    pages = []
    for place in (file, folder):
        page = tmp_path / f"{place.stem}.html"
        assert CliRunner().invoke(app, ["report", str(place), str(page)]).exit_code == Exit.OK
        pages.append(page.read_bytes())
        page.unlink()
    assert pages[0] == pages[1]
    labels = tmp_path / "labels.csv"
    labels.write_text("/a,reject\n/c,keep\n")
    for command in (["results"], ["results", "--format", "jsonl"], ["results", "--format", "csv", "--defect", "noise"]):
        one, other = (CliRunner().invoke(app, [command[0], str(place), *command[1:]]) for place in (file, folder))
        assert (one.exit_code, one.stdout, one.stderr) == (other.exit_code, other.stdout, other.stderr)
    one, other = (CliRunner().invoke(app, ["threshold", str(place), str(labels)]) for place in (file, folder))
    assert one.exit_code == Exit.OK
    assert (one.stdout, one.stderr) == (other.stdout, other.stderr)


def test_results_of_a_folder_can_be_pruned(tmp_path):
    folder = filled(tmp_path / "r", assessed("/a", 10), assessed("/b", 90))
    assert CliRunner().invoke(app, ["results", str(folder), "--below", "50", "--prune"]).exit_code == Exit.OK
    assert paths(folder) == ["/b"]
    assert isinstance(opened(folder), Parts)
    assert isinstance(opened(filled(tmp_path / "r.db")), Store)
