"""An experiment: recipe -> split by content -> fit -> predict -> results folder.

A results folder holds `recipe.yaml` (as resolved), `environment.json` (versions, commit, data hash), `split.csv`, one folder a
stage with checkpoints, `log/` and at the end `done`, `curves.png`, `model/`, and what `evaluation.report` writes. Where several
processes train together, only the first writes it.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from noref.lab import datasets, methods
from noref.lab.datasets import check, labelled
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation.report import report
from noref.lab.evaluation.splits import as_table, guard
from noref.lab.experiments import environment
from noref.lab.experiments.recipe import Recipe, as_yaml, read_yaml
from noref.lab.files import access, make_folder, read_json, read_text
from noref.lab.methods.base import Method
from noref.lab.plots import curves


def gather(recipe: Recipe, database: tuple[str, str] | None) -> RatedImages:
    """The photos that an experiment divides among learning, validation and test; no split can part near-identical ones.

    Args:
        recipe: Of the experiment.
        database: Name and folder; methods that learn from clean photos can do without.

    Raises:
        LabError: As `prepare`; or there is nothing to learn from.
    """
    method = recipe.build()
    if database is None or recipe.labels is None:
        return _joined(method.gather(datasets.read(*database) if database else None))
    return prepare(*database, recipe.labels)


def prepare(name: str, folder: str | Path, labels: Mapping[str, Any] | None = None) -> RatedImages:
    """Read a database and give near-identical pictures one content, so that no split can part them.

    Args:
        name: Of the database.
        folder: Where it is.
        labels: Of a recipe, to get a set of labelled photos (`datasets.labelled.read`).

    Raises:
        LabError: As `datasets.read` and `datasets.labelled.read`.
    """
    rated = datasets.read(name, folder) if labels is None else labelled.read(name, folder, **labels)
    return _joined(rated)


def _joined(rated: RatedImages) -> RatedImages:
    return check.join_contents(rated, check.check(rated).near_pairs)


def run(recipe: Recipe, rated: RatedImages, folder: Path) -> pd.DataFrame | None:
    """Run an experiment, or go on with it where it was interrupted, and leave everything in `folder`.

    Returns:
        Agreement on the test part, over all photos and per group, or what the method reports instead. None in all processes
        but the first, where several train together (`torchrun`, SLURM, or started by Lightning): they only train.

    Raises:
        LabError: `folder` holds another experiment or cannot be written; or the database cannot be split by the recipe.
        LeakError: Near-identical pictures stand in two parts (`prepare` prevents it), or the method learns from a test photo,
            or from the reference of one, in addition to the training part.
    """
    parts, method = recipe.parts(rated), recipe.build()
    if _is_first_process():
        _claim(recipe, method, rated, folder)
    guard(parts, external=method.external_images())
    if _is_first_process():
        as_table(parts).to_csv(folder / "split.csv", index=False)
    method.fit(parts["train"], parts["validation"], folder)
    if not _is_first_process():
        return None
    method.save(folder / "model")
    curves.draw(folder)
    return report(method, parts["test"], folder)


def _is_first_process() -> bool:
    from lightning.pytorch.utilities import rank_zero_only

    return rank_zero_only.rank == 0  # type: ignore[attr-defined]


def _claim(recipe: Recipe, method: Method[Any], rated: RatedImages, folder: Path) -> None:
    """Write down which experiment this is, or refuse where the folder holds another."""
    make_folder(folder)
    resolved = as_yaml({**recipe.resolved(), "database": rated.name})
    known = {"data": rated.fingerprint()}
    if external := method.external_images():
        known["external"] = hashlib.sha256(str([path.stat().st_size for path in external]).encode()).hexdigest()[:16]
    recipe_file, environment_file = folder / "recipe.yaml", folder / "environment.json"
    if recipe_file.exists():
        if {**read_resolved(folder), "name": recipe.name} != read_yaml(resolved):  # whatever it was called then
            raise LabError(f"{folder} holds another experiment; choose another --out, or delete it")
        begun = read_json(environment_file)
        if not known.items() <= begun.items():
            raise LabError(f"{folder} holds this experiment on other photos or opinions; choose another --out")
    with access(folder, "choose another --out"):
        if not recipe_file.exists():
            environment_file.unlink(missing_ok=True)  # left by a claim that was interrupted before it named its recipe
        environment.note(environment_file, known)
        recipe_file.write_text(resolved)


def read_resolved(folder: Path) -> dict[str, Any]:
    """The recipe of a results folder, all defaults filled in.

    Raises:
        LabError: There is none.
    """
    file = folder / "recipe.yaml"
    if not file.is_file():
        raise LabError(f"{folder} holds no experiment (recipe.yaml is missing); give a results folder of `noref lab train`")
    recipe = read_yaml(read_text(file))
    if not isinstance(recipe, dict) or not {"method", "split", "seed", "database"} <= set(recipe):
        raise LabError(f"{file} is not what `noref lab train` wrote; give another results folder")
    return recipe


def load_model(folder: Path) -> Method[Any]:
    """The fitted method of a results folder.

    Raises:
        LabError: It holds no finished experiment, or one of another version of noref.
    """
    kind = methods.get(read_resolved(folder)["method"])
    if not (folder / "model").is_dir():
        raise LabError(f"{folder} holds no finished experiment (model is missing); repeat its `noref lab train` first")
    return kind.load(folder / "model")
