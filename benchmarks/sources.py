"""What it costs to score photos from archives, tables and S3 instead of plain files.

    python benchmarks/sources.py --photos 1500
    python benchmarks/sources.py --photos 1500 --only s3

Needs the extras `remote` and `parquet`, and moto[server]. Ways of scoring take turns, a block of photos each, so that what else
the machine does slows all alike; processor time, which it changes less, is compared as well. The S3 server is local and has a
process of its own; a latency is added to each of its answers. There, a rate is measured between the results of the tenth photo
and the last, since what is paid once at the start is not the question.
"""

import io
import multiprocessing
import os
import sys
import tarfile
import tempfile
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from runtime import make_photo

import noref
from noref import batch, capacity, quality_maps, sources

sys.path.append(str(Path(__file__).parents[1] / "tests"))

DIFFERENT = 50  # photos; the others are copies of them
FIRST = 10  # results before the measurement begins, with S3
KINDS = ("plain", "tar", "tar.gz", "zip", "parquet")


@click.command(context_settings={"show_default": True})
@click.option("--photos", default=1500, help="Photos of 512 x 512 to score in each way.")
@click.option("--block", default=150, help="Photos scored before another way takes its turn.")
@click.option("--latency", default=0.05, help="Seconds added to each answer of the S3 server.")
@click.option("--only", help="archives or s3; both if left out.")
def main(photos: int, block: int, latency: float, only: str | None) -> None:
    """Print one line for each way."""
    jobs = capacity.default_jobs()
    scorer = noref.Scorer(threads=1)
    print(f"noref {noref.__version__}, {scorer.card.label}, {jobs} jobs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        contents = dict(_made(Path(name), block))
        if only != "s3":
            archives(scorer, Path(name), contents, photos // block, jobs)
        if only != "archives":
            s3(scorer, contents, photos // block, jobs, latency)


def archives(scorer: noref.Scorer, folder: Path, contents: dict[str, bytes], turns: int, jobs: int) -> None:
    """The rate from each kind of archive, as a share of the rate from plain files."""
    places = {kind: str(_packed(folder / f"photos.{kind}", contents, kind)) for kind in KINDS}
    _scored(scorer, places["plain"], jobs)  # does not count
    seconds: defaultdict[str, float] = defaultdict(float)
    processor: defaultdict[str, float] = defaultdict(float)
    for turn in range(turns):
        for kind in KINDS[turn % len(KINDS) :] + KINDS[: turn % len(KINDS)]:
            before = time.perf_counter(), time.process_time()
            assert len(_scored(scorer, places[kind], jobs)) == len(contents)
            seconds[kind] += time.perf_counter() - before[0]
            processor[kind] += time.process_time() - before[1]
    for kind in KINDS:
        rate = turns * len(contents) / seconds[kind]
        share, used = seconds["plain"] / seconds[kind], processor["plain"] / processor[kind]
        limit = " (limit 0.95)" if kind == "tar" else ""
        print(f"{kind}: {rate:.1f} photos/s, {share:.3f} of the rate of plain files{limit}; by processor time {used:.3f}")


def s3(scorer: noref.Scorer, contents: dict[str, bytes], turns: int, jobs: int, latency: float) -> None:
    """The rate from S3 with a latency, as a share of the rate without, for single photos and for a tar shard."""
    delay = multiprocessing.get_context("spawn").Value("d", 0.0)
    started: Any = multiprocessing.get_context("spawn").Queue()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(contents, delay, started), daemon=True)
    server.start()
    os.environ |= {
        "AWS_ENDPOINT_URL": started.get(),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for place in ("s3://photos/single/", "s3://photos/photos.tar"):
        _scored(scorer, place, jobs)  # does not count
        seconds: defaultdict[float, float] = defaultdict(float)
        processor: defaultdict[float, float] = defaultdict(float)
        first: defaultdict[float, float] = defaultdict(float)
        for turn in range(turns):
            for delay.value in (0.0, latency) if turn % 2 else (latency, 0.0):
                begin, used = time.perf_counter(), time.process_time()
                times = _scored(scorer, place, jobs)
                assert len(times) == len(contents)
                seconds[delay.value] += times[-1] - times[FIRST]
                processor[delay.value] += time.process_time() - used
                first[delay.value] += times[0] - begin
        scored = turns * (len(contents) - FIRST - 1)
        rates = ", ".join(f"{scored / seconds[each]:.1f} photos/s at {1000 * each:.0f} ms" for each in (0.0, latency))
        starts = ", ".join(f"{first[each] / turns:.2f} s at {1000 * each:.0f} ms" for each in (0.0, latency))
        cost = seconds[latency] / seconds[0.0] - 1
        more = processor[latency] / processor[0.0] - 1
        print(f"{place}: {rates}: latency costs {cost:.1%} once started (limit 5 %), {more:.1%} of processor time")
        print(f"{place}: to the first result {starts}")
    server.terminate()
    server.join()


def _scored(scorer: noref.Scorer, place: str, jobs: int) -> list[float]:
    """The moments of the results of a source."""
    found = sources.ahead(quality_maps.with_targets(sources.find([place], io.BytesIO()), None))
    return list(_moments(batch.run(quality_maps.Work(scorer), found, jobs)))


def _moments(results: Iterable[object]) -> Iterator[float]:
    for result in results:
        assert isinstance(result, noref.Assessment), result
        yield time.perf_counter()


def _made(folder: Path, count: int) -> Iterator[tuple[str, bytes]]:
    """Photos, each with a name of its own."""
    originals = [make_photo(folder / f"original-{number}.jpg", 512, 512, number).read_bytes() for number in range(DIFFERENT)]
    yield from ((f"{number:06}.jpg", originals[number % DIFFERENT]) for number in range(count))


def _packed(path: Path, contents: dict[str, bytes], kind: str) -> Path:
    """A folder, an archive or a table of photos."""
    if kind == "plain":
        path.mkdir()
        for name, content in contents.items():
            (path / name).write_bytes(content)
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
    elif kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"image": list(contents.values())}), path, row_group_size=100)
    else:
        path.write_bytes(_tar(contents, kind[4:]))
    return path


def _tar(contents: dict[str, bytes], compression: str = "") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}") as archive:  # type: ignore[call-overload]
        for name, content in contents.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return stream.getvalue()


def _serve(contents: dict[str, bytes], delay: Any, started: Any) -> None:
    """Run an S3 server with the photos, until the process is ended."""
    import s3_server

    with s3_server.served() as server:
        server.client.create_bucket(Bucket="photos")
        for name, content in contents.items():
            server.client.put_object(Bucket="photos", Key=f"single/{name}", Body=content)
        server.client.put_object(Bucket="photos", Key="photos.tar", Body=_tar(contents))
        started.put(server.url)
        while True:
            server.delay = delay.value
            time.sleep(0.02)


if __name__ == "__main__":
    main()
