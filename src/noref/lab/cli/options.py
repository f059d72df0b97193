"""Options that several commands share, and the values read from them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from noref.cli.options import PATH, Command, Whole
from noref.cli.output import Exit
from noref.lab.errors import LabError

if TYPE_CHECKING:
    import pandas as pd

Number = TypeVar("Number", int, float)

out_option = click.option(
    "--out", type=PATH, required=True, metavar="FOLDER", help="Results folder. The same command resumes an interrupted run."
)
run_argument = click.argument("run", type=PATH, help="Results folder of `noref lab train`.")
photos_argument = click.argument(
    "photos",
    metavar="PHOTO...",
    nargs=-1,
    required=True,
    shell_complete=PATH.shell_complete,
    help="Photos, folders (searched recursively), archives, URLs, or - for a list on stdin.",
)
photo_argument = click.argument("photo", type=PATH, help="An image file.")
data_option = click.option("--data", required=True, metavar="NAME=PATH", help="Database, such as biq2021=PATH.")
pristine_option = click.option(
    "--pristine", type=PATH, metavar="FOLDER", help="Folder of pristine images, for recipes that need one."
)
changes_option = click.option(
    "--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change a setting of the recipe; may be repeated."
)
seed_option = click.option("--seed", type=Whole(min=0), metavar="N", default=0, help="Random seed of the distortions.")


def level_option(**settings: Any) -> Callable[[Command], Command]:
    """`--level`; `default` or `required` are given."""
    return click.option("--level", type=Whole(1, 5), metavar="N", help="1 (mild) to 5 (severe).", **settings)


def pair(text: str, option: str) -> tuple[str, str]:
    """Name and value of a text NAME=VALUE.

    Raises:
        LabError: The text has another form; the message names the option.
    """
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise LabError(f"{option} takes NAME=VALUE, not {text!r}")
    return name, value


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Values by name, of texts NAME=VALUE.

    Raises:
        LabError: One of the texts has another form.
    """
    return dict(pair(text, option) for text in texts)


def numbers(texts: list[str], option: str, kind: Callable[[str], Number]) -> list[Number]:
    """Numbers of a kind (int or float).

    Raises:
        LabError: One of the texts is not such a number.
    """
    try:
        return [kind(text) for text in texts]
    except ValueError as error:
        raise LabError(f"{option} takes numbers, not {', '.join(texts)}") from error


def settings(changes: Iterable[str], pristine: Path | None = None) -> dict[str, Any]:
    """Changes to the settings of a recipe; values are read as YAML.

    Raises:
        LabError: A change does not have the form NAME=VALUE, or its value is not valid YAML.
    """
    from noref.lab.experiments.recipe import read_yaml

    found = {}
    for key, value in pairs(changes, "--set").items():
        try:
            found[key] = read_yaml(value)
        except LabError as error:
            raise LabError(f"--set {key}={value}: {error}") from error
    return found if pristine is None else {**found, "pristine": str(pristine)}


def finish(results: "pd.DataFrame", folder: Path) -> None:
    """Name the results folder on standard error; exit with code 1 if some images failed."""
    click.echo(f"results are in {folder}", err=True)
    if "failed" in results and results["failed"].any():
        raise click.exceptions.Exit(Exit.SOME_FAILED)
