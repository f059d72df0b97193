"""What a Ray cluster costs: two scorers on it against two jobs of one process, on the same machine.

    python benchmarks/cluster.py --photos 5000

Needs the extra `ray`. The cluster is local, as in the tests. Both ways write their results, to a folder and to a file. A rate
is measured from the first results that are written to the last, since what is paid once at the start is not the question.
"""

import io
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click
from runtime import make_photo

import noref
from noref import quality_maps, ray, recording, sources
from noref.store import Store
from noref.store.parts import Parts

sys.path.append(str(Path(__file__).parents[1] / "tests"))

DIFFERENT = 50  # photos; the others are links to them
JOBS = 2


@click.command(context_settings={"show_default": True})
@click.option("--photos", default=5000, help="Photos of 512 x 512 to score in each way.")
@click.option("--turns", default=1, help="Times that each way scores them.")
def main(photos: int, turns: int) -> None:
    """Print the rate of each way, and the share."""
    from ray_cluster import running

    scorer = noref.Scorer(threads=1)
    print(f"noref {noref.__version__}, {scorer.card.label}, {JOBS} jobs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name, running(environment={"OMP_NUM_THREADS": "1"}) as cluster:
        folder = Path(name)
        for number in range(photos):
            original = folder / "originals" / f"{number % DIFFERENT}.jpg"
            if number < DIFFERENT:
                original.parent.mkdir(exist_ok=True)
                make_photo(original, 512, 512, number)
            (folder / "photos").mkdir(exist_ok=True)
            os.link(original, folder / "photos" / f"{number:06d}.jpg")
        place = str(folder / "photos")
        rates: dict[str, list[float]] = {"jobs": [], "ray": []}
        for turn in range(turns):
            with Store(folder / f"{turn}.db", "w") as store:
                found = quality_maps.with_targets(sources.find([place], io.BytesIO()), None)
                options = {"retry": False, "thumbnails": False, "before": Counter[str]()}
                rates["jobs"].append(rate(recording.run(store, scorer, found, JOBS, **options), photos))
            with Parts(folder / f"{turn}", "w") as parts:
                results = ray.run(parts, scorer, sources.parts([place], io.BytesIO()), address=cluster.address, scorers=JOBS)
                rates["ray"].append(rate(results, photos))
    local, clustered = (sum(each) / turns for each in rates.values())
    print(f"one process {local:.1f} photos/s, Ray {clustered:.1f}: {clustered / local:.2f} of it (limit 0.85)")


def rate(results: Iterable[object], photos: int) -> float:
    """Photos per second from the first moment with results to the last."""
    begin, moments = time.perf_counter(), Counter[float]()
    for result in results:
        assert isinstance(result, noref.Assessment), result
        moments[round(time.perf_counter() - begin, 1)] += 1
    assert moments.total() == photos
    first, last = min(moments), max(moments)
    print(f"  first results after {first:.1f} s, last after {last:.1f} s")
    return (photos - moments[first]) / (last - first)


if __name__ == "__main__":
    main()
