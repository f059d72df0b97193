"""Speed and memory of scoring, each against a yardstick measured in the same run.

    python benchmarks/runtime.py [--model NAME_OR_FILE]

Needs the runtime only. Photos are made on the spot: filtered noise with edges, saved as JPEG of quality 90. A photo of 12
megapixels is also scored decoded in full (exact); by default a JPEG of that size is decoded at a quarter of it.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

import noref
from noref import capacity
from noref.cli.options import model_option

MEMORY = """
import sys, noref
noref.Scorer(sys.argv[3], exact=sys.argv[2] == "exact").score(sys.argv[1])
# Not getrusage: its maximum begins with the memory of the process that started this one. Linux only.
print(next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def make_photo(path: Path, width: int, height: int, seed: int = 0) -> Path:
    """A JPEG with about as much detail as a camera's: smooth fields, edges, fine grain."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    blocks = Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).resize(
        (width, height), Image.Resampling.NEAREST
    )
    grain = Image.effect_noise((width, height), 30).convert("RGB")
    Image.blend(Image.blend(coarse, blocks, 0.3), grain, 0.15).save(path, quality=90)
    return path


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Median time of one call, after one that does not count."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def times_as_long(work: Callable[[], object], yardstick: Callable[[], object], repeats: int = 15) -> tuple[float, float]:
    """Median time of one call, alone and as a multiple of the yardstick's.

    The two take turns, so that what else the machine does slows both alike.
    """
    pairs = [(seconds(work, 1), seconds(yardstick, 1)) for _ in range(repeats)]
    taken, reference = map(statistics.median, zip(*pairs, strict=True))
    return taken, taken / reference


def shell(*command: object) -> Callable[[], object]:
    """Run a command, its output thrown away; it may keep the bytecode of what it imports, as an installation by pip does."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return lambda: subprocess.run(list(map(str, command)), check=True, env=environment, **quiet)


def peak_mib(path: Path, mode: str, model: str) -> float:
    """Peak memory of a fresh process that scores one photo; the mode is "default" or "exact"."""
    done = subprocess.run([sys.executable, "-c", MEMORY, path, mode, model], check=True, capture_output=True, text=True)
    return float(done.stdout)


@click.command()
@model_option()
def main(model: str) -> None:
    """Print one line a measurement: what, value, limit."""
    cores = capacity.available_processors()
    print(f"noref {noref.__version__}, {noref.Scorer(model).card.label}, {cores} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = make_photo(folder / "small.jpg", 512, 512)
        start = seconds(shell(sys.executable, "-c", "pass"))
        cold = seconds(shell(sys.executable, "-m", "noref.cli", "score", "--model", model, small), 15)
        print(f"cold start to the score of one photo: {cold:.2f} s, bare Python {start:.2f} s (limit 0.5 s)")

        photos = folder / "photos"
        photos.mkdir()
        for seed in range(48):
            make_photo(photos / f"{seed}.jpg", 512, 512, seed)
        judge = noref.Scorer(model, threads=1)
        many = seconds(lambda: list(judge.score_many(sorted(photos.iterdir()), jobs=cores)), 3)
        print(f"a folder of 512 x 512 photos: {48 / many:.1f} photos/s with {cores} jobs (limit 40 with 2)")

        large = make_photo(folder / "12mp.jpg", 4000, 3000)
        for mode in ("default", "exact"):
            for threads in (1, cores):
                judge = noref.Scorer(model, threads=threads, exact=mode == "exact")
                taken, ratio = times_as_long(lambda judge=judge: judge.score(large), lambda: np.asarray(Image.open(large)))  # type: ignore[misc]
                print(f"12 megapixels, {mode}, {threads} threads: {taken:.3f} s = {ratio:.2f} x decode by Pillow (limit 1.0 x)")

        huge = make_photo(folder / "101mp.jpg", 11600, 8700)
        for mode in ("default", "exact"):
            print(f"peak memory at 12 megapixels, {mode}: {peak_mib(large, mode, model):.0f} MiB")
            print(f"peak memory at 101 megapixels, {mode}: {peak_mib(huge, mode, model):.0f} MiB (limit 1024 MiB)")


if __name__ == "__main__":
    main()
