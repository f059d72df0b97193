"""Scoring of photos by any method: one that needs no fit, one whose parameters ship, or one that was trained."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from noref.errors import ImageError
from noref.lab import methods
from noref.lab.errors import LabError
from noref.lab.experiments import experiment
from noref.lab.experiments.recipe import load_recipe, shipped_recipes
from noref.lab.methods.base import ScoringMethod
from noref.lab.settings import nested
from noref.sources import Found


class Scored(NamedTuple):
    """The result for one photo.

    Attributes:
        image: Its name; see `Found.name`.
        raw: The value as the paper defines it; None if the photo failed.
        score: The value on a scale of 0 (worst) to 100 (best); None if the photo failed or the method is not calibrated.
        failed: Why the photo failed, or empty.
    """

    image: str
    raw: float | None
    score: float | None
    failed: str


def method_for(text: str, changes: Mapping[str, Any]) -> ScoringMethod[Any]:
    """The method that a text names, ready to predict.

    Args:
        text: A results folder of `noref lab train`, a recipe (name or file), or a method.
        changes: Changes to its settings, by dotted names; of recipes and methods only.

    Raises:
        LabError: There is none, it predicts no scores, or it must be fitted first.
    """
    if Path(text).is_dir():
        if changes:
            raise LabError(f"{text} is trained; its settings cannot be changed")
        method = experiment.load_model(Path(text))
    else:
        is_recipe = Path(text).is_file() or text in shipped_recipes()
        method = load_recipe(text, dict(changes)).build() if is_recipe else methods.get(text).configured(nested(changes))
        if not method.ready:
            raise LabError(f"{text} must be fitted first; use `noref lab train` and give its results folder")
    if not isinstance(method, ScoringMethod):
        raise LabError(f"{text} predicts classes or defects instead of scores")
    return method


def score_each(method: ScoringMethod[Any], photos: Iterable[Found]) -> Iterator[Scored]:
    """Score photos one at a time, in order, so that a photo that fails does not affect the others.

    Raises:
        LabError: The parameters of the method cannot be read.
    """
    for photo in photos:
        try:
            raw = method.raw([photo.open()])
        except ImageError as error:
            yield Scored(photo.name, None, None, str(error))
            continue
        percent = method.percent(raw)
        yield Scored(photo.name, float(raw[0]), None if percent is None else float(percent[0]), "")
