"""`noref lab methods`, `recipes` and `settings`: lists of methods, recipes and settings."""

import inspect
import json
from importlib import resources
from typing import Annotated, Any

import typer


def methods() -> None:
    """List the methods: what they are, their paper, and the licence of the implementation and of the parameters that ship."""
    from noref.lab import methods

    for name in methods.names():
        method = methods.get(name)
        typer.echo(f"{name:<12}{_summary(method)}\n    {method.citation}\n    licence: {method.licence}")
        shipped = resources.files("noref.lab.models") / name / "card.json"
        if shipped.is_file():
            card = json.loads(shipped.read_text(encoding="utf-8"))
            typer.echo(f"    parameters: {card['licence']}\n    data: {card['data']}")


def recipes() -> None:
    """List the shipped recipes, with one line each."""
    from noref.lab.experiments.recipe import shipped_recipes

    for name in shipped_recipes():
        first = (resources.files("noref.lab.recipes") / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0]
        typer.echo(f"{name:<20}{first.removeprefix('#').strip()}")


def settings(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Name of a method; see `noref lab methods`.")],
) -> None:
    """List the settings of a method with type, default value and meaning.

    Set them under `params` of a recipe, or with `noref lab train --set NAME=VALUE`.
    """
    from noref.lab import methods
    from noref.lab.settings import listed

    for setting in listed(methods.get(method).settings_type):
        typer.echo(f"{setting.name}: {setting.type} = {setting.default!r}\n    {' '.join(setting.doc.split())}")


def _summary(method: type[Any]) -> str:
    return (inspect.getdoc(method) or "").partition("\n")[0]
