"""Coverage of the intervals and size of the test of `noref compare`, by simulation.

    python benchmarks/resampling.py --pictures 30 --trials 10000

Needs the runtime only. Differences of every kind have mean 0: each interval without 0 and each p of at most .05 is an error.
"""

from collections.abc import Callable

import click
import numpy as np
import numpy.typing as npt

from noref.resampling import mean_intervals, sign_flips

BLOCK = 200  # data sets at a time; they share their resamples

Draw = Callable[[np.random.Generator, tuple[int, int]], npt.NDArray[np.float64]]
KINDS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "Laplace": lambda rng, shape: rng.laplace(size=shape),
    "Student's t with 3 degrees of freedom": lambda rng, shape: rng.standard_t(3, size=shape),
    "0 except for 1 in 10, normal": lambda rng, shape: rng.normal(size=shape) * (rng.random(shape) < 0.1),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "0 except for 1 in 5, exponential": lambda rng, shape: rng.exponential(size=shape) * (rng.random(shape) < 0.2) - 0.2,
}


@click.command(context_settings={"show_default": True})
@click.option("--pictures", type=click.IntRange(min=5), default=30, help="Pictures in a data set.")
@click.option("--trials", type=click.IntRange(min=BLOCK), default=10_000, help="Data sets of each kind.")
def main(pictures: int, trials: int) -> None:
    """Print one line for each kind of differences."""
    for kind, draw in KINDS.items():
        rng = np.random.default_rng(0)
        covered, rejected = [], []
        for block in range(trials // BLOCK):
            differences = draw(rng, (pictures, BLOCK))
            low, high = mean_intervals(differences, seed=block).T
            covered.append(np.mean((low <= 0) & (high >= 0)))
            rejected.append(np.mean(sign_flips(differences, seed=block) <= 0.05))
        print(f"{kind:<38} interval {np.mean(covered):.3f}  p <= .05 {np.mean(rejected):.3f}", flush=True)


if __name__ == "__main__":
    main()
