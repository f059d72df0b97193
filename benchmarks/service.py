"""The service under load, against `noref score` on the same photos.

    python benchmarks/service.py --clients 200 --seconds 60

Photos of 512 x 512 as in runtime.py; each client sends one photo at a time over a connection of its own, and waits as long as
Retry-After states after a 429. The clients run in one process, whose processor time is subtracted: it takes processors from the
service that real clients would not. On a busy machine, compare the processor time of the service instead. Linux only.
"""

import asyncio
import contextlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
from runtime import make_photo

from noref import capacity

PHOTOS = 48
TICKS = os.sysconf("SC_CLK_TCK")


async def client(port: int, requests: list[bytes], end: float, statuses: Counter[int]) -> None:
    """Send requests in turn until the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while time.monotonic() < end:
        writer.write(requests[number % len(requests)])
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        await reader.readexactly(int(re.search(r"content-length: (\d+)", head)[1]))  # type: ignore[index]
        status = int(head.split()[1])
        statuses[status] += 1
        number += status == 200
        if found := re.search(r"retry-after: (\d+)", head):
            await asyncio.sleep(int(found[1]))
    writer.close()


async def load(port: int, folder: Path, clients: int, seconds: float) -> None:
    """Run the clients; print statuses, seconds and processor time as JSON."""
    requests = []
    for path in sorted(folder.iterdir()):
        part = f'--x\r\nContent-Disposition: form-data; name="images"; filename="{path.name}"\r\n\r\n'.encode()
        body = part + path.read_bytes() + b"\r\n--x--\r\n"
        head = "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        requests.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    statuses: Counter[int] = Counter()
    start, busy = time.monotonic(), time.process_time()
    turns = [requests[number % PHOTOS :] + requests[: number % PHOTOS] for number in range(clients)]
    await asyncio.gather(*(client(port, turn, start + seconds, statuses) for turn in turns))
    print(json.dumps([statuses, time.monotonic() - start, time.process_time() - busy]))


def family(pid: int) -> list[int]:
    """A process and those that it started."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def busy_seconds(pids: list[int]) -> float:
    """Processor time of processes."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(each[11]) + int(each[12]) for each in fields) / TICKS


def memory_mib(pids: list[int]) -> float:
    """Resident memory of processes."""
    return sum(int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) for pid in pids) / 1024  # type: ignore[index]


@contextlib.contextmanager
def serving(workers: int, jobs: int) -> Iterator[tuple[int, list[int]]]:
    """A service: its port and processes."""
    options = ["--port", "0", "--workers", str(workers), "--jobs", str(jobs)]
    with subprocess.Popen([sys.executable, "-m", "noref.cli", "serve", *options], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        port = int(re.search(r":(\d+) ", process.stderr.readline())[1])  # type: ignore[index]
        while not ready(port) or (workers > 1 and len(family(process.pid)) <= workers):
            time.sleep(0.5)
        yield port, family(process.pid)
        process.terminate()


def ready(port: int) -> bool:
    """Whether the service answers."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
        return answer.status == 200
    return False


def command_line(paths: list[Path], jobs: int) -> tuple[float, float]:
    """Seconds, and processor time, of `noref score` on photos."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "noref.cli", "score", "-", "--jobs", str(jobs), "--format", "jsonl"]
    names = "\n".join(map(str, paths))
    subprocess.run(command, check=True, input=names, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def yardstick(paths: list[Path], jobs: int) -> tuple[float, float]:
    """Seconds, and processor time, of one photo in a long run of `noref score`; its start does not count."""
    once, many = command_line(paths[:1], jobs), command_line(paths * 10, jobs)
    return tuple((long - short) / (10 * len(paths) - 1) for long, short in zip(many, once, strict=True))  # type: ignore[return-value]


@click.command(context_settings={"show_default": True})
@click.option("--clients", default=200, help="Concurrent clients.")
@click.option("--seconds", type=float, default=60, help="Duration of the load.")
@click.option("--workers", default=1, help="Worker processes; the jobs are shared among them.")
@click.option("--load-on", type=int, hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
def main(clients: int, seconds: float, workers: int, load_on: int | None, folder: Path | None) -> None:
    """Print one line a measurement: what, value, limit."""
    if load_on is not None and folder is not None:
        asyncio.run(load(load_on, folder, clients, seconds))
        return
    cores = capacity.available_processors()
    with tempfile.TemporaryDirectory() as name:
        paths = [make_photo(Path(name) / f"{seed}.jpg", 512, 512, seed) for seed in range(PHOTOS)]
        print(f"{cores} cores, load {os.getloadavg()[0]:.1f}")
        first = yardstick(paths, cores)
        with serving(workers, max(1, cores // workers)) as (port, pids):
            before = busy_seconds(pids)
            memory: list[float] = []
            over = threading.Event()
            watch = threading.Thread(
                target=lambda: [memory.append(memory_mib(pids)) for _ in iter(lambda: over.wait(0.5), True)]
            )
            watch.start()
            options = ["--clients", str(clients), "--seconds", str(seconds), "--load-on", str(port), "--folder", name]
            done = subprocess.run([sys.executable, __file__, *options], check=True, capture_output=True, text=True)
            over.set()
            watch.join()
            busy = busy_seconds(pids) - before
        statuses, wall, generator = json.loads(done.stdout)
        second = yardstick(paths, cores)
        alone, alone_busy = ((one + other) / 2 for one, other in zip(first, second, strict=True))
        scored = statuses["200"]
        rate = scored / (wall - generator / cores)
        quarter = len(memory) // 4
        early, late = max(memory[quarter : 2 * quarter]), max(memory[-quarter:])
        print(f"{clients} clients, {wall:.0f} s, {workers} workers: answers by status {statuses} (limit: 200 and 429 only)")
        print(f"memory: {early:.0f} MiB in the second quarter, {late:.0f} MiB in the last")
        print(f"rate: {rate:.1f} photos/s = {rate * alone:.2f} of noref score --jobs {cores}, {1 / alone:.1f} (limit 0.85)")
        share = alone_busy / busy * scored
        print(f"processor time: {1000 * busy / scored:.1f} ms a photo, noref score {1000 * alone_busy:.1f} ms: {share:.2f}")


if __name__ == "__main__":
    main()
