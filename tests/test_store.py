"""Results files: what is written is read back; filters, orders, locking, versions, foreign files."""

import dataclasses
import json
import math
import os
import sqlite3
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from noref import Assessment, Defect, ModelCard, StoreError
from noref.errors import DamagedImage, ImageError, InternalError
from noref.store import Failure, Record, Settings, Store, opened, schema
from noref.store.parts import Parts

NAMES = [b"/caf\xe9.jpg", "/é.jpg".encode(), b"/new\nline", "/\U0001f600".encode()]
TEXTS = dict.fromkeys(("description", "licence", "scale", "training_data", "origin", "policy"), "none")
CARD = ModelCard("tiny", "2", shortest=4, defects=("noise", "banding"), sha256="ab" * 32, **TEXTS)
SETTINGS = Settings(CARD.sha256, "common", False)


def assessed(path: str, score: float = 50.0, noise: float = 0.1, **changes: object) -> Record:
    """A record whose figures need all their digits."""
    quality = np.linspace(-5, 105, 12, dtype=np.float32).reshape(3, 4)
    defects = {"noise": Defect(noise, 1 / 3), "banding": Defect(np.float32(0.7).item(), math.nan)}
    found = Assessment(path, score, quality, CARD.label, "shrunk", (640, 480), ("odd",), defects, (score - 0.1, score + 0.1))
    return dataclasses.replace(failed(path), **{"assessment": found, "failure": None, **changes})


def failed(path: str) -> Record:
    failure = Failure("DamagedImage", "damaged caf\udce9", "copy it again")
    return Record(path, None, failure, 123, 10**18 + 1, "cd" * 32, None, datetime.now(timezone.utc), *SETTINGS)


FORMS = {"r.db": Store, "r": Parts}
"""Names of files and folders of results."""


@pytest.fixture(params=FORMS)
def place(request, tmp_path) -> Path:
    """Where results are to be written: a file or a folder."""
    return tmp_path / request.param


def writing(path: Path) -> Store | Parts:
    return FORMS.get(path.name, Store)(path, "w")


def filled(path: Path, *records: Record) -> Path:
    with writing(path) as store:
        store.use(CARD, "common", False)
        for record in records:
            store.write(record)
    return path


def paths(file: Path, **filters: object) -> list[str]:
    with opened(file) as store:
        return [record.path for record in store.records(**filters)]


def test_a_record_is_read_back_exactly(place):
    written = assessed("/photos/a.jpg", 100 / 3, thumbnail=b"JPEG")
    with opened(filled(place, written)) as store:
        (read,) = store.records()
    names = [each.name for each in dataclasses.fields(Record) if each.name != "assessment"]
    assert [getattr(read, name) for name in names] == [getattr(written, name) for name in names]
    assert read.assessment.to_dict() == written.assessment.to_dict()
    assert list(read.assessment.defects) == ["noise", "banding"]
    assert read.assessment.map.dtype == np.float32
    assert np.abs(read.assessment.map - written.assessment.map.clip(0, 100)).max() <= 100 / 255 / 2 + 1e-4


def test_warnings_keep_the_bytes_of_names(tmp_path):
    found = dataclasses.replace(assessed("/a").assessment, warnings=("its map could not be written to caf\udce9.png", "dark"))
    with Store(filled(tmp_path / "r.db", assessed("/a", assessment=found))) as store:
        (read,) = store.records()
    assert read.assessment.warnings == found.warnings


def test_without_pictures_maps_and_thumbnails_are_left_out(place):
    with opened(filled(place, assessed("/a", thumbnail=b"JPEG"))) as store:
        (read,) = store.records(pictures=False)
    assert read.assessment.map.shape == (0, 0)
    assert read.thumbnail is None


def test_what_the_model_does_not_predict_is_nan_again(place):
    found = Assessment("/a", math.nan, np.empty((0, 0), np.float32), CARD.label, "none", (4, 4))
    record = dataclasses.replace(assessed("/a"), assessment=found)
    with opened(filled(place, record)) as store:
        (read,) = store.records()
    assert read.assessment.to_dict() == found.to_dict()
    assert read.assessment.map.shape == (0, 0)


