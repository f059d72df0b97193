"""Study of the number of crops and the pooling of DeepBIQ (Bianco et al. 2018, section 3.2) over random splits.

The results folder holds `study.json` (the settings), one `split-000.csv` for each completed split, `results.csv` and
`results.md` (medians over the splits), `tests.csv` and `tests.md` (significance tests; `p_holm` is p corrected for all rows)
and `srcc.png`.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from sklearn.pipeline import Pipeline

from noref.drafts import draft
from noref.lab.arrays import Vectors
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import protocols
from noref.lab.experiments.recipe import Recipe
from noref.lab.files import access, make_folder, read_text, write_text
from noref.lab.lookup import lookup
from noref.lab.methods.deepbiq import svr
from noref.lab.methods.deepbiq.method import DeepBiqMethod
from noref.lab.methods.deepbiq.pooling import POOLINGS, Pooling
from noref.lab.metrics import significance
from noref.lab.metrics.agreement import agreement
from noref.lab.settings import changed
from noref.lab.tables import as_markdown
from noref.resampling import holm

COUNTS = tuple(range(5, 55, 5))  # as in the paper
LEVEL = 0.05  # significance level


def study(
    recipe: Recipe, rated: RatedImages, folder: Path, counts: Sequence[int], poolings: Sequence[str], repeats: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Evaluate every number of crops with every pooling on the same random splits; an interrupted study is resumed.

    Features are extracted once, and cached in `folder` unless the recipe names a cache. The network is fixed; C and epsilon are
    chosen in each split, on its validation part.

    Args:
        recipe: A recipe of DeepBIQ on crops without fine-tuning; it has the shares of the parts and the first seed.
        rated: The database.
        folder: Results folder.
        counts: Numbers of crops.
        poolings: Kinds of pooling; see `pooling.Pooling`.
        repeats: Number of random splits.

    Returns:
        The medians, and the tests (see `compare`).

    Raises:
        ImageError: A photo cannot be read, or is smaller than a crop.
        LabError: There is no such pooling, the recipe is unsuitable, or `folder` holds another study or cannot be written.
    """
    known: dict[str, Pooling] = {name: name for name in POOLINGS}
    chosen_poolings = [lookup("pooling", name, known) for name in poolings]
    if isinstance(recipe.split, str):
        raise LabError("random splits need shares of train, validation and test in the recipe")
    if min(counts) < 1:
        raise LabError(f"the number of crops must be at least 1, not {min(counts)}")
    method = _method(recipe, max(counts))
    backbone = method.bare_backbone()
    if method.settings.data.cache is None:
        method = _with(method, {"data": {"cache": str(folder / "features")}})
    settings = {
        "recipe": asdict(recipe),
        "data": rated.fingerprint(),
        "counts": [*counts],
        "poolings": [*poolings],
        "repeats": repeats,
    }
    _claim(folder, json.dumps(settings, indent=2, default=str) + "\n")
    vectors = method.vectors(backbone, rated.paths, method.settings.precision)
    row = {path: i for i, path in enumerate(rated.paths)}
    tables = []
    for i, split in enumerate(protocols.random_splits(rated, recipe.split, repeats, recipe.seed)):
        file = folder / f"split-{i:03}.csv"
        if not file.is_file():
            parts = {name: (vectors[[row[path] for path in part.paths]], part.unit_mos) for name, part in split.parts.items()}
            done = pd.DataFrame(_evaluated(parts, counts, chosen_poolings, method)).assign(split=split.name)
            with draft(file) as unfinished:
                done.to_csv(unfinished, index=False)
            print(f"{split.name}, {i + 1} of {repeats}", file=sys.stderr)
        tables.append(pd.read_csv(file))
    every = pd.concat(tables, ignore_index=True)
    return _report(every, folder, recipe.split["test"] / (1 - recipe.split["test"]))


def _method(recipe: Recipe, most: int) -> DeepBiqMethod:
    method = recipe.build()
    if not isinstance(method, DeepBiqMethod) or method.settings.view != "crops":
        raise LabError(f"a recipe of DeepBIQ on crops is needed, such as deepbiq-2, not one of {recipe.method}")
    if method.settings.finetune.epochs:
        raise LabError(
            "this study cannot fine-tune: run noref lab train first, then use a recipe without fine-tuning, with "
            "backbone.weights=RUN/backbone.safetensors, on images that the run was not trained on"
        )
    return _with(method, {"crops": most, "most_crops": max(most, method.settings.most_crops or 0)})


def _with(method: DeepBiqMethod, changes: Mapping[str, Any]) -> DeepBiqMethod:
    return DeepBiqMethod(changed(method.settings, changes), method.seed)


