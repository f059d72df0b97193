"""An experiment: recipe -> split by content -> fit -> predict -> results folder.

A results folder holds `recipe.yaml` (with all defaults), `environment.json` (versions, commit, data hash), `split.csv`, one
folder per stage of training with checkpoints, `log/` and finally `done`, `curves.png`, `model/`, and the files of
`evaluation.report`. If several processes train together, only the first one writes it.
"""

from collections.abc import Collection, Mapping
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
from noref.lab.files import access, digest, make_folder, read_json, read_text, write_text
from noref.lab.methods.base import Method
from noref.lab.plots import curves

_CLAIM = ("recipe.yaml", "environment.json", "split.csv")  # what a run writes before it trains
_SHOWN = 3  # photos that an error names


def gather(recipe: Recipe, database: tuple[str, str] | None) -> RatedImages:
    """The images that an experiment splits into parts; near-identical images get the same content.

    Args:
        recipe: The experiment.
        database: Name and folder; optional for methods that are trained on pristine images.

    Raises:
        LabError: As `prepare`; or there are no training images, a photo is missing, or one to train or validate on cannot be
            read.
    """
    if database is not None and recipe.labels is not None:
        rated = labelled.read(*database, **recipe.labels)
    else:
        rated = recipe.build().gather(datasets.read(*database) if database else None)
    found = check.check(rated)
    _refuse(set(found.missing) & set(rated.paths), "are missing", rated)
    whole = check.join_contents(rated, (pair.sides for pair in found.near_pairs))
    if found.unreadable:  # of the test part, they become failed rows
        parts = recipe.parts(whole)
        learned = {path for name, part in parts.items() if name != "test" for path in part.paths}
        _refuse(set(found.unreadable) & learned, "to train or validate on cannot be read", rated)
    return whole


def _refuse(photos: Collection[Path], what: str, rated: RatedImages) -> None:
    if photos:
        shown = ", ".join(map(str, sorted(photos)[:_SHOWN])) + (", ..." if len(photos) > _SHOWN else "")
        raise LabError(
            f"{rated.name}: {len(photos)} photos {what} ({shown}); `noref lab data check` lists all; add or remove them"
        )


def prepare(name: str, folder: str | Path, labels: Mapping[str, Any] | None = None) -> RatedImages:
    """Read a database, and give near-identical images the same content, so that splits keep them in one part.

    Args:
        name: Name of the database.
        folder: Its folder.
        labels: `labels` of a recipe, for a database of labelled photos (`datasets.labelled.read`).

    Raises:
        LabError: As `datasets.read` and `datasets.labelled.read`.
    """
    rated = datasets.read(name, folder) if labels is None else labelled.read(name, folder, **labels)
    return joined(rated)


def joined(rated: RatedImages) -> RatedImages:
    """The database with near-identical images in one content."""
    return check.join_contents(rated, (pair.sides for pair in check.check(rated).near_pairs))


def run(recipe: Recipe, rated: RatedImages, folder: Path) -> pd.DataFrame | None:
    """Run an experiment, or resume an interrupted one, and write everything to `folder`.

    Returns:
        The results on the test part, as from `evaluation.report`. If several processes train together (`torchrun`, SLURM, or
        started by Lightning), None in all but the first, which only train.

    Raises:
        LabError: `folder` holds another experiment or cannot be written; or the database cannot be split by the recipe.
        LeakError: Near-identical images are in two parts (`prepare` prevents this), or the external images of the method
            include a validation or test image, or the reference of one.
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
    """Record the experiment in the folder; refuse a folder that holds another one."""
    make_folder(folder)
    resolved = as_yaml({**recipe.resolved(), "database": rated.name})
    known = {"data": rated.fingerprint()}
    if external := method.external_images():
        known["external"] = digest(external)
    recipe_file, environment_file = folder / "recipe.yaml", folder / "environment.json"
    begun = recipe_file.exists() and any(path.name not in _CLAIM for path in folder.iterdir())
    if begun:
        if {**read_resolved(folder), "name": recipe.name} != read_yaml(resolved):  # the name may differ
            raise LabError(f"{folder} holds another experiment; choose another --out, or delete it")
        if not known.items() <= read_json(environment_file).items():
            raise LabError(f"{folder} holds this experiment on other data; choose another --out")
    with access(folder, "choose another --out"):
        if not begun:  # a claim under which nothing was trained, or half of one, is replaced
            recipe_file.unlink(missing_ok=True)
            environment_file.unlink(missing_ok=True)
        environment.note(environment_file, known)
        if not begun:
            write_text(recipe_file, resolved)


def read_resolved(folder: Path) -> dict[str, Any]:
    """The recipe of a results folder, with all defaults filled in.

    Raises:
        LabError: The folder holds no recipe.
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
        LabError: The folder holds no finished experiment, or was written by another version of noref.
    """
    kind = methods.get(read_resolved(folder)["method"])
    if not (folder / "model").is_dir():
        raise LabError(f"{folder} holds no finished experiment (model is missing); repeat its `noref lab train` first")
    return kind.load(folder / "model")
