"""Evaluation of methods on databases under one protocol.

The results folder holds `METHOD/DATABASE/` with the files of `protocols.run` (all predictions), `results.csv`, `.json` and
`.md` (one row per method, database and part), `environment.json` (versions and commits), `splits.csv` (one row per split), and
for each method and database a scatter plot and a figure of the photos with the largest and smallest errors. The D, L, P and M
tests write `monotonicity.csv` (one row per type of distortion) instead of the latter three.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noref.drafts import draft
from noref.lab import distortions, tables
from noref.lab.datasets import synthetic
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import protocols, summary
from noref.lab.evaluation.fixed import ExportedModel, ScoreTable
from noref.lab.evaluation.protocols import Split
from noref.lab.evaluation.splits import as_table
from noref.lab.experiments import environment
from noref.lab.experiments.recipe import Recipe, load_recipe
from noref.lab.files import make_folder, read_csv, write_json, write_text
from noref.lab.methods.base import ScoringMethod
from noref.lab.metrics import monotonicity, waterloo
from noref.lab.plots import predictions as prediction_plots

PROTOCOL_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "whole": (),
    "single": ("shares", "seed"),
    "random": ("shares", "repeats", "seed"),
    "official": ("seed",),
    "cross": ("seed",),
    "leave-one-type-out": ("shares", "seed"),
    "waterloo": (),
}
"""The protocols, and the options of `plan` that each of them uses."""


@dataclass(frozen=True)
class Candidate:
    """A method to evaluate.

    Attributes:
        label: Its name in tables, and of its folder.
        build: Builds the unfitted method for a database.
    """

    label: str
    build: Callable[[RatedImages], ScoringMethod[Any]]


def candidate(text: str, changes: Mapping[str, Any]) -> Candidate:
    """Parse a method given on the command line.

    Args:
        text: "model:NAME_OR_FILE" (an exported model), "recipe:NAME_OR_FILE" (fitted inside each split with a training part) or
            "scores:FILE" (a CSV of image and score, higher is better).
        changes: Changes to the settings of recipes.

    Raises:
        LabError: The text has another form; or the recipe does not exist, is invalid, or does not predict scores.
    """
    kind, _, what = text.partition(":")
    label = f"{kind}-{Path(what).stem}"
    if kind == "model" and what:
        return Candidate(label, lambda _: ExportedModel(what))
    if kind == "scores" and what:
        return Candidate(label, lambda rated: ScoreTable(what, rated.folder))
    if kind == "recipe" and what:
        recipe = load_recipe(what, dict(changes))
        if "split" in changes:
            raise LabError("the protocol defines the splits: give --protocol and --shares instead of --set split=…")
        scoring(recipe)
        return Candidate(label, lambda _: scoring(recipe))
    raise LabError(f"a method is model:NAME_OR_FILE, recipe:NAME_OR_FILE or scores:FILE, not {text!r}")


def scoring(recipe: Recipe) -> ScoringMethod[Any]:
    """The method of a recipe, unfitted.

    Raises:
        LabError: It does not predict scores.
    """
    method = recipe.build()
    if not isinstance(method, ScoringMethod):
        raise LabError(f"{recipe.name} predicts classes or defects instead of scores; use `noref lab train` to measure it")
    return method


def plan(
    protocol: str, databases: Sequence[RatedImages], shares: Mapping[str, float], repeats: int, seed: int
) -> list[tuple[RatedImages, list[Split]]]:
    """The splits of a protocol for each test database.

    Raises:
        LabError: There is no such protocol, it needs more databases, or two test databases have the same name.
    """
    makers: dict[str, Callable[[RatedImages], list[Split]]] = {
        "whole": protocols.whole,
        "waterloo": protocols.whole,
        "single": partial(protocols.single, shares=shares, seed=seed),
        "random": partial(protocols.random_splits, shares=shares, k=repeats, seed=seed),
        "official": partial(protocols.official, seed=seed),
        "cross": lambda rated: protocols.cross_database(databases[0], rated, seed),
        "leave-one-type-out": partial(protocols.leave_one_type_out, shares=shares, seed=seed),
    }
    if protocol not in makers:
        raise LabError(f"no protocol is called {protocol!r}; there are: {', '.join(PROTOCOL_OPTIONS)}")
    if protocol == "cross" and len(databases) < 2:
        raise LabError("cross needs at least two databases: one to train on (the first), the others to test on")
    tested = databases[1:] if protocol == "cross" else databases
    names = [rated.name for rated in tested]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise LabError(f"two databases are named {twice}; evaluate each into its own results folder")
    return [(rated, makers[protocol](rated)) for rated in tested]


def evaluate(
    candidates: Sequence[Candidate], planned: Sequence[tuple[RatedImages, list[Split]]], folder: Path, *, tests: bool = False
) -> pd.DataFrame:
    """Evaluate every method on every planned database; an interrupted evaluation is resumed.

    Args:
        candidates: Methods.
        planned: As returned by `plan`.
        folder: Results folder.
        tests: Report the D, L, P and M tests instead of agreement; requires databases made by `noref lab synthesize`.

    Returns:
        The table of results.

    Raises:
        LabError: Two methods have one label; a table of scores has none for a database; a model predicts no scores; or
            `folder` holds other results, or cannot be written.
    """
    labels = [method.label for method in candidates]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise LabError(f"two methods would be called {twice}; rename one of their files")
    for rated, splits in planned:
        for method in candidates:
            built = method.build(rated)
            if isinstance(built, ScoreTable):
                built.check(rated)
            if isinstance(built, ExportedModel):
                built.check(rated, tests_all=any("train" not in split.parts for split in splits))
    make_folder(folder)
    _refuse_to_drop(folder, labels, [rated.name for rated, _ in planned])
    environment.note(folder / "environment.json", {})
    results, by_split, by_type = [], [], []
    for rated, splits in planned:
        for method in candidates:
            home = folder / method.label / rated.name
            evaluated = {one.name: one.predictions for one in protocols.run(partial(method.build, rated), splits, home)}
            facts = {"method": method.label, "database": rated.name}
            together = pd.concat(evaluated.values(), ignore_index=True)
            if together["predicted"].nunique() == 1 < together["predicted"].count():
                value = together["predicted"].dropna().iloc[0]
                what = f"{method.label} predicts {value:g} for every photo of {rated.name}"
                warnings.warn(f"{what}; correlations with constant predictions are undefined", stacklevel=2)
            if tests:
                four, types = distortion_tests(together, rated)
                results.append(four.assign(**facts))
                by_type.append(types.assign(**facts))
                continue
            results.append(_agreement(evaluated).assign(**facts))
            fitted = [method.build(rated).learns and "train" in split.parts for split in splits]
            by_split.append(_described(summary.by_split(evaluated), splits).assign(**facts, fitted=fitted))
            name = f"{method.label}-{rated.name}"
            prediction_plots.scatter(together, name).savefig(folder / f"scatter-{name}.png", dpi=100)
            prediction_plots.extremes(together, rated.folder, name).savefig(folder / f"pictures-{name}.png", dpi=80)
    table = _labels_first(pd.concat(results, ignore_index=True))
    _save(table, folder)
    for other in ("splits.csv", "monotonicity.csv"):
        (folder / other).unlink(missing_ok=True)
    if by_split:
        _labels_first(pd.concat(by_split, ignore_index=True)).to_csv(folder / "splits.csv", index=False)
    if by_type:
        types = _labels_first(pd.concat(by_type, ignore_index=True))
        types.to_csv(folder / "monotonicity.csv", index=False)
        with (folder / "results.md").open("a", encoding="utf-8") as report:
            report.write(f"\nM, type by type\n\n{as_markdown(types)}")
    return table


def _refuse_to_drop(folder: Path, labels: Sequence[str], databases: Sequence[str]) -> None:
    """Refuse a folder whose table of results would lose rows."""
    if not (folder / "results.csv").is_file():
        return
    there = read_csv(folder / "results.csv", usecols=["method", "database"], dtype=str)
    lost = there[~(there["method"].isin(labels) & there["database"].isin(databases))]
    if len(lost):
        what = " on ".join(lost.iloc[0])
        raise LabError(f"{folder} has results of {what}, which would be lost; evaluate it too, or choose another folder")


def _described(table: pd.DataFrame, splits: Sequence[Split]) -> pd.DataFrame:
    """One row per split, with the columns that `compare` needs.

    Splits are comparable if they have the same photos in the same parts (`parts` is a hash of these); names do not matter.
    """
    learned = [[part for name, part in split.parts.items() if name != "test"] for split in splits]
    return table.assign(
        seed=[split.seed for split in splits],
        parts=[hashlib.sha256(as_table(split.parts).to_csv().encode()).hexdigest()[:16] for split in splits],
        contents_learned=[sum(part.table["content"].nunique() for part in parts) for parts in learned],
        contents_tested=[split.parts["test"].table["content"].nunique() for split in splits],
    )


def _agreement(evaluated: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The agreement of one split: every part, with confidence intervals.

    Of several splits: medians, in the part "median of K", with standard deviations of SRCC and PLCC; `n` and `failed` are sums.
    """
    if len(evaluated) == 1:
        (predictions,) = evaluated.values()
        by = next((column for column in ("group", "type") if column in predictions), None)
        return summary.by_part(predictions, by)
    splits = summary.by_split(evaluated)
    over = summary.over_splits(splits).set_index("measure")
    deviations = {f"{figure}_std": over.loc[figure, "std"] for figure in ("srcc", "plcc")}
    counts = {name: int(splits[name].sum()) for name in ("n", "failed")}
    return pd.DataFrame([{"part": f"median of {len(evaluated)}", **over["median"].to_dict(), **deviations, **counts}])


