"""Work in a child process: results, errors and crashes."""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="children are limited on POSIX only")

from noref.isolation import CrashError, Isolated


def doubling(log: str = os.devnull):
    """A function that notes its argument, and kills its process at 13."""

    def double(number: int) -> int:
        with open(log, "a") as file:
            file.write(f"{number} {os.getpid()}\n")
        if number == 13:
            os.kill(os.getpid(), signal.SIGSEGV)
        return 2 * number

    return double


def allocating():
    return lambda size: len(bytearray(size))


def failing():
    raise FileNotFoundError("no such model")


def raising():
    """A function that raises what it is given."""

    def work(error: Exception):
        raise error

    return work


def unreachable():
    raise ConnectionRefusedError("no server")


def ending():
    os._exit(7)


@pytest.fixture
def isolated():
    """Starts children, and ends them after the test."""
    started = []

    def start(*arguments):
        started.append(Isolated(*arguments))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_results_come_from_another_process(isolated, tmp_path):
    work = isolated(functools.partial(doubling, str(tmp_path / "log")))
    assert [work(number) for number in (1, 2)] == [2, 4]
    processes = {line.split()[1] for line in (tmp_path / "log").read_text().splitlines()}
    assert len(processes) == 1
    assert processes != {str(os.getpid())}


def test_a_crash_is_attempted_twice_and_named_and_the_next_source_is_worked_on(isolated, tmp_path):
    work = isolated(functools.partial(doubling, str(tmp_path / "log")))
    with pytest.raises(CrashError, match="signal SIGSEGV"):
        work(13)
    assert work(4) == 8
    attempts = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert [number for number, _ in attempts] == ["13", "13", "4"]
    assert len({process for _, process in attempts}) == 3


def vanishing(place: str):
    """As `doubling`, as long as there is a file."""
    if not os.path.exists(place):
        os._exit(7)
    return doubling()


def test_a_child_that_cannot_start_again_is_a_crash_until_it_can(isolated, tmp_path):
    place = tmp_path / "file"
    place.touch()
    work = isolated(functools.partial(vanishing, str(place)))
    place.unlink()
    for _ in range(3):
        with pytest.raises(CrashError):
            work(13)
    place.touch()
    assert work(4) == 8


def test_errors_are_raised_here(isolated):
    work = isolated(doubling)
    with pytest.raises(TypeError):
        work(None)
    assert work(1) == 2
    with pytest.raises(FileNotFoundError, match="no such model"):
        Isolated(failing)
    with pytest.raises(CrashError, match="exit code 7"):
        Isolated(ending)


@pytest.mark.parametrize("error", [EOFError("no more data"), ConnectionResetError("no server")])
def test_errors_that_a_broken_pipe_raises_as_well_are_those_of_the_function(isolated, error):
    with pytest.raises(type(error), match=str(error)):
        isolated(raising)(error)
    with pytest.raises(ConnectionRefusedError, match="no server"):
        Isolated(unreachable)


def test_memory_is_limited(isolated):
    work = isolated(allocating, 256 * 2**20)
    assert work(2**20) == 2**20
    with pytest.raises(MemoryError):
        work(2**30)


KILLED_PARENT = """
import functools, os, signal, sys
from noref.isolation import Isolated
from test_isolation import doubling
Isolated(functools.partial(doubling, sys.argv[1]))(1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_child_ends_with_its_parent(tmp_path):
    log = tmp_path / "log"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", KILLED_PARENT, log], env=environment, check=False)
    state = Path("/proc", log.read_text().split()[1], "stat")
    deadline = time.monotonic() + 20
    while state.exists() and state.read_text().split()[2] != "Z":  # a zombie has ended
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.05)
