"""What a file of results costs: scoring with it and without, and the start of a run over photos that are all finished.

    python benchmarks/store.py --photos 5000 --finished 100000

Needs the runtime only. The two ways of scoring take turns, a block of photos each, so that what else the machine does slows both
alike. The finished photos are empty files whose results are written to the store beforehand: a resumed run reads no content.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer
from runtime import make_photo

import noref
from noref import batch, capacity, recording
from noref.mapping import Item, Work
from noref.store import Record, Settings, Store

DIFFERENT = 50  # photos; the others are links to them


def main(
    photos: Annotated[int, typer.Option(help="Photos of 512 x 512 to score, each with and without a store.")] = 5000,
    finished: Annotated[int, typer.Option(help="Finished photos over which a run is resumed.")] = 100_000,
    block: Annotated[int, typer.Option(help="Photos scored before the other way takes its turn.")] = 100,
    thumbnails: Annotated[bool, typer.Option(help="Store thumbnails.")] = False,
) -> None:
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
    items = [Item(str(linked(folder / f"{number}.jpg", original)), None) for number, original in cycled(originals, photos)]
    ratios, seconds = [], Counter[str]()
    with Store(folder / "cost.db", "w") as store:

        def plain(part: list[Item]) -> None:
            assert len(list(batch.run(Work(scorer), part, jobs))) == len(part)

        def stored(part: list[Item]) -> None:
            run = recording.run(store, scorer, part, jobs, retry=False, thumbnails=thumbnails, before=Counter())
            assert len(list(run)) == len(part)

        plain(items[:block])  # does not count
        for turn, start in enumerate(range(0, photos, block)):
            part = items[start : start + block]
            times = {work.__name__: timed(work, part) for work in ((plain, stored) if turn % 2 else (stored, plain))}
            ratios.append(times["stored"] / times["plain"])
            seconds.update(times)  # type: ignore[arg-type]
    size = (folder / "cost.db").stat().st_size
    print(
        f"{photos} photos of 512 x 512: {photos / seconds['plain']:.1f} photos/s without a store, "
        f"{photos / seconds['stored']:.1f} with{' thumbnails' if thumbnails else ''}; the store costs "
        f"{statistics.median(ratios) - 1:.1%} (median of {len(ratios)} blocks; limit 5 %), {size / photos / 1024:.1f} KiB a photo"
    )


def resume(scorer: noref.Scorer, folder: Path, finished: int) -> None:
    """Seconds of `noref score --out` on photos that are all finished, and one that is not."""
    done, file = folder / "done", folder / "resume.db"
    done.mkdir()
    new = make_photo(done / "new.jpg", 512, 512)
    assessment = scorer.score(new)
    with Store(file, "w") as store:
        settings = store.use(scorer.card, scorer.view, scorer.exact)
        for number in range(finished):
            path = done / f"{number // 1000:03}" / f"{number}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.touch()
            store.write(record(path, assessment, settings))
    command = [sys.executable, "-m", "noref.cli", "score", done, "--out", file, "--format", "jsonl"]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        seconds = time.perf_counter() - start
        _, summary = process.communicate()
    assert f"1 scored, 0 failed, {finished} scored before" in summary, summary
    print(f"resuming over {finished} finished photos: {seconds:.2f} s to the first new result (limit 5 s for 100,000)")


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


def timed(work: Callable[[list[Item]], None], part: list[Item]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work(part)
    return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(main)
