"""The table of methods: agreement on a test part, D, L, P and M, photos a second on one core, size and licence.

    noref lab synthesize WITHHELD made --types jpeg,jpeg2000,white_noise,gaussian_blur
    python benchmarks/methods.py measure METHOD --data table=biq2021.csv --distorted made --out rows
    python benchmarks/methods.py show rows

`measure` makes one row. A recipe is trained on the parts `train` and `validation` of the database and tested on `test`; methods
that need no rated photos, and exported models, are used as they are. D, L, P and M are taken on WITHHELD, pristine photos that
no method has learned from, under four types of distortion. A finished training is not repeated. `show` prints all rows.

Needs noref[lab]. Speed is measured on one core: on a busy machine, repeat `measure` later, which takes seconds.
A cache of features does not change what a row is made from, but the speed of a method that reads it: train without
`--set data.cache`, and give it with `--splits` once the row exists.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import torch

from noref import card
from noref.lab import datasets
from noref.lab.cli.options import changes_option, pair, pristine_option, settings
from noref.lab.datasets import synthetic
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import protocols, summary
from noref.lab.evaluation.fixed import ExportedModel
from noref.lab.evaluation.splits import guard
from noref.lab.experiments import evaluate, experiment
from noref.lab.experiments.recipe import Recipe, load_recipe
from noref.lab.files import make_folder, read_csv, read_json
from noref.lab.methods.base import ScoringMethod
from noref.lab.tables import as_markdown

TIMED = 20  # photos
SHARES = {"train": 0.8, "test": 0.2}  # of the scenes of the training part, for the spread
PUBLISHED = Path(__file__).with_name("published.csv")


@click.group(context_settings={"show_default": True})
def main() -> None:
    """The table of methods."""


@main.command("measure")
@click.argument("name", metavar="METHOD", help="A recipe that predicts scores, or model:NAME.")
@click.option("--data", metavar="NAME=PATH", required=True, help="Database with the parts train, validation and test.")
@click.option("--distorted", type=click.Path(path_type=Path), required=True, help="Folder made by `noref lab synthesize`.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the rows.")
@pristine_option
@changes_option
@click.option("--photos", type=click.IntRange(min=100), help="Learn from so many photos only, for slow methods.")
@click.option("--splits", type=click.IntRange(min=0), default=0, help="Splits of the training part by scene, for the spread.")
def measure_command(**options: Any) -> None:
    """Make the row of one method, as row.json in its folder."""
    measure(**options)


def measure(
    name: str,
    data: str,
    distorted: Path,
    out: Path,
    pristine: Path | None = None,
    changes: Sequence[str] = (),
    photos: int | None = None,
    splits: int = 0,
) -> None:
    """Make the row of one method, as row.json in its folder."""
    folder = out / name.removeprefix("model:")
    make_folder(folder)
    recipe = None if name.startswith("model:") else load_recipe(name, {**settings(changes, pristine), "split": "official"})
    rated = chosen(datasets.read(*pair(data, "--data")), photos)
    made = synthetic.as_rated(distorted)
    claim(folder, recipe, rated, made)
    load: Callable[[], ScoringMethod[Any]] = (
        partial(ExportedModel, folder.name) if recipe is None else partial(fitted, recipe, folder / "training" / "model")
    )
    if recipe is not None:
        unfitted = evaluate.scoring(recipe)
        guard({"test": made}, external=unfitted.external_images())
        if unfitted.learns and not (folder / "training" / "results.csv").exists():
            experiment.run(recipe, experiment.joined(rated), folder / "training")
    method = load()
    parts = {part: rated.select(rows["image"].tolist()) for part, rows in rated.table.groupby("part")}
    row: dict[str, Any] = {"method": folder.name, "photos": learned_from(folder / "training") if method.learns else 0}
    row |= agreement(predictions(method, parts["test"], folder / ("training/predictions.csv" if method.learns else "test.csv")))
    if splits and recipe is not None:
        row |= spread(recipe, experiment.joined(parts["train"]), splits, folder / "splits")
    tests, _ = evaluate.distortion_tests(predictions(method, made, folder / "distorted.csv"), made)
    row |= tests.set_index("test")["value"].to_dict()
    row |= {
        "photos/s": photos_a_second(load, parts["test"].paths[:TIMED]),
        "MB": megabytes(method, folder),
        "licence": licence(method),
    }
    (folder / "row.json").write_text(json.dumps(row, indent=2) + "\n")
    click.echo(as_markdown(pd.DataFrame([row])))


@main.command()
@click.argument("out", type=click.Path(path_type=Path), help="Folder of the rows.")
def show(out: Path) -> None:
    """Print the table of all rows, best SRCC first."""
    table = pd.DataFrame([read_json(file) for file in sorted(out.glob("*/row.json"))])
    published = read_csv(PUBLISHED, dtype=str, keep_default_na=False)
    for database, values in published.groupby("database"):
        table[f"published, {database}"] = table["method"].map(values.set_index("method")["srcc"]).fillna("")
    click.echo(as_markdown(table.sort_values("SRCC", ascending=False)))


def claim(folder: Path, recipe: Recipe | None, rated: RatedImages, made: RatedImages) -> None:
    """Record what a row is made from; refuse a folder that holds the row of something else.

    Raises:
        LabError: It does.
    """
    method = ExportedModel(folder.name).fingerprint() if recipe is None else without_cache(recipe.resolved())
    facts = {"method": method, "data": rated.fingerprint(), "distorted": made.fingerprint()}
    content, file = json.dumps(facts, indent=2) + "\n", folder / "claim.json"
    if file.exists() and file.read_text() != content:
        raise LabError(f"{folder} holds the row of other settings or data; delete it, or choose another --out")
    file.write_text(content)


def without_cache(settings: Any) -> Any:
    """Nested settings without the folder of the feature cache, which changes no value."""
    if not isinstance(settings, dict):
        return settings
    return {name: without_cache(value) for name, value in settings.items() if name != "cache"}


def learned_from(training: Path) -> int:
    """The number of training photos."""
    return int((read_csv(training / "split.csv")["part"] == "train").sum())


def chosen(rated: RatedImages, photos: int | None) -> RatedImages:
    """All photos; or a fixed subset of so many for training, 15 % as many for validation, and all for the test."""
    if photos is None:
        return rated
    rng, kept = np.random.default_rng(0), []
    for part, count in (("train", photos), ("validation", round(0.15 * photos)), ("test", len(rated))):
        kept.append(rng.permutation(np.flatnonzero(rated.table["part"] == part))[:count])
    return rated.select(rated.table["image"].iloc[np.sort(np.concatenate(kept))].tolist())


def fitted(recipe: Recipe, files: Path) -> ScoringMethod[Any]:
    """The trained method of a recipe, or one that needs no rated photos."""
    method = evaluate.scoring(recipe)
    return type(method).load(files) if method.learns else method


def predictions(method: ScoringMethod[Any], rated: RatedImages, file: Path) -> pd.DataFrame:
    """The table of `rated` with predictions, computed once."""
    if not file.exists():
        protocols.predict_each(method, rated).to_csv(file, index=False)
    found = read_csv(file).set_index("image")["predicted"]
    return rated.table.assign(predicted=found.loc[rated.table["image"]].to_numpy())


def agreement(tested: pd.DataFrame) -> dict[str, float]:
    """SRCC with its interval, PLCC after the logistic fit, and how many photos have no score."""
    row = summary.by_part(tested).iloc[0]
    columns = {"SRCC": "srcc", "low": "srcc_low", "high": "srcc_high", "PLCC": "plcc_fitted", "failed": "failed"}
    return {name: float(row[column]) for name, column in columns.items()}


def spread(recipe: Recipe, rated: RatedImages, splits: int, folder: Path) -> dict[str, float]:
    """Median and standard deviation of SRCC over splits by scene."""
    planned = protocols.random_splits(rated, SHARES, splits)
    results = protocols.run(lambda: evaluate.scoring(recipe), planned, folder, look_at_pictures=False)  # near ones are joined
    srcc = summary.by_split({result.name: result.predictions for result in results})["srcc"]
    return {"median": float(srcc.median()), "deviation": float(srcc.std())}


def licence(method: ScoringMethod[Any]) -> str:
    """The licence of a method and its parameters."""
    return card.load(card.find(method.settings.model)).licence if isinstance(method, ExportedModel) else method.licence


def megabytes(method: ScoringMethod[Any], folder: Path) -> float:
    """The size of the parameters."""
    if isinstance(method, ExportedModel):
        return card.find(method.settings.model).stat().st_size / 1e6
    home = folder / "training" / "model" if method.learns else Path(str(resources.files("noref.lab.models"))) / method.name
    return sum(file.stat().st_size for file in home.rglob("*") if file.is_file()) / 1e6


def photos_a_second(load: Callable[[], ScoringMethod[Any]], paths: list[Path]) -> float:
    """Photos scored from file in a second on one core; best of three rounds after one photo that does not count."""
    cores, threads, taken = os.sched_getaffinity(0), torch.get_num_threads(), []
    os.sched_setaffinity(0, {min(cores)})  # before a model counts them
    torch.set_num_threads(1)
    try:
        method = load()
        method.predict(paths[:1])
        for _ in range(3):
            start = time.perf_counter()
            method.predict(paths)
            taken.append(time.perf_counter() - start)
    finally:
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(threads)
    return len(paths) / min(taken)


if __name__ == "__main__":
    main()