def test_a_failure_is_read_back_as_its_error(place):
    with opened(filled(place, failed("/b.jpg"))) as store:
        (read,) = store.records()
    assert read.assessment is None
    assert read.failure == Failure("DamagedImage", "damaged caf\\udce9", "copy it again")  # as text that SQL tools can show
    assert type(read.result) is DamagedImage
    assert read.result.name == "/b.jpg"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("InternalError", InternalError),
        *((name, ImageError) for name in ("ErrorOfLater", "ModelError", "NorefError", "traceback")),
    ],
)
def test_every_kind_of_failure_becomes_an_error(kind, expected):
    assert type(Failure(kind, "cause", "cure").error("a")) is expected


@pytest.mark.skipif(os.name != "posix", reason="names that are not text are a matter of POSIX")
def test_names_keep_their_bytes(place):
    file = filled(place, *(assessed(os.fsdecode(name)) for name in NAMES))
    assert sorted(map(os.fsencode, paths(file))) == sorted(NAMES)


@pytest.mark.skipif(os.name != "posix", reason="names that are not text are a matter of POSIX")
def test_names_are_text_wherever_they_can_be(tmp_path):
    file = filled(tmp_path / "r.db", *(assessed(os.fsdecode(name)) for name in NAMES))
    database = sqlite3.connect(file)
    kinds = dict(database.execute("SELECT typeof(path), COUNT(*) FROM results GROUP BY 1"))
    database.close()
    assert kinds == {"text": 3, "blob": 1}


def test_a_photo_scored_again_replaces_its_result(place):
    file = filled(place, assessed("/a", 10, thumbnail=b"JPEG"), failed("/b"), assessed("/a", 20), assessed("/b", 30))
    with opened(file) as store:
        assert [(record.path, record.assessment.score, record.thumbnail) for record in store.records()] == [
            ("/a", 20, None),
            ("/b", 30, None),
        ]
        assert len(store) == 2


def test_a_replaced_result_leaves_nothing_behind(tmp_path):
    file = filled(tmp_path / "r.db", assessed("/a", thumbnail=b"JPEG"), failed("/b"), assessed("/a"), assessed("/b"))
    database = sqlite3.connect(file)
    assert database.execute("SELECT COUNT(*) FROM defects").fetchone() == (4,)
    assert database.execute("SELECT COUNT(*) FROM pictures").fetchone() == (2,)
    database.close()


def test_filters_and_orders(place):
    file = filled(place, assessed("/c", 10), assessed("/a", 30, noise=0.5), failed("/d"), assessed("/b", 20))
    assert paths(file) == ["/a", "/b", "/c", "/d"]
    assert paths(file, below=20) == ["/c"]
    assert paths(file, above=20) == ["/a", "/b"]
    assert paths(file, below=30, above=20) == ["/b"]
    assert paths(file, defect="noise") == ["/a"]
    assert paths(file, defect="unknown") == []
    assert paths(file, failed=True) == ["/d"]
    assert paths(file, failed=False) == ["/a", "/b", "/c"]
    assert paths(file, sort="score") == ["/c", "/b", "/a", "/d"]
    assert paths(file, sort="score", reverse=True) == ["/a", "/b", "/c", "/d"]
    assert paths(file, sort="time") == ["/c", "/a", "/d", "/b"]


def test_results_under_other_settings_are_kept_apart(place):
    with writing(place) as store:
        common, native = store.use(CARD, "common", False), store.use(CARD, "native", False)
        store.write(assessed("/b"))
        for settings, score in ((common, 10.0), (native, 20.0)):
            store.write(assessed("/a", score, model_sha256=settings.model_sha256, view=settings.view))
        assert store.settings() == [native, common]
        assert len(store) == 1
        assert [record.assessment.score for record in store.records()] == [20]
        assert [record.assessment.score for record in store.records(settings=common)] == [10, 50]
        store.use(CARD, "common", False)
        assert len(store) == 2
        with pytest.raises(ValueError, match="no results under"):
            store.records(settings=Settings("ef" * 32, "common", False))
        with pytest.raises(ValueError, match="no results under"):
            store.write(assessed("/c", exact=True))


def test_the_state_depends_on_size_time_version_settings_and_thumbnail(tmp_path):
    records = assessed("/a"), failed("/b"), assessed("/c", thumbnail=b"JPEG"), assessed("/d", version="etag")
    with Store(filled(tmp_path / "r.db", *records), "w") as store:
        native = store.use(CARD, "native", False)
        assert store.state("/a", 123, 10**18 + 1, SETTINGS) == "scored"
        assert store.state("/b", 123, 10**18 + 1, SETTINGS) == "failed"
        assert store.state("/a", 124, 10**18 + 1, SETTINGS) == ""
        assert store.state("/a", 123, 10**18, SETTINGS) == ""
        assert store.state("/a", 123, 10**18 + 1, SETTINGS, version="etag") == ""
        assert store.state("/d", 123, 10**18 + 1, SETTINGS, version="etag") == "scored"
        assert store.state("/a", 123, 10**18 + 1, native) == ""
        assert store.state("/a", 123, 10**18 + 1, SETTINGS, thumbnail=True) == ""
        assert store.state("/b", 123, 10**18 + 1, SETTINGS, thumbnail=True) == "failed"
        assert store.state("/c", 123, 10**18 + 1, SETTINGS, thumbnail=True) == "scored"


