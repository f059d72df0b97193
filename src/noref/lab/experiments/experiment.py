"""The way of an experiment: recipe -> split by content -> fit -> predict -> results folder.

A results folder holds `recipe.yaml` (as resolved), `environment.json` (versions, commit, data hash), `split.csv`, one folder a
stage with checkpoints, `log/` and at the end `done`, `curves.png`, `model/`, `predictions.csv`, `results.csv` and `results.md`,
`scatter.png` of methods that give scores, and what a method adds. Where several processes train together, only the first
writes it.
"""

import hashlib
import importlib.metadata
import json
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import pandas as pd
import yaml

from noref.lab import datasets, methods
from noref.lab.datasets import check, labelled
from noref.lab.datasets.rated import PARTS, RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import protocols, summary
from noref.lab.evaluation.splits import as_table, by_content, guard
from noref.lab.files import access, make_folder, read_json, read_text
from noref.lab.methods import settings
from noref.lab.methods.method import Method, external_images
from noref.lab.plots import curves
from noref.lab.plots import predictions as prediction_plots
from noref.lab.tables import as_markdown

_GONE_ON = "gone on with at "
_PACKAGES = ("noref", "numpy", "pillow", "onnxruntime", "torch", "lightning", "scikit-learn", "scipy", "pandas")


@dataclass(frozen=True)
class Recipe:
    """One experiment, as its YAML says it.

    Attributes:
        method: Name of the method.
        params: Settings of the method; what is not named keeps the method's own value.
        split: Part name -> share of the contents; needs `train`, `validation` and `test`. Or "official": the split that the
            database's authors published; where it names no validation part, a tenth of the training contents becomes one.
        seed: Of the split, the weights and the training.
        labels: For methods that learn classes: `classes` and perhaps `levels` of `datasets.labelled.read`.
        name: Of the recipe itself; cards tell it.

    Raises:
        LabError: The split is neither, or the labels, the settings or the seed are not of this form.
    """

    method: str
    params: dict[str, Any] = field(default_factory=dict)
    split: dict[str, float] | Literal["official"] = field(
        default_factory=lambda: {"train": 0.75, "validation": 0.1, "test": 0.15}
    )
    seed: int = 0
    labels: dict[str, Any] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.split != "official" and not (settings.fits(self.split, dict[str, float]) and set(self.split) == set(PARTS)):
            raise LabError(f"a split is the word official, or shares of {', '.join(PARTS)}; not {self.split!r}")
        if self.labels is not None:
            if not isinstance(self.labels, dict) or not {"classes"} <= set(self.labels) <= {"classes", "levels"}:
                raise LabError(f"labels are classes and perhaps levels, not {self.labels!r}")
            if not settings.fits(self.labels["classes"], Sequence[str]):
                raise LabError(f"the classes of labels must be a list of names, not {self.labels['classes']!r}")
            if not settings.fits(self.labels.get("levels"), Sequence[int] | None):
                raise LabError(f"the levels of labels must be a list of whole numbers, not {self.labels['levels']!r}")
        if not settings.fits(self.params, dict[str, Any]):
            raise LabError(f"params must be settings by name, not {self.params!r}")
        if not settings.fits(self.seed, int) or self.seed < 0:
            raise LabError(f"seed must be a whole number, at least 0, not {self.seed!r}")

    def build(self) -> Method:
        """The method, unfitted."""
        return methods.get(self.method)(**{**self.params, "seed": self.seed})

    def parts(self, rated: RatedImages) -> Mapping[str, RatedImages]:
        """The train, validation and test parts of a database.

        Raises:
            LabError: The shares do not fit it, or it has no official split.
        """
        if isinstance(self.split, dict):
            return by_content(rated, self.split, self.seed)
        (split,) = protocols.official(rated, self.seed)
        return split.parts


class _Yaml(yaml.SafeLoader):
    """YAML in which 1e-4 is a number, as everyone means it: YAML 1.1 wants 1.0e-4, and calls the other one text."""


_Yaml.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789"))


def read_yaml(text: str) -> Any:
    """What a recipe, or one value of it, says.

    Raises:
        LabError: It is not valid YAML.
    """
    try:
        return yaml.load(text, _Yaml)  # noqa: S506 — a SafeLoader
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that no calendar has, for one
        raise LabError(f"not valid YAML: {' '.join(str(error).split())}") from error


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with noref."""
    folder = resources.files("noref.lab.recipes")
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name_or_file: str, changes: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe by name or path; `changes` replace the seed, the split, the labels or single params.

    Raises:
        LabError: It is neither a shipped recipe nor a file, is not valid YAML, or has an unknown key; or a setting is unknown,
            or its value impossible.
    """
    path = Path(name_or_file)
    if not path.is_file():
        if name_or_file not in shipped_recipes():
            raise LabError(f"{name_or_file} is neither a file nor a recipe; recipes are: {', '.join(shipped_recipes())}")
        path = Path(str(resources.files("noref.lab.recipes") / f"{name_or_file}.yaml"))
    changes = dict(changes or {})
    whole = {key: changes.pop(key) for key in ("seed", "split", "labels") if key in changes}
    text = read_text(path)
    try:
        content = read_yaml(text)
        known = {field.name for field in fields(Recipe)}
        if not isinstance(content, dict) or not {"method"} <= set(content) <= known:
            raise LabError(f"a recipe has the key method, and may have {', '.join(sorted(known - {'method'}))}; no others")
        recipe = Recipe(**{**content, **whole, "name": path.stem})
        recipe = replace(recipe, params={**recipe.params, **changes})
        settings.check(recipe.method, methods.get(recipe.method), recipe.params)
    except LabError as error:
        raise LabError(f"{path}: {error}") from error
    return recipe


