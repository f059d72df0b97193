"""`noref lab methods`, `recipes` and `settings`: what can be trained, and what can be set."""

import inspect
import re
from importlib import resources
from typing import Annotated, Any, NamedTuple

import typer


class Setting(NamedTuple):
    """A setting of a method, each field as text."""

    name: str
    kind: str
    default: str
    meaning: str


def methods() -> None:
    """List the methods, with one line each."""
    from noref.lab import methods

    for name in methods.names():
        typer.echo(f"{name:<12}{_summary(methods.get(name))}")


def recipes() -> None:
    """List the shipped recipes, with one line each."""
    from noref.lab.experiments import experiment

    for name in experiment.shipped_recipes():
        first = (resources.files("noref.lab.recipes") / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0]
        typer.echo(f"{name:<20}{first.removeprefix('#').strip()}")


def settings(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Name of a method; see `noref lab methods`.")],
) -> None:
    """List the settings of a method with type, default value and meaning.

    They go under `params` of a recipe, or to `noref lab train --set NAME=VALUE`.
    """
    from noref.lab import methods

    for setting in settings_of(methods.get(method)):
        typer.echo(f"{setting.name}: {setting.kind} = {setting.default}\n    {setting.meaning}")


def _summary(method: type[Any]) -> str:
    return (inspect.getdoc(method) or "").partition("\n")[0]


def settings_of(method: type[Any]) -> list[Setting]:
    """The settings of a method: arguments of its constructor, described in the section `Args:` of its docstring."""
    _, _, section = (inspect.getdoc(method) or "").partition("\nArgs:\n")
    docs = {}
    for entry in re.split(r"\n {4}(?! )", "\n" + section.partition("\n\n")[0])[1:]:
        names, _, doc = entry.partition(": ")
        docs.update(dict.fromkeys(names.split(", "), " ".join(doc.split())))
    found = []
    for parameter in inspect.signature(method).parameters.values():
        if parameter.name not in docs:
            raise RuntimeError(f"{method.__name__} does not describe its setting {parameter.name}")
        kind = re.sub(r"\b(collections\.abc|pathlib|typing)\.", "", inspect.formatannotation(parameter.annotation))
        found.append(Setting(parameter.name, kind, repr(parameter.default), docs[parameter.name]))
    return found
