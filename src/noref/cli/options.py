"""Options that several commands share, and the types of their values."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click
from click.shell_completion import CompletionItem

from noref import card, images
from noref.scorer import View

Command = TypeVar("Command", bound=Callable[..., Any])

VIEWS: tuple[View, ...] = get_args(View)
AUTOMATIC_JOBS = "as processors and memory allow"


class _AnyPath(click.Path):
    """A path; an empty text, as of a variable that is not set, would mean the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path that a text gives."""
        if not str(value):
            self.fail("an empty path", param, ctx)
        return super().convert(value, param, ctx)


PATH = _AnyPath(readable=False, path_type=Path)  # what cannot be read is explained where it is read


def _complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a shipped model, or else a path; in bash, a path drops the items before it."""
    names = [path.stem for path in card.shipped() if not card.is_other_version(path) and path.stem.startswith(incomplete)]
    return [*PATH.shell_complete(ctx, param, incomplete), *map(CompletionItem, names)]


class Whole(click.IntRange):
    """A whole number within bounds."""

    name = "whole number"


class Within(click.FloatRange):
    """A number within bounds; NaN, which compares with neither, is refused."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number that a text gives."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


def max_pixels_option(default: int = images.MAX_PIXELS) -> Callable[[Command], Command]:
    """`--max-pixels` with a default of its own."""
    kind = Whole(min=1)
    return click.option("--max-pixels", type=kind, metavar="N", default=default, help="Refuse images with more pixels.")


def model_option(**settings: Any) -> Callable[[Command], Command]:
    """`--model`; settings of the option replace those here."""
    usual = {"default": card.DEFAULT, "help": "A shipped model (NAME or NAME@VERSION), or an exported .onnx."}
    return click.option("--model", metavar="NAME_OR_FILE", shell_complete=_complete_model, **{**usual, **settings})


def view_option(**settings: Any) -> Callable[[Command], Command]:
    """`--view`; settings of the option replace those here."""
    usual = {
        "default": VIEWS[0],
        "help": "Score small photos enlarged to the common size of the model, or at their native size.",
    }
    return click.option("--view", type=click.Choice(VIEWS), **{**usual, **settings})


exact_option = click.option("--exact", is_flag=True, help="Decode large JPEGs in full, not at a reduced size; slower.")


def jobs_option(**settings: Any) -> Callable[[Command], Command]:
    """`--jobs`; settings of the option replace those here."""
    usual = {"show_default": AUTOMATIC_JOBS, "help": "Photos scored in parallel; the results do not depend on it."}
    return click.option("--jobs", type=Whole(min=1), metavar="N", **{**usual, **settings})


settings_option = click.option(
    "--settings",
    "number",
    type=Whole(min=1),
    metavar="N",
    default=1,
    help="Which settings to use if there are results for several: 1 is the latest.",
)
debug_option = click.option("--debug", is_flag=True, help="Print the traceback of every error on standard error.")
