"""Scores uploads in threads, so that the event loop stays free; bounds what waits, and what is held in memory."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from noref.scorer import Scorer
from noref.web.answers import answer
from noref.web.limits import Limits, Refused
from noref.web.metrics import Metrics
from noref.web.uploads import Upload

_LONGEST = 30  # seconds that a refused client is told to wait at most


class Pool:
    """Scores the images of all requests of a worker. Its methods belong to the thread of the event loop.

    Args:
        scorer: Shared by the threads.
        jobs: Images scored at a time.
        limits: Bounds on what waits.
        metrics: Where images are counted.
    """

    def __init__(self, scorer: Scorer, jobs: int, limits: Limits, metrics: Metrics) -> None:
        self.scorer, self.jobs, self.limits, self.metrics = scorer, jobs, limits, metrics
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="noref")
        self._images = 0
        self._held = 0
        self._pace = 0.1  # seconds for an image, a moving average

    async def warm_up(self) -> None:
        """Score a blank image, so that the first request does not wait for what onnxruntime prepares."""
        side = max(64, self.scorer.card.shortest)
        blank = np.zeros((side, side, 3), np.uint8)
        await asyncio.get_running_loop().run_in_executor(self._threads, self.scorer.score, blank)

    def close(self) -> None:
        """Wait for the images being scored; drop those that wait."""
        self._threads.shutdown(cancel_futures=True)

    def check(self) -> None:
        """Refuse the request if the queue is full.

        Raises:
            Refused: It is.
        """
        if self._images >= self.limits.queue:
            raise self._busy("QueueFull", f"{self._images} images wait to be scored")

    @contextlib.contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """Account for the bytes of one request.

        Yields:
            A function that adds bytes, and refuses the request if all requests together have too many.
        """
        own = 0

        def hold(count: int) -> None:
            nonlocal own
            if self._held + count > self.limits.held:
                raise self._busy("MemoryFull", "other uploads fill the memory of the service")
            own += count
            self._held += count
            self.metrics.received.inc(count)

        try:
            yield hold
        finally:
            self._held -= own

    async def score(self, uploads: list[Upload], with_map: bool) -> list[dict[str, Any]]:
        """The answers for the images of one request, in their order.

        A request has no more images in the threads than there are threads, so that one with many does not hold up others.

        Raises:
            Refused: The queue is full.
        """
        self.check()
        turns = asyncio.Semaphore(self.jobs)

        async def one(upload: Upload) -> dict[str, Any]:
            size = upload.getbuffer().nbytes
            async with turns:
                work = self._threads.submit(_timed, lambda: answer(self.scorer, upload, with_map))
                try:
                    found, seconds = await asyncio.wrap_future(work)
                finally:
                    if not work.done():  # the request has ended, and the thread cannot be stopped
                        self._keep(work, size)
            self._note(found, seconds)
            return found

        self._add(len(uploads))
        try:
            return await asyncio.gather(*map(one, uploads))
        finally:
            self._add(-len(uploads))

    def _keep(self, work: "Future[Any]", size: int) -> None:
        """Count an image, and the bytes it has, until the thread that works on it is done."""
        loop = asyncio.get_running_loop()

        def release() -> None:
            self._add(-1)
            self._held -= size

        self._add(1)
        self._held += size
        work.add_done_callback(lambda _: loop.call_soon_threadsafe(release))

    def _add(self, images: int) -> None:
        self._images += images
        self.metrics.queue.set(self._images)

    def _note(self, found: dict[str, Any], seconds: float) -> None:
        self._pace += (seconds - self._pace) / 16
        self.metrics.image_seconds.observe(seconds)
        if "error" in found:
            self.metrics.failed.labels(found["error"]["kind"]).inc()
        else:
            self.metrics.scored.inc()

    def _busy(self, kind: str, cause: str) -> Refused:
        seconds = math.ceil(self._images * self._pace / self.jobs)
        return Refused(429, kind, cause, "try again after the time in Retry-After", min(max(seconds, 1), _LONGEST))


def _timed(work: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], float]:
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun
