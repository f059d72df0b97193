"""Runs over many sources: order, errors, bounds."""

import _thread
import queue
import signal
import subprocess
import sys
import threading
import time

import pytest

from noref import EmptyImage, InternalError, batch


@pytest.mark.parametrize("jobs", [1, 3])
def test_run_keeps_order_and_yields_image_errors(jobs):
    def work(number: int) -> int:
        if number % 4 == 3:
            raise EmptyImage(str(number), "empty", "fill it")
        return number * number

    results = list(batch.run(work, range(20), jobs))
    assert [r if isinstance(r, int) else r.name for r in results] == [str(n) if n % 4 == 3 else n * n for n in range(20)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_bug_becomes_an_internal_error_and_the_run_continues(jobs):
    first, second, third = batch.run(lambda number: 6 // number, [1, 0, 2], jobs, lambda number: f"photo {number}")
    assert (first, third) == (6, 3)
    assert isinstance(second, InternalError)
    assert second.name == "photo 0"
    assert "ZeroDivisionError" in second.cause
    assert "6 // number" in second.traceback


def test_ahead_lets_errors_of_the_work_through():
    results = batch.ahead(lambda number: 6 // number, [1, 0, 2], 2, 4)
    assert next(results) == 6
    with pytest.raises(ZeroDivisionError):
        next(results)


@pytest.mark.parametrize("jobs", [1, 3])
def test_finished_results_come_before_an_error_of_the_sources(jobs):
    def sources():
        yield from range(5)
        raise PermissionError("no more")

    results = batch.run(str, sources(), jobs)
    assert [next(results) for _ in range(5)] == list("01234")
    with pytest.raises(PermissionError, match="no more"):
        next(results)


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_cannot_be_iterated_over_is_an_error(jobs):
    with pytest.raises(TypeError, match="not iterable"):
        list(batch.run(str, 5, jobs))


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_result_does_not_wait_for_the_next_source(jobs):
    """Each source comes after the result of the one before was seen."""
    sources: queue.SimpleQueue[int] = queue.SimpleQueue()
    results = batch.run(str, iter(lambda: sources.get(timeout=20), -1), jobs)
    for number in range(3):
        sources.put(number)
        assert next(results) == str(number)
    sources.put(-1)
    assert list(results) == []


def test_an_abandoned_run_stops_reading_sources():
    taken = []
    results = batch.run(str, (taken.append(number) or number for number in range(1000)), 2)
    next(results)
    results.close()
    for thread in threading.enumerate():
        if thread.name == "noref-sources":
            thread.join(20)
            assert not thread.is_alive()
    assert len(taken) <= 6


def test_a_source_that_never_comes_does_not_keep_the_process_alive():
    script = """if True:
        import threading
        from noref import batch
        def sources():
            yield 1
            threading.Event().wait()
        print(next(batch.run(str, sources(), 2)))
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "1\n"
    assert done.stderr == ""


@pytest.mark.parametrize("waits_for", ["source", "result"])
def test_a_signal_just_before_a_wait_ends_it(monkeypatch, waits_for):
    """`interrupt_main` sets the flag of a signal and, like a signal that comes just before a wait, does not end the wait."""
    monkeypatch.setattr(batch, "LOOK", 0.05)
    never, ended = threading.Event(), []

    def stuck():
        time.sleep(0.5)  # until the wait has begun
        _thread.interrupt_main()
        ended.append(never.wait(10))

    def sources():
        yield 1
        yield 2
        if waits_for == "source":
            stuck()

    def work(number):
        if number == 2 and waits_for == "result":
            stuck()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        results = batch.run(work, sources(), 2)
        with pytest.raises(KeyboardInterrupt):
            for _ in results:
                pass
        assert not ended
    finally:
        never.set()
        signal.signal(signal.SIGINT, before)


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