@runtime_checkable
class Reporting(Protocol):
    """A method whose answers are no opinions, and which therefore says itself how good they are."""

    def report(self, test: RatedImages, folder: Path) -> pd.DataFrame:
        """Write `predictions.csv`, `results.csv` and `results.md` about a test part into a results folder; give the results."""
        ...


@runtime_checkable
class UsingPristineImages(Protocol):
    """A method that learns from photos without defects, which it spoils itself."""

    def sources(self, rated: RatedImages | None) -> RatedImages:
        """Its clean photos: of its own settings, and the best of a database where one is given."""
        ...


def gather(recipe: Recipe, database: tuple[str, str] | None) -> RatedImages:
    """The photos that an experiment divides among learning, validation and test; no split can part near-identical ones.

    Args:
        recipe: Of the experiment.
        database: Name and folder; methods that learn from clean photos can do without.

    Raises:
        LabError: As `prepare`; or there is nothing to learn from.
    """
    method = recipe.build()
    if isinstance(method, UsingPristineImages):
        return _joined(method.sources(datasets.read(*database) if database else None))
    if database is None:
        raise LabError(f"{recipe.method} learns from a database; give --data NAME=PATH")
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
            or from the reference of one, besides the training part.
    """
    parts, method = recipe.parts(rated), recipe.build()
    if _is_first_process():
        _claim(recipe, method, rated, folder)
    guard(parts, external=external_images(method))
    if _is_first_process():
        as_table(parts).to_csv(folder / "split.csv", index=False)
    method.fit(parts["train"], parts["validation"], folder)
    if not _is_first_process():
        return None
    method.save(folder / "model")
    curves.draw(folder)
    return (
        method.report(parts["test"], folder)
        if isinstance(method, Reporting)
        else report_agreement(method, parts["test"], folder)
    )


def _is_first_process() -> bool:
    from lightning.pytorch.utilities import rank_zero_only

    return rank_zero_only.rank == 0  # type: ignore[attr-defined]


def _claim(recipe: Recipe, method: Method, rated: RatedImages, folder: Path) -> None:
    """Write down which experiment this is, or refuse where the folder holds another."""
    make_folder(folder)
    said = {key: value for key, value in asdict(recipe).items() if value is not None}
    resolved = yaml.safe_dump({**said, "database": rated.name}, sort_keys=False)
    known = {"data": rated.fingerprint()}
    if besides := external_images(method):
        known["besides"] = hashlib.sha256(str([path.stat().st_size for path in besides]).encode()).hexdigest()[:16]
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
        note_environment(environment_file, known)
        recipe_file.write_text(resolved)


def note_environment(file: Path, facts: Mapping[str, str]) -> None:
    """Write down what a result is made with, or the commit under which it goes on; never what was written before anew.

    Args:
        file: To write, JSON.
        facts: To be told besides versions, kind of machine and commit.
    """
    if file.exists():
        known = read_json(file)
        if known["commit"].rpartition(_GONE_ON)[2] == _commit():
            return
        known["commit"] += f", {_GONE_ON}{_commit()}"
    else:
        known = {**_environment(), **facts}
    file.write_text(json.dumps(known, indent=2) + "\n")


def report_agreement(method: Method, test: RatedImages, folder: Path) -> pd.DataFrame:
    """Write `predictions.csv`, `results.csv`, `results.md` and `scatter.png` of a test part; give the results, per group too.

    A photo that cannot be judged is a failed row.
    """
    predictions = protocols.predict_each(method, test)
    predictions.to_csv(folder / "predictions.csv", index=False)
    results = summary.by_part(predictions, "group" if "group" in predictions else None)
    results.to_csv(folder / "results.csv", index=False)
    (folder / "results.md").write_text(as_markdown(results[["part", *(name for name in summary.SHOWN if name in results)]]))
    prediction_plots.scatter(predictions, folder.name).savefig(folder / "scatter.png", dpi=100)
    return results


def _environment() -> dict[str, Any]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {"python": platform.python_version(), "machine": platform.machine(), "commit": _commit(), "versions": versions}


def _commit() -> str:
    """The commit of the source tree that noref runs from, marked where it has uncommitted changes; empty for a wheel."""
    here = Path(__file__)
    git = partial(subprocess.run, cwd=here.parent, capture_output=True, text=True, check=True)
    try:
        git(["git", "ls-files", "--error-unmatch", here.name])  # a wheel may lie in somebody else's repository
        return str(git(["git", "describe", "--always", "--dirty", "--abbrev=12"]).stdout).strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


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


def load_model(folder: Path) -> Method:
    """The fitted method of a results folder.

    Raises:
        LabError: It holds no finished experiment, or one of another version of noref.
    """
    kind = methods.get(read_resolved(folder)["method"])
    if not (folder / "model").is_dir():
        raise LabError(f"{folder} holds no finished experiment (model is missing); repeat its `noref lab train` first")
    return kind.load(folder / "model")
