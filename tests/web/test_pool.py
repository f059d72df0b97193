"""The queue: what is refused, what is dropped, and that the event loop stays free."""

import asyncio
import threading

import pytest

from noref.web import pool as pools
from noref.web.limits import Limits, Refused
from noref.web.metrics import Metrics
from noref.web.uploads import Upload


class Gate:
    """In the place of scoring: waits until it is opened, and notes what was scored."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.begun: list[str] = []

    def __call__(self, scorer, upload, with_map):
        self.begun.append(upload.name)
        assert self.opened.wait(30)
        return {"image": upload.name}


@pytest.fixture
def gate(monkeypatch):
    made = Gate()
    monkeypatch.setattr(pools, "answer", made)
    yield made
    made.opened.set()


def images(*names: str) -> list[Upload]:
    return [Upload(name) for name in names]


def run(gate: Gate, work, jobs: int = 1, **limits: float):
    """Run `work(pool)` in an event loop."""

    async def main():
        pool = pools.Pool(None, jobs, Limits(**limits), Metrics())
        try:
            return await asyncio.wait_for(work(pool), 30)
        finally:
            gate.opened.set()
            pool.close()

    return asyncio.run(main())


async def until(condition) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def test_a_full_queue_refuses_and_states_when_to_try_again(gate):
    async def work(pool):
        first = asyncio.ensure_future(pool.score(images("a", "b", "c"), False))
        await until(lambda: gate.begun)  # the loop runs while an image is scored
        with pytest.raises(Refused) as caught:
            pool.check()
        with pytest.raises(Refused):
            await pool.score(images("d"), False)
        gate.opened.set()
        assert [each["image"] for each in await first] == ["a", "b", "c"]
        pool.check()
        return caught.value

    refused = run(gate, work, queue=3)
    assert (refused.status, refused.kind) == (429, "QueueFull")
    assert int(refused.headers["Retry-After"]) >= 1
    assert gate.begun == ["a", "b", "c"]


def test_a_large_request_does_not_hold_up_a_small_one(gate):
    async def work(pool):
        large = asyncio.ensure_future(pool.score(images(*"abcdef"), False))
        await until(lambda: gate.begun)
        small = asyncio.ensure_future(pool.score(images("small"), False))
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(large, small)

    run(gate, work)
    assert gate.begun.index("small") <= 2


def test_what_waits_for_a_client_that_has_gone_is_dropped(gate):
    async def work(pool):
        first = asyncio.ensure_future(pool.score(images("a"), False))
        await until(lambda: gate.begun)
        dropped = asyncio.ensure_future(pool.score(images("b", "c"), False))
        await asyncio.sleep(0)
        dropped.cancel()
        await asyncio.wait([dropped])
        assert pool.metrics.queue._value.get() == 1
        gate.opened.set()
        await first
        await pool.score(images("d"), False)

    run(gate, work)
    assert gate.begun == ["a", "d"]


def test_an_image_counts_until_its_thread_is_done_though_its_request_has_ended(gate):
    async def work(pool):
        upload = Upload("a")
        upload.write(bytes(150))

        async def request():
            with pool.holding() as hold:
                hold(200)
                await pool.score([upload, *images("b")], False)

        hanging = asyncio.ensure_future(request())
        await until(lambda: gate.begun)
        hanging.cancel()
        await asyncio.wait([hanging])
        assert pool.metrics.queue._value.get() == 1
        with pytest.raises(Refused, match="QueueFull"):
            pool.check()
        with pool.holding() as hold:
            hold(50)
            with pytest.raises(Refused, match="MemoryFull"):
                hold(1)
        gate.opened.set()
        await until(lambda: not pool.metrics.queue._value.get())
        with pool.holding() as hold:
            hold(200)

    run(gate, work, queue=1, upload=100)
    assert gate.begun == ["a"]


def test_uploads_that_would_fill_the_memory_are_refused(gate):
    async def work(pool):
        with pool.holding() as first, pool.holding() as second:
            first(150)
            second(50)
            with pytest.raises(Refused) as caught:
                second(1)
        with pool.holding() as hold:
            hold(200)  # the others have been released
        return caught.value

    refused = run(gate, work, upload=100)
    assert (refused.status, refused.kind) == (429, "MemoryFull")


def test_the_time_to_wait_follows_the_queue(gate):
    async def work(pool):
        for _ in range(200):
            pool._note({}, 0.5)
        pool._add(20)
        with pytest.raises(Refused) as caught:
            pool.check()
        pool._add(1000)
        with pytest.raises(Refused) as longest:
            pool.check()
        return caught.value.retry_after, longest.value.retry_after

    assert run(gate, work, jobs=2, queue=20) == (5, 30)
