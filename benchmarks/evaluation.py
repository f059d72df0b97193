"""Speed and memory of judging methods, each against its limit.

    python benchmarks/evaluation.py

Needs noref[lab]. Scores and opinions are made on the spot; no photo is opened. Linux only.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import noref
from noref.lab import datasets
from noref.lab.metrics import bootstrap

PAIRS, IMAGES, ROWS = 10_000, 50_000, 1_000_000
P_TEST = """
import sys, time
import numpy as np
from noref.lab.metrics import waterloo
n = int(sys.argv[1])
rng = np.random.default_rng(0)
quality = rng.random(n)
reference = np.column_stack(
    [waterloo.to_common_scale(quality + rng.normal(scale=0.1, size=n), higher_is_better=True) for _ in range(3)]
)
scores = quality + rng.normal(scale=0.2, size=n)
start = time.perf_counter()
found = waterloo.p_test(scores, reference)
seconds = time.perf_counter() - start
# Not getrusage: its maximum begins with the memory of the process that started this one.
peak = next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(f"{found.pairs / 1e6:.0f} million discriminable pairs, {seconds:.1f} s, {peak:.0f} MiB")
"""


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print one line a measurement: what, value, limit."""
    print(f"noref {noref.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    rng = np.random.default_rng(0)
    mos = rng.random(PAIRS)
    predicted = mos + rng.normal(scale=0.2, size=PAIRS)
    spent = seconds(lambda: bootstrap.intervals(predicted, mos, np.arange(PAIRS), resamples=1000))
    print(f"bootstrap of SRCC and PLCC, 1000 resamples of {PAIRS} pairs: {spent:.1f} s (limit 10 s)")

    done = subprocess.run([sys.executable, "-c", P_TEST, str(IMAGES)], check=True, capture_output=True, text=True)
    print(f"P test on {IMAGES} images: {done.stdout.strip()} (limits 60 s, 2048 MiB)")

    with tempfile.TemporaryDirectory() as folder:
        images = [f"photos/{i}.jpg" for i in range(ROWS)]
        columns = {"image": images, "mos": rng.random(ROWS), "std": rng.random(ROWS), "content": np.arange(ROWS) // 5}
        pd.DataFrame(columns).to_csv(Path(folder) / "labels.csv", index=False)
        spent = seconds(lambda: datasets.read("table", folder))
        print(f"RatedImages of {ROWS} rows from CSV: {spent:.1f} s (limit 10 s)")


if __name__ == "__main__":
    main()
