"""Finding pictures and running through them."""

import io
import os
import threading
import time

import pytest

from noref import EmptyImage, batch


def test_find_keeps_names_and_places(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt", ".c.png", "sub/d.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = list(batch.find([str(tmp_path), "-", str(tmp_path / "notes.txt")], io.StringIO("x/y.jpg\n\n")))
    names = [f"{tmp_path}/a.png", f"{tmp_path}/b.JPG", f"{tmp_path}/sub/d.gif", "x/y.jpg", f"{tmp_path}/notes.txt"]
    assert [name for name, _ in found] == names
    assert [place.as_posix() for _, place in found] == ["a.png", "b.JPG", "sub/d.gif", "y.jpg", "notes.txt"]


def test_a_folder_that_may_not_be_read_is_not_passed_over(tmp_path, monkeypatch):
    for name in ("a.png", "closed/b.png", "open/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    listed = os.scandir

    def guarded(path):
        if os.path.basename(path) == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", guarded)
    names = [os.path.relpath(name, tmp_path) for name, _ in batch.find([str(tmp_path)], io.StringIO())]
    assert names == ["a.png", "open/c.png", "closed"]
    assert [name for name, _ in batch.find([str(tmp_path / "closed")], io.StringIO())] == [str(tmp_path / "closed")]


@pytest.mark.parametrize("jobs", [1, 3])
def test_run_keeps_order_and_yields_image_errors(jobs):
    def work(number: int) -> int:
        if number % 4 == 3:
            raise EmptyImage(str(number), "empty", "fill it")
        return number * number

    results = list(batch.run(work, range(20), jobs))
    assert [r if isinstance(r, int) else r.name for r in results] == [str(n) if n % 4 == 3 else n * n for n in range(20)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_run_lets_other_errors_through(jobs):
    with pytest.raises(ZeroDivisionError):
        list(batch.run(lambda number: 1 // number, [1, 0, 1], jobs))


def test_what_is_not_a_photo_is_not_searched(tmp_path):
    for name in ("a.png", ".trash/b.png", "._a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "lost.png").symlink_to(tmp_path / "gone.png")  # its error comes when it is read
    (tmp_path / "elsewhere").symlink_to(tmp_path / ".trash")
    found = [os.path.relpath(path, tmp_path) for path in batch.pictures_below(tmp_path)]
    assert found == ["a.png", "lost.png"]


def test_results_do_not_wait_for_more_sources_than_they_must():
    taken = []

    def slow():
        for number in range(30):
            taken.append(number)
            time.sleep(0.05)
            yield number

    results = batch.run(str, slow(), 8)
    assert next(results) == "0"
    assert len(taken) < 8
    results.close()


def test_run_looks_ahead_by_a_few_only():
    taken = []

    def sources():
        for number in range(1000):
            taken.append(number)
            yield number

    results = batch.run(str, sources(), 2)
    next(results)
    assert len(taken) <= 5
    results.close()


def test_an_abandoned_run_is_cleared_away_without_waiting():
    opened = threading.Event()
    results = batch.run(lambda number: number if not number else opened.wait(60), range(20), 2)
    assert next(results) == 0
    clearing = threading.Thread(target=results.close)
    clearing.start()
    clearing.join(20)
    stuck = clearing.is_alive()
    opened.set()
    assert not stuck
