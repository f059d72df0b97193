"""Recipes: a method with its settings, the split and the seed, as YAML files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from noref.lab import methods
from noref.lab.datasets.rated import PARTS, RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import protocols
from noref.lab.evaluation.splits import by_content
from noref.lab.files import read_text
from noref.lab.methods.base import Method
from noref.lab.settings import changed, dump, nested

MAX_SEED = 2**32 - 8  # torch and numpy accept less than 2**32, and methods add small numbers for their stages
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]


@dataclass(frozen=True)
class Recipe:
    """One experiment.

    Attributes:
        method: Name of the method.
        params: Settings of the method, as nested mappings; others keep their defaults.
        split: Shares of the contents for the parts `train`, `validation` and `test`; or "official" for the published split of
            the database (without a validation part, a tenth of the training contents becomes one).
        seed: Seed of the split, the weights and the training.
        labels: For classifiers: `classes` and optionally `levels`, as for `datasets.labelled.read`.
        name: Name of the recipe, for model cards.

    Raises:
        LabError: A value has the wrong type or form.
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
        _checked(Seed, self.seed, f"seed must be a whole number of 0 to {MAX_SEED}")

    def build(self) -> Method[Any]:
        """The method, unfitted.

        Raises:
            LabError: There is no such method or setting (the message suggests similar names), or a value is invalid.
        """
        return methods.get(self.method).configured(self.params, self.seed)

    def resolved(self) -> dict[str, Any]:
        """The recipe with all settings, JSON-serialisable; later changes of defaults do not affect it."""
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**facts, "params": dump(self.build().settings)}

    def parts(self, rated: RatedImages) -> Mapping[str, RatedImages]:
        """The train, validation and test parts of a database.

        Raises:
            LabError: The shares do not fit the database, or it has no official split.
        """
        if isinstance(self.split, dict):
            return by_content(rated, self.split, self.seed)
        (split,) = protocols.official(rated, self.seed)
        return split.parts


def _checked(kind: Any, value: Any, cause: str | None) -> Any:
    """Validate the type of a value; for a wrong type, None if `cause` is None.

    Raises:
        LabError: The value has a wrong type, and `cause` is given.
    """
    try:
        return TypeAdapter(kind, config={"strict": True}).validate_python(value)
    except ValidationError as error:
        if cause is None:
            return None
        raise LabError(f"{cause}, not {value!r}") from error


def read_yaml(text: str) -> Any:
    """Parse YAML 1.2: a recipe, or a single value.

    Raises:
        LabError: It is not valid YAML.
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError) as error:  # ValueError: an impossible date, for example
        raise LabError(f"not valid YAML: {' '.join(str(error).split())}") from error


def as_yaml(content: Mapping[str, Any]) -> str:
    """A recipe as YAML; keys keep their order."""
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
        changes: New values of `seed`, `split`, `labels`, or of settings by dotted names such as "schedule.epochs".

    Raises:
        LabError: There is no such recipe or file, it is not valid YAML, or a key, setting or value is invalid.
    """
    path = Path(name_or_file)
    if not path.is_file():
        if name_or_file not in shipped_recipes():
            raise LabError(f"{name_or_file} is neither a file nor a recipe; recipes are: {', '.join(shipped_recipes())}")
        path = Path(str(resources.files("noref.lab.recipes") / f"{name_or_file}.yaml"))
    changes = changes or {}
    whole = {key: value for key, value in changes.items() if key in ("seed", "split", "labels")}
    settings = {key: value for key, value in changes.items() if key not in whole}
    text = read_text(path)
    try:
        content = read_yaml(text)
        known = {field.name for field in fields(Recipe)}
        if not isinstance(content, dict) or not {"method"} <= set(content) <= known:
            raise LabError(f"a recipe has the key method, and may have {', '.join(sorted(known - {'method'}))}; no others")
        recipe = Recipe(**{**content, "name": path.stem})
        defaults = recipe.build().settings
    except LabError as error:
        raise LabError(f"{path}: {error}") from error
    try:
        return replace(recipe, params=dump(changed(defaults, nested(settings), recipe.method)), **whole)
    except LabError as error:
        blamed = [f"--set {name}={value}" for name, value in changes.items() if _is_named(name, str(error))]
        raise LabError(f"{' '.join(blamed)}: {error}" if blamed else str(error)) from error


def _is_named(setting: str, error: str) -> bool:
    """Whether an error is about a setting, and does not only suggest it."""
    unknown = re.search(r"is called '([^']*)'", error)
    if unknown is not None:
        return f"{setting}.".startswith(f"{unknown[1]}.")
    return setting in error if setting in ("seed", "split", "labels") else error.startswith(setting)