def _claim(folder: Path, settings: str) -> None:
    make_folder(folder)
    claim = folder / "study.json"
    if claim.exists():
        if read_text(claim) != settings:
            raise LabError(f"{folder} holds another study; choose another --out, or delete it")
        return
    with access(claim, "choose another --out"):
        write_text(claim, settings)


def _evaluated(
    parts: Mapping[str, tuple[Vectors, npt.NDArray[np.float64]]],
    counts: Sequence[int],
    poolings: Sequence[Pooling],
    method: DeepBiqMethod,
) -> Iterator[dict[str, str | float]]:
    """One row per number of crops and pooling, with the agreement on the test part."""
    known: dict[tuple[str, int], list[Pipeline]] = {}
    wanted = method.settings.regressor
    for count in counts:
        crops = {name: vectors[:, :count] for name, (vectors, _) in parts.items()}
        mos = {name: values for name, (_, values) in parts.items()}
        for pooling in poolings:
            # All poolings of predictions share one regressor, which is fitted to a few crops of each photo only.
            shared = pooling.startswith("prediction")
            fitted_to = svr.crops_to_learn_from(crops["train"].shape[:2], wanted.kernel) if shared else count
            key = ("prediction" if shared else pooling, fitted_to)
            if key not in known:
                known[key] = svr.fit(crops["train"], mos["train"], pooling, wanted, method.seed)
            best = svr.best(svr.judge(known[key], crops["validation"], mos["validation"], pooling))
            found = agreement(svr.predict(best.fitted, crops["test"], pooling), mos["test"])
            if math.isnan(found["srcc"]):
                found |= dict.fromkeys(("srcc", "plcc", "krcc"), 0.0)  # constant predictions; medians would leave NaN out
            yield {"crops": count, "pooling": pooling, "c": best.c, "epsilon": best.epsilon, "val_srcc": best.srcc, **found}
        known = {key: fits for key, fits in known.items() if key[0] == "prediction"}


def _report(every: pd.DataFrame, folder: Path, test_to_train: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = list(dict.fromkeys(every["pooling"]))
    groups = every.groupby(["crops", "pooling"], sort=False)
    table = groups[["srcc", "plcc", "krcc"]].median().reset_index()
    table["srcc_std"] = groups["srcc"].std().to_numpy()
    srcc = {name: every[every["pooling"] == name].pivot(index="split", columns="crops", values="srcc") for name in names}
    tests = compare(srcc, test_to_train)
    tests = tests.assign(p_holm=holm(tests["p"]))
    for name, found in (("results", table), ("tests", tests)):
        found.to_csv(folder / f"{name}.csv", index=False)
        write_text(folder / f"{name}.md", as_markdown(found))
    _draw(table, names).savefig(folder / "srcc.png", dpi=100)
    return table, tests


def chosen(srcc: pd.DataFrame) -> int:
    """The smallest number of crops for which no larger number is significantly better (two-sample t-test at .05).

    Args:
        srcc: One row per split, one column per number of crops.
    """
    counts = sorted(map(int, srcc.columns))

    def beaten(count: int) -> bool:
        rivals = [significance.two_sample_t(srcc[more], srcc[count]) for more in counts if more > count]
        return any(test.statistic > 0 and test.p < LEVEL for test in rivals)

    return next(count for count in counts if not beaten(count))


def compare(srcc: Mapping[str, pd.DataFrame], test_to_train: float) -> pd.DataFrame:
    """Compare the chosen number of crops with every other for each pooling, and the poolings with each other.

    The number of crops is chosen by the two-sample t-test, as in the paper. The comparison uses the corrected resampled t-test
    (`significance.corrected_t`), since all results are from the same, overlapping splits.

    Args:
        srcc: Pooling -> table as for `chosen`.
        test_to_train: Size of the test part divided by that of the other parts together.

    Returns:
        One row per pair: `first`, `second`, `splits`, `difference` (first minus second), `low`, `high` and `p`.
    """
    labelled = {name: values.rename(columns=lambda count, name=name: f"{name} of {count}") for name, values in srcc.items()}
    best = {name: f"{name} of {chosen(values)}" for name, values in srcc.items()}
    pairs = [(best[name], other) for name, values in labelled.items() for other in values if other != best[name]]
    values = pd.concat(labelled.values(), axis=1)
    return pd.DataFrame(
        {
            "first": first,
            "second": second,
            "splits": len(values),
            **significance.corrected_t(values[first], values[second], test_to_train)._asdict(),
        }
        for first, second in [*pairs, *combinations(best.values(), 2)]
    )


def _draw(table: pd.DataFrame, names: Sequence[str]) -> Figure:
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name in names:
        line = table[table["pooling"] == name].sort_values("crops")
        axes.plot(line["crops"], line["srcc"], marker="o", markersize=3, label=name)
    axes.set(xlabel="crops", ylabel="median SRCC over the splits", xticks=sorted(set(table["crops"])))
    figure.legend(loc="outside right center")
    return figure
