"""`noref lab methods`, `recipes` and `settings`: lists of methods, recipes and settings."""

import inspect
import itertools
import json
import re
from importlib import resources
from typing import Any

import click


@click.command(short_help="List the methods.")
def methods() -> None:
    """List the methods: what they are, their paper, and the licence of the implementation and of the parameters that ship."""
    from noref.lab import methods

    for name in methods.names():
        method = methods.get(name)
        click.echo(f"{name:<12}{_summary(method)}\n    {method.citation}\n    licence: {method.licence}")
        shipped = resources.files("noref.lab.models") / name / "card.json"
        if shipped.is_file():
            card = json.loads(shipped.read_text(encoding="utf-8"))
            click.echo(f"    parameters: {card['licence']}\n    data: {card['data']}")


@click.command(short_help="List the recipes, or print one.")
@click.argument("recipe", required=False, help="Print the file of this recipe instead.")
def recipes(recipe: str | None) -> None:
    """List the shipped recipes, with a sentence each; or print one, to copy and edit.

    A recipe names a method and the settings that differ from those of `noref lab settings METHOD`.
    """
    from noref.lab.experiments.recipe import shipped_recipes
    from noref.lab.lookup import lookup

    files = {name: resources.files("noref.lab.recipes") / f"{name}.yaml" for name in shipped_recipes()}
    if recipe is not None:
        click.echo(lookup("recipe", recipe, files).read_text(encoding="utf-8"), nl=False)
        return
    for name, file in files.items():
        click.echo(f"{name:<20}{_first_sentence(file.read_text(encoding='utf-8'))}")


@click.command(short_help="List the settings of a method.")
@click.argument("method", help="Name of a method; see `noref lab methods`.")
def settings(method: str) -> None:
    """List the settings of a method with type, default value and meaning.

    Recipes change some of the defaults: `noref lab recipes RECIPE` shows which. Set them under `params` of a recipe, or with
    `noref lab train --set NAME=VALUE`.
    """
    from noref.lab import methods
    from noref.lab.settings import listed

    for setting in listed(methods.get(method).settings_type):
        click.echo(f"{setting.name}: {setting.type} = {setting.default!r}\n    {' '.join(setting.doc.split())}")


def _first_sentence(recipe: str) -> str:
    """The first sentence of the comment at the top of a recipe; commands in it are indented."""
    lines = itertools.takewhile(lambda line: line.startswith("# ") and not line.startswith("#  "), recipe.splitlines())
    text = " ".join(line.removeprefix("# ") for line in lines)
    return re.split(r"(?<=\.) (?=[A-Z])", text)[0]  # no sentence ends in "et al. 2018"


def _summary(method: type[Any]) -> str:
    return (inspect.getdoc(method) or "").partition("\n")[0]