def distortion_tests(predictions: pd.DataFrame, rated: RatedImages) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The results of the D, L, P and M tests, and of the M test for each type of distortion with its family.

    Args:
        predictions: The table of `rated` with `predicted`, as from `protocols.predict_each`.
        rated: A database made by `noref lab synthesize`, as read by `synthetic.as_rated`.

    Returns:
        One row a test, with `test` and `value`; and one row a type of distortion, with `type`, `family` and `share`, that of
        the pairs of levels whose score falls.

    Raises:
        LabError: A photo has no full-reference score, or a test needs more types, levels or photos.
    """
    pool = synthetic.read(rated.folder).set_index("image").loc[predictions["image"]]
    unmeasured = pool.index[pool[[*synthetic.HIGHER_IS_BETTER]].isna().any(axis=1)]
    if len(unmeasured):
        raise LabError(
            f"{rated.folder}: {unmeasured[0]} has no full-reference score (uniform photos have none); synthesize without it"
        )
    scales = [
        waterloo.to_common_scale(pool[name], higher_is_better=higher) for name, higher in synthetic.HIGHER_IS_BETTER.items()
    ]
    three = waterloo.all_tests(predictions, np.stack(scales, axis=1))
    m = monotonicity.m_test(*(predictions[column] for column in ("predicted", "content", "type", "level")))
    types = m.types.copy()
    types.insert(1, "family", [distortions.get(kind).family for kind in types["type"]])
    return pd.concat([three, m.as_row()], ignore_index=True), types


def _labels_first(table: pd.DataFrame) -> pd.DataFrame:
    labels = ["method", "database"]
    return table[labels + [column for column in table if column not in labels]]


def _save(table: pd.DataFrame, folder: Path) -> None:
    with draft(folder / "results.csv") as unfinished:
        table.to_csv(unfinished, index=False)
    records = json.loads(table.to_json(orient="records"))
    write_json(folder / "results.json", records)
    write_text(folder / "results.md", as_markdown(table))


def as_markdown(table: pd.DataFrame) -> str:
    """The most important columns as Markdown; `results.csv` has all."""
    if "srcc" in table:
        table = table[[column for column in ("results", "method", "database", "part", *summary.SHOWN) if column in table]]
    return tables.as_markdown(table)
