"""Methods x databases under one protocol, and the folder of results that remains.

The folder holds `METHOD/DATABASE/` with what `protocols.run` keeps (all per-image predictions), `results.csv`, `.json` and
`.md` (one row a method, database and part), `environment.json` (versions and commits), `splits.csv`
(one row a split), a scatter plot and a sheet of the best and worst pictures for each method and database; after the D, L, P and
M tests instead `monotonicity.csv` (one row a type of distortion).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noref.lab import distortions, tables
from noref.lab.datasets import synthetic
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import protocols, summary
from noref.lab.evaluation.fixed import ExportedModel, Fixed, ScoreTable
from noref.lab.evaluation.protocols import Split
from noref.lab.evaluation.splits import as_table
from noref.lab.experiments import environment
from noref.lab.experiments.recipe import Recipe, load_recipe
from noref.lab.files import make_folder
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
"""The protocols, and what each heeds of the settings of `plan`."""


@dataclass(frozen=True)
class Candidate:
    """A method to be judged.

    Attributes:
        label: How tables call it; also its folder.
        build: Makes it, unfitted, for a database.
    """

    label: str
    build: Callable[[RatedImages], ScoringMethod[Any]]


def candidate(text: str, changes: Mapping[str, Any]) -> Candidate:
    """A method from the command line.

    Args:
        text: "model:NAME_OR_FILE" (an exported model), "recipe:NAME_OR_FILE" (fitted inside each split) or "scores:FILE" (a CSV
            of image and score, higher is better).
        changes: To the settings of recipes.

    Raises:
        LabError: It is none of these, there is no such recipe, it is wrong, or its answers are no scores.
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
            raise LabError("the protocol splits: give --protocol and --shares instead of --set split=…")
        scoring(recipe)
        return Candidate(label, lambda _: scoring(recipe))
    raise LabError(f"a method is model:NAME_OR_FILE, recipe:NAME_OR_FILE or scores:FILE, not {text!r}")


def scoring(recipe: Recipe) -> ScoringMethod[Any]:
    """The method of a recipe, unfitted.

    Raises:
        LabError: It predicts something else than scores.
    """
    method = recipe.build()
    if not isinstance(method, ScoringMethod):
        raise LabError(f"{recipe.name} predicts classes or defects instead of scores; use `noref lab train` to measure it")
    return method


