"""Many images in parallel: results in the order of the sources, each when it is ready; a failure does not stop the others."""

import contextlib
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue
from typing import TypeVar

from noref.errors import ImageError, InternalError

S = TypeVar("S")
R = TypeVar("R")

LOOK = 1.0
"""Seconds after which each wait begins anew: Python handles a signal that comes just before a wait when the wait ends."""


def run(score: Callable[[S], R], sources: Iterable[S], jobs: int, name: Callable[[S], str] = str) -> Iterator[R | ImageError]:
    """Apply `score` to sources as they come; yield results in their order, an `ImageError` in the place of a failure.

    A result does not wait for the next source. With `jobs` above 1, another thread iterates over the sources, a few ahead of
    the results; so memory stays bounded with endless input and large images.

    Args:
        score: Gives the result for one source. An `ImageError` that it raises becomes the result; so does any other exception,
            as an `InternalError`.
        sources: What to score.
        jobs: Sources at a time.
        name: Gives the name of a source for an `InternalError`.

    Raises:
        Exception: Whatever iterating over the sources raises, after the results of the sources that came before.
    """
    return in_order(lambda source: attempted(score, source, name), sources, jobs)


def attempted(score: Callable[[S], R], source: S, name: Callable[[S], str]) -> R | ImageError:
    """The result for one source, or in its place the `ImageError` of a failure; see `run`."""
    try:
        return score(source)
    except ImageError as error:
        return error
    except Exception as bug:
        return InternalError.of(name(source), bug)


def in_order(work: Callable[[S], R], sources: Iterable[S], jobs: int) -> Iterator[R]:
    """Apply `work`, which does not fail, to sources as `run` does."""
    yield from map(work, sources) if jobs <= 1 else ahead(work, sources, jobs, 2 * jobs)


def ahead(work: Callable[[S], R], sources: Iterable[S], threads: int, most: int) -> Generator[R, None, None]:
    """Results of `work` in the order of the sources, at most `most` of them begun and not yet yielded.

    Raises:
        Exception: Whatever `work`, or iterating over the sources, raises, in its turn.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="noref")
    begun: SimpleQueue[Future[R] | None] = SimpleQueue()  # None after the last
    room = threading.Semaphore(most - 1)  # the first source needs no permission
    abandoned = threading.Event()

    def feed() -> None:
        try:
            for source in sources:
                begun.put(pool.submit(work, source))
                room.acquire()
                if abandoned.is_set():
                    return
        except BaseException as error:  # of the sources; or the pool was shut down, and the error is ignored
            failed: Future[R] = Future()
            failed.set_exception(error)
            begun.put(failed)
        begun.put(None)

    # A daemon: it may wait for a source that never comes, and must not keep the process alive.
    threading.Thread(target=feed, name="noref-sources", daemon=True).start()
    try:
        while (future := _next(begun)) is not None:
            while not wait([future], timeout=LOOK).done:
                pass
            result = future.result()
            room.release()
            yield result
    finally:
        abandoned.set()
        room.release()
        # Never waits: an abandoned generator may be cleared away by any thread, one that its workers wait for among them.
        pool.shutdown(wait=False, cancel_futures=True)


def _next(queue: SimpleQueue[R]) -> R:
    while True:
        with contextlib.suppress(Empty):
            return queue.get(timeout=LOOK)