def test_results_can_be_removed(place):
    file = filled(place, assessed("/a"), assessed("/b"), failed("/c"))
    with opened(file, "w") as store:
        store.remove(["/a", "/c", "/unknown"], SETTINGS)
    assert paths(file) == ["/b"]


def test_removed_results_leave_nothing_behind(tmp_path):
    file = filled(tmp_path / "r.db", assessed("/a"), assessed("/b"), failed("/c"))
    with Store(file, "w") as store:
        store.remove(["/a", "/c", "/unknown"], SETTINGS)
    database = sqlite3.connect(file)
    assert database.execute("SELECT COUNT(*) FROM pictures").fetchone() == (1,)
    assert database.execute("SELECT DISTINCT result FROM defects").fetchall() == [(2,)]
    database.close()


def test_the_cards_of_the_models_are_kept(place):
    with opened(filled(place)) as store:
        assert store.cards() == {CARD.sha256: json.loads(json.dumps(dataclasses.asdict(CARD)))}


def test_one_writes_and_others_read_meanwhile(place):
    file = place
    with writing(file) as store:
        store.use(CARD, "common", False)
        with pytest.raises(StoreError, match=r"another run of noref is writing to it; wait until that has ended"):
            writing(file)
        for number in range(3):
            store.write(assessed(f"/{number}"))
            assert len(paths(file)) == number + 1
    filled(file)
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert list(file.glob(".*")) == []


def test_closing_twice_leaves_the_next_writer_alone(place):
    first = writing(place)
    first.close()
    with writing(place):
        first.close()
        with pytest.raises(StoreError, match="another run of noref is writing to it"):
            writing(place)


def test_results_are_removed_while_they_are_read(place):
    with writing(filled(place, assessed("/a"), failed("/b"), failed("/c"))) as store:
        store.remove((record.path for record in store.records(failed=True)), SETTINGS)
        assert [record.path for record in store.records()] == ["/a"]


def test_a_record_is_read_whole_though_another_process_writes(tmp_path):
    """Keys of removed results are used again: defects read later could be those of another photo."""
    with Store(tmp_path / "r.db", "w") as store, Store(tmp_path / "r.db") as reader:
        store.use(CARD, "common", False)
        for name in ("/a", "/b", "/c"):
            store.write(assessed(name, noise=0.9))
        records = reader.records()
        next(records)
        store.write(assessed("/b", 80.0, noise=0.2))
        store.remove(["/c"], SETTINGS)
        store.write(assessed("/d", noise=0.3))
        found = [(each.path, each.assessment.score, each.assessment.defects["noise"].probability) for each in records]
    assert found == [("/b", 50.0, 0.9), ("/c", 50.0, 0.9)]


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be moved")
def test_a_file_that_was_moved_or_removed_is_not_written(tmp_path):
    for number, change in enumerate((Path.unlink, lambda path: path.rename(tmp_path / "moved.db"))):
        path = tmp_path / f"{number}.db"
        with Store(path, "w") as store:
            store.use(CARD, "common", False)
            store.write(assessed("/a"))
            change(path)
            with pytest.raises(
                StoreError, match=rf"{number}\.db: it was moved or removed while it was being written; put it back"
            ):
                store.write(assessed("/b"))


def test_the_working_folder_may_change(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Store("r.db", "w") as store:
        store.use(CARD, "common", False)
        monkeypatch.chdir("/")
        store.write(assessed("/a"))
    assert paths(tmp_path / "r.db") == ["/a"]


def test_damage_has_its_own_cure(tmp_path):
    path = filled(tmp_path / "r.db", *(assessed(f"/{number}") for number in range(300)))
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"x" * (len(content) - 4096))
    with Store(path, "w") as store, pytest.raises(StoreError, match="malformed; copy it again, or score"):
        store.use(CARD, "common", False)