def plan(
    protocol: str, databases: Sequence[RatedImages], shares: Mapping[str, float], repeats: int, seed: int
) -> list[tuple[RatedImages, list[Split]]]:
    """The splits of a protocol for each database that is tested on.

    Raises:
        LabError: There is no such protocol, it needs other databases, or two that are tested on share a name.
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
        raise LabError("cross needs at least two databases: the first is learned from, each of the others tested on")
    tested = databases[1:] if protocol == "cross" else databases
    names = [rated.name for rated in tested]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise LabError(f"two databases are called {twice}; evaluate them into folders of their own")
    return [(rated, makers[protocol](rated)) for rated in tested]


def evaluate(
    candidates: Sequence[Candidate], planned: Iterable[tuple[RatedImages, list[Split]]], folder: Path, *, tests: bool = False
) -> pd.DataFrame:
    """Judge every method on every planned database; go on where an interrupted run stopped.

    Args:
        candidates: Methods, with labels that differ.
        planned: From `plan`.
        folder: Of the results.
        tests: Report the D, L, P and M tests instead of agreement; the databases must come from `noref lab synthesize`.

    Returns:
        The table of results.

    Raises:
        LabError: `folder` holds other results, or cannot be written.
    """
    make_folder(folder)
    environment.note(folder / "environment.json", {})
    results, by_split, by_type = [], [], []
    for rated, splits in planned:
        for method in candidates:
            home = folder / method.label / rated.name
            judged = {one.name: one.predictions for one in protocols.run(partial(method.build, rated), splits, home)}
            facts = {"method": method.label, "database": rated.name}
            together = pd.concat(judged.values(), ignore_index=True)
            if tests:
                four, types = _tests(together, rated)
                results.append(four.assign(**facts))
                by_type.append(types.assign(**facts))
                continue
            results.append(_agreement(judged).assign(**facts))
            by_split.append(_described(summary.by_split(judged), splits).assign(**facts, fitted=_is_fitted(method, rated)))
            name = f"{method.label}-{rated.name}"
            prediction_plots.scatter(together, name).savefig(folder / f"scatter-{name}.png", dpi=100)
            prediction_plots.extremes(together, rated.folder, name).savefig(folder / f"pictures-{name}.png", dpi=80)
    table = _labels_first(pd.concat(results, ignore_index=True))
    _save(table, folder)
    if by_split:
        _labels_first(pd.concat(by_split, ignore_index=True)).to_csv(folder / "splits.csv", index=False)
    if by_type:
        types = _labels_first(pd.concat(by_type, ignore_index=True))
        types.to_csv(folder / "monotonicity.csv", index=False)
        with (folder / "results.md").open("a") as report:
            report.write(f"\nM, type by type\n\n{as_markdown(types)}")
    return table


def _is_fitted(method: Candidate, rated: RatedImages) -> bool:
    return not isinstance(method.build(rated), Fixed)


def _described(table: pd.DataFrame, splits: Sequence[Split]) -> pd.DataFrame:
    """One row a split, with the columns that a comparison needs (`compare`).

    Splits are comparable if they have the same photos in the same parts (`parts` is a hash of these), whatever their names.
    """
    learned = [[part for name, part in split.parts.items() if name != "test"] for split in splits]
    return table.assign(
        seed=[split.seed for split in splits],
        parts=[hashlib.sha256(as_table(split.parts).to_csv().encode()).hexdigest()[:16] for split in splits],
        contents_learned=[sum(part.table["content"].nunique() for part in parts) for parts in learned],
        contents_tested=[split.parts["test"].table["content"].nunique() for split in splits],
    )


def _agreement(judged: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Of one split: every part with intervals.

    Of several: medians over the splits, part "median of K", with deviations of SRCC and PLCC; `n` and `failed` are sums.
    """
    if len(judged) == 1:
        (predictions,) = judged.values()
        by = next((column for column in ("group", "type") if column in predictions), None)
        return summary.by_part(predictions, by)
    splits = summary.by_split(judged)
    over = summary.over_splits(splits).set_index("measure")
    mos_std = {f"{figure}_std": over.loc[figure, "std"] for figure in ("srcc", "plcc")}
    counts = {name: int(splits[name].sum()) for name in ("n", "failed")}
    return pd.DataFrame([{"part": f"median of {len(judged)}", **over["median"].to_dict(), **mos_std, **counts}])


def _tests(predictions: pd.DataFrame, rated: RatedImages) -> tuple[pd.DataFrame, pd.DataFrame]:
    """D, L, P and M, and M of each type with the family that it belongs to."""
    pool = synthetic.read(rated.folder).set_index("image").loc[predictions["image"]]
    unmeasured = pool.index[pool[[*synthetic.HIGHER_IS_BETTER]].isna().any(axis=1)]
    if len(unmeasured):
        raise LabError(
            f"{rated.folder}: {unmeasured[0]} has no full-reference score (a flat photo has none); synthesize without it"
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
    table.to_csv(folder / "results.csv", index=False)
    records = json.loads(table.to_json(orient="records"))
    (folder / "results.json").write_text(json.dumps(records, indent=2) + "\n")
    (folder / "results.md").write_text(as_markdown(table))


def as_markdown(table: pd.DataFrame) -> str:
    """The columns that a reader wants first; `results.csv` has all."""
    if "srcc" in table:
        table = table[[column for column in ("results", "method", "database", "part", *summary.SHOWN) if column in table]]
    return tables.as_markdown(table)
