"""Drafts: a file appears when it is complete, and never otherwise."""

import contextlib
import errno
import os
import subprocess
import sys
import threading

import pytest

from noref import drafts
from noref.drafts import draft


def test_the_file_appears_at_the_end(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    with draft(path) as file:
        assert (file.parent, file.name[0]) == (tmp_path, ".")
        file.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["scores.csv"]


@pytest.mark.skipif(os.name == "nt", reason="needs permissions and links")
def test_permissions_and_links_are_kept(tmp_path):
    path, link = tmp_path / "private.html", tmp_path / "latest.html"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to("private.html")
    with draft(link) as file:
        file.write_text("new")
        assert file.stat().st_mode & 0o777 == 0o600  # private while it is written
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_alone(tmp_path, error):
    path = tmp_path / "scores.csv"
    path.write_text("old")

    def write():
        with draft(path) as file:
            file.write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["scores.csv"]


def test_unfinished_files_of_other_threads_can_be_discarded(tmp_path):
    begun, go_on = threading.Event(), threading.Event()

    def write():
        with contextlib.suppress(FileNotFoundError), draft(tmp_path / "map.png") as file:
            file.write_text("half")
            begun.set()
            go_on.wait(60)

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(60)
    assert len(os.listdir(tmp_path)) == 1
    drafts.discard()
    assert os.listdir(tmp_path) == []
    go_on.set()
    thread.join()
    assert os.listdir(tmp_path) == []


def test_an_interrupted_command_leaves_no_unfinished_file(tmp_path):
    script = """
import sys
from pathlib import Path
from noref import drafts
from noref.cli import app
def interrupted(): sys.exit(130)
app.app = interrupted
with drafts.draft(Path(sys.argv[1])) as file:  # as another thread would hold it
    file.touch()
    app.main()
"""
    assert subprocess.run([sys.executable, "-c", script, tmp_path / "map.png"], check=False).returncode == 130
    assert os.listdir(tmp_path) == []


def test_errors_name_the_file_and_not_its_draft(tmp_path):
    path = tmp_path / "missing" / "scores.csv"
    with pytest.raises(FileNotFoundError) as caught, draft(path) as file:
        file.write_text("new")
    assert caught.value.filename == str(path)
    with pytest.raises(OSError, match="No space left") as caught, draft(tmp_path / "scores.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(tmp_path / "scores.csv")


def test_errors_of_other_files_stay(tmp_path):
    with pytest.raises(FileNotFoundError, match="photo"), draft(tmp_path / "scores.csv"):
        (tmp_path / "photo.jpg").read_bytes()
