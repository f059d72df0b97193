"""What a results file costs: scoring with it and without, and the start of a run over photos that are all finished.

    python benchmarks/store.py --photos 5000 --finished 100000

Needs the runtime only. The two ways of scoring take turns, a block of photos each, so that what else the machine does slows
both alike; processor time, which it changes less, is compared as well. The finished photos are empty files whose results are
written to the store beforehand: a resumed run reads no content.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import click
from runtime import make_photo

import noref
from noref import batch, capacity, recording, sources
from noref.quality_maps import Item, Work
from noref.store import Record, Settings, Store

DIFFERENT = 50  # photos; the others are links to them


@click.command(context_settings={"show_default": True})
@click.option("--photos", default=5000, help="Photos of 512 x 512 to score, each with and without a store.")
@click.option("--finished", default=100_000, help="Finished photos over which a run is resumed.")
@click.option("--block", default=100, help="Photos scored before the other way takes its turn.")
@click.option("--thumbnails", is_flag=True, help="Store thumbnails.")
def main(photos: int, finished: int, block: int, thumbnails: bool) -> None:
    """Print one line for each measurement."""
    jobs = capacity.default_jobs()
    scorer = noref.Scorer(threads=1)
    print(f"noref {noref.__version__}, {scorer.card.label}, {jobs} jobs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cost(scorer, folder, photos, block, jobs, thumbnails)
        resume(scorer, folder, finished)


def cost(scorer: noref.Scorer, folder: Path, photos: int, block: int, jobs: int, thumbnails: bool) -> None:
    """The rate of scoring with a store, as a share of the rate without."""
    originals = [make_photo(folder / f"original-{number}.jpg", 512, 512, number) for number in range(min(photos, DIFFERENT))]
    links = (linked(folder / f"{number}.jpg", original) for number, original in cycled(originals, photos))
    items = [Item.of(sources.local(str(link))) for link in links]
    seconds, processor = Counter[str](), Counter[str]()
    with Store(folder / "cost.db", "w") as store:

        def plain(part: list[Item]) -> None:
            assert len(list(batch.run(Work(scorer), part, jobs))) == len(part)

        def stored(part: list[Item]) -> None:
            run = recording.run(store, scorer, part, jobs, retry=False, thumbnails=thumbnails, before=Counter())
            assert len(list(run)) == len(part)

        plain(items[:block])  # does not count
        for turn, start in enumerate(range(0, photos, block)):
            part = items[start : start + block]
            for work in (plain, stored) if turn % 2 else (stored, plain):
                before = time.perf_counter(), time.process_time()
                work(part)
                seconds[work.__name__] += time.perf_counter() - before[0]  # type: ignore[assignment]
                processor[work.__name__] += time.process_time() - before[1]  # type: ignore[assignment]
    size = (folder / "cost.db").stat().st_size / photos / 1024
    rates = ", ".join(f"{photos / seconds[way]:.1f} photos/s {way}" for way in ("plain", "stored"))
    time_cost, processor_cost = (used["stored"] / used["plain"] - 1 for used in (seconds, processor))
    print(f"{photos} photos of 512 x 512{', thumbnails' if thumbnails else ''}: {rates}, {size:.1f} KiB each in the file")
    print(f"the store costs {time_cost:.1%} of the time, {processor_cost:.1%} of processor time (limit 5 %)")


def resume(scorer: noref.Scorer, folder: Path, finished: int) -> None:
    """Seconds of `noref score --out` on photos that are all finished, and one that is not."""
    done, file = folder / "done", folder / "resume.db"
    done.mkdir()
    (done / "last").mkdir()  # behind the folders with numbers
    new = make_photo(done / "last" / "new.jpg", 512, 512)
    assessment = scorer.score(new)
    with Store(file, "w") as store:
        settings = store.use(scorer.card, scorer.view, scorer.exact)
        for number in range(finished):
            path = done / f"{number // 1000:03}" / f"{number}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.touch()
            store.write(record(path, assessment, settings))
    command = [sys.executable, "-m", "noref.cli", "score", done, "--out", file, "--format", "jsonl"]
    start, before = time.perf_counter(), os.times()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        seconds = time.perf_counter() - start
        _, summary = process.communicate()
    assert f"1 scored, 0 failed, {finished} scored before" in summary, summary
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"resuming over {finished} finished photos: {seconds:.2f} s to the first new result (limit 5 s for 100,000)")
    print(f"processor time of that run: {processor:.2f} s")


def record(path: Path, assessment: noref.Assessment, settings: Settings) -> Record:
    """A finished result of a photo."""
    state = path.stat()
    now = datetime.now(timezone.utc)
    return Record(str(path), assessment, None, state.st_size, state.st_mtime_ns, "", None, now, *settings)


def cycled(originals: list[Path], photos: int) -> Iterator[tuple[int, Path]]:
    """Numbers with originals, which come again and again."""
    return zip(range(photos), itertools.cycle(originals), strict=False)


def linked(path: Path, original: Path) -> Path:
    """Another name of a file."""
    path.hardlink_to(original)
    return path


if __name__ == "__main__":
    main()
