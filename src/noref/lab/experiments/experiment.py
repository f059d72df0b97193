"""An experiment: recipe -> split by content -> fit -> predict -> results folder.

A results folder holds `recipe.yaml` (as resolved), `environment.json` (versions, commit, data hash), `split.csv`, one folder a
stage with checkpoints, `log/` and at the end `done`, `curves.png`, `model/`, and what `evaluation.report` writes. Where several
processes train together, only the first writes it.
"""

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from noref.lab import datasets, methods
from noref.lab.datasets import check, labelled
from noref.lab.datasets.rated import PARTS, RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import protocols
from noref.lab.evaluation.report import report
from noref.lab.evaluation.splits import as_table, by_content, guard
from noref.lab.files import access, make_folder, read_json, read_text
from noref.lab.methods.base import Method
from noref.lab.plots import curves
from noref.lab.settings import NotNegative, changed, dump, nested

_RESUMED = "resumed at "
_PACKAGES = ("noref", "numpy", "pillow", "onnxruntime", "torch", "lightning", "scikit-learn", "scipy", "pandas")


@dataclass(frozen=True)
class Recipe:
    """One experiment.

    Attributes:
        method: Name of the method.
        params: Settings of the method, as nested mappings; what is not named keeps the method's default.
        split: Part name -> share of the contents; needs `train`, `validation` and `test`. Or "official": the split that the
            database's authors published; where it names no validation part, a tenth of the training contents becomes one.
        seed: Of the split, the weights and the training.
        labels: For classifiers: `classes` and perhaps `levels` of `datasets.labelled.read`.
        name: Of the recipe; cards name it.

    Raises:
        LabError: A value has another form.
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
        split = _checked(dict[str, float] | Literal["official"], self.split, None)
        if split is None or (isinstance(split, dict) and set(split) != set(PARTS)):
            raise LabError(f"a split is the word official, or shares of {', '.join(PARTS)}; not {self.split!r}")
        if self.labels is not None:
            if not isinstance(self.labels, dict) or not {"classes"} <= set(self.labels) <= {"classes", "levels"}:
                raise LabError(f"labels are classes and optionally levels, not {self.labels!r}")
            _checked(list[str], self.labels["classes"], "the classes of labels must be a list of names")
            _checked(list[int] | None, self.labels.get("levels"), "the levels of labels must be a list of whole numbers")
        _checked(dict[str, Any], self.params, "params must be settings by name")
        _checked(NotNegative, self.seed, "seed must be a whole number, at least 0")

    def build(self) -> Method[Any]:
        """The method, unfitted.

        Raises:
            LabError: There is no such method or setting (the message suggests near names), or a value is not possible.
        """
        return methods.get(self.method).configured(self.params, self.seed)

    def resolved(self) -> dict[str, Any]:
        """The recipe as YAML can hold it, with all settings: later defaults do not change what it means."""
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**facts, "params": dump(self.build().settings)}

    def parts(self, rated: RatedImages) -> Mapping[str, RatedImages]:
        """The train, validation and test parts of a database.

        Raises:
            LabError: The shares do not fit it, or it has no official split.
        """
        if isinstance(self.split, dict):
            return by_content(rated, self.split, self.seed)
        (split,) = protocols.official(rated, self.seed)
        return split.parts


def _checked(kind: Any, value: Any, cause: str | None) -> Any:
    """A value of a type; where it has another one, None without `cause`.

    Raises:
        LabError: The value has another type, and `cause` is given.
    """
    try:
        return TypeAdapter(kind, config={"strict": True}).validate_python(value)
    except ValidationError as error:
        if cause is None:
            return None
        raise LabError(f"{cause}, not {value!r}") from error


def read_yaml(text: str) -> Any:
    """The content of a recipe, or one value of it, in YAML 1.2.

    Raises:
        LabError: It is not valid YAML.
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError) as error:  # ValueError: a date that does not exist, for example
        raise LabError(f"not valid YAML: {' '.join(str(error).split())}") from error


def _as_yaml(content: Mapping[str, Any]) -> str:
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output = False, False
    text = StringIO()
    yaml.dump(content, text)
    return text.getvalue()


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with noref."""
    folder = resources.files("noref.lab.recipes")
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name_or_file: str, changes: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe by name or path.

    Args:
        name_or_file: A shipped recipe, or a YAML file.
        changes: To the recipe: `seed`, `split`, `labels`, or settings by dotted names such as "schedule.epochs".

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
        recipe = replace(recipe, params=dump(changed(recipe.build().settings, nested(changes), recipe.method)))
    except LabError as error:
        raise LabError(f"{path}: {error}") from error
    return recipe


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
    return check.join_contents(rated, (pair.sides for pair in check.check(rated).near_pairs))


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
    resolved = _as_yaml({**recipe.resolved(), "database": rated.name})
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
        note_environment(environment_file, known)
        recipe_file.write_text(resolved)


def note_environment(file: Path, facts: Mapping[str, str]) -> None:
    """Write down what a result is made with, or the commit under which it goes on; never what was written before anew.

    Args:
        file: To write, JSON.
        facts: To record in addition to versions, kind of machine and commit.
    """
    if file.exists():
        known = read_json(file)
        if known["commit"].rpartition(_RESUMED)[2] == _commit():
            return
        known["commit"] += f", {_RESUMED}{_commit()}"
    else:
        known = {**_environment(), **facts}
    file.write_text(json.dumps(known, indent=2) + "\n")


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


def load_model(folder: Path) -> Method[Any]:
    """The fitted method of a results folder.

    Raises:
        LabError: It holds no finished experiment, or one of another version of noref.
    """
    kind = methods.get(read_resolved(folder)["method"])
    if not (folder / "model").is_dir():
        raise LabError(f"{folder} holds no finished experiment (model is missing); repeat its `noref lab train` first")
    return kind.load(folder / "model")