def test_a_file_that_may_not_be_read_is_named_with_its_cause(tmp_path, monkeypatch):
    path = filled(tmp_path / "r.db", assessed("/a"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    for mode in ("r", "w"):
        with pytest.raises(StoreError, match=r"r\.db: permission denied; correct its permissions"):
            Store(path, mode)


def test_a_closed_store_is_a_mistake_of_the_caller(tmp_path):
    store = Store(filled(tmp_path / "r.db", assessed("/a")))
    store.close()
    with pytest.raises(ValueError, match=r"r\.db: Cannot operate on a closed database"):
        list(store.records())


@pytest.mark.skipif(os.name != "posix", reason="elsewhere, an open file cannot be removed")
def test_a_lock_on_a_file_that_was_removed_meanwhile_does_not_count(tmp_path, monkeypatch):
    first, connect = schema.Lock(tmp_path / "r.db"), sqlite3.connect

    def connected(*arguments: object, **options: object) -> sqlite3.Connection:
        """Open the file, and have the first lock released before the new connection begins its transaction."""
        opened = connect(*arguments, **options)
        monkeypatch.undo()
        first.release()
        return opened

    monkeypatch.setattr(sqlite3, "connect", connected)
    second = schema.Lock(tmp_path / "r.db")
    with pytest.raises(StoreError, match="another run of noref is writing to it"):
        schema.Lock(tmp_path / "r.db")
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_what_was_written_before(tmp_path):
    with Store(tmp_path / "r.db", "w") as store:
        store.use(CARD, "common", False)
        store.write(assessed("/a"))
        with pytest.raises(StoreError, match="everything written before is kept; make room and run the same command again"):
            store.write(assessed("/b", digest=None))
        store.write(assessed("/c"))
    assert paths(tmp_path / "r.db") == ["/a", "/c"]


def test_a_new_file_has_no_records(place):
    with writing(place) as store:
        assert len(store) == 0
        assert list(store.records()) == []
        assert store.settings() == []


@pytest.mark.parametrize("mode", ["r", "w"])
def test_foreign_files_are_refused_and_not_touched(save, mode):
    photo = save("photo.jpg", b"\xff\xd8 no database" * 100)
    with pytest.raises(StoreError, match=r"photo\.jpg: file is not a database; choose"):
        Store(photo, mode)
    other = photo.with_name("other.db")
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE results (path)")
    database.close()
    before = other.read_bytes()
    cure = "choose a file that `noref score --out` wrote" + ("" if mode == "r" else ", or a new one")
    with pytest.raises(StoreError, match=rf"other\.db: it is not a results file; {cure}$"):
        Store(other, mode)
    assert other.read_bytes() == before
    assert sorted(path.name for path in photo.parent.iterdir()) == ["other.db", "photo.jpg"]


def test_a_file_of_the_first_version_is_read_and_extended(tmp_path):
    file = filled(tmp_path / "r.db", assessed("/a"))
    database = sqlite3.connect(file)
    database.executescript("ALTER TABLE results DROP COLUMN version; PRAGMA user_version = 1;")
    database.close()
    with Store(file) as store:
        assert [record.version for record in store.records()] == [""]
    with Store(file, "w") as store:
        assert store.state("/a", 123, 10**18 + 1, SETTINGS) == "scored"
        store.write(assessed("/b", version="etag"))
        assert [record.version for record in store.records()] == ["", "etag"]


def test_a_file_of_a_later_version_is_refused(tmp_path):
    file = filled(tmp_path / "r.db")
    database = sqlite3.connect(file)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreError, match=r"a later version of noref wrote it \(schema 99\); update noref"):
        Store(file)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(StoreError, match=r"r\.db: no such file; write one with `noref score PHOTOS --out"):
        Store(tmp_path / "r.db")
    with pytest.raises(StoreError, match=r"none/r\.db: unable to open database file; check the folder"):
        Store(tmp_path / "none" / "r.db", "w")
    with pytest.raises(StoreError, match="check the folder"):
        Store(tmp_path / ("r" * 300), "w")
    for mode in ("r", "w"):
        with pytest.raises(StoreError, match="a folder; give the name of a results file"):
            Store(tmp_path, mode)
        with pytest.raises(StoreError, match="a folder; give the name of a results file"):
            Store("/", mode)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_an_error_with_its_name(tmp_path):
    file = filled(tmp_path / "r.db", *(assessed(f"/{number}") for number in range(200)))
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"r\.db: database disk image is malformed; copy it again"):
        paths(file)
