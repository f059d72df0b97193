"""`noref lab study`: experiments over many settings of one method."""

from collections.abc import Sequence
from pathlib import Path

import click

from noref.cli.group import Commands
from noref.cli.options import Whole
from noref.lab.cli.options import changes_option, data_option, finish, numbers, out_option, pair, settings


@click.group(cls=Commands)
def study() -> None:
    """Compare many settings of one method over random splits."""


@study.command()
@click.argument("recipe", help="Recipe of DeepBIQ on crops, such as deepbiq-2.")
@data_option
@out_option
@click.option(
    "--counts", metavar="NUMBERS", default="", show_default="5, 10, ... 50", help="Numbers of crops, separated by commas."
)
@click.option("--poolings", metavar="NAMES", default="", show_default="all", help="Pooling methods, separated by commas.")
@click.option("--repeats", type=Whole(min=1), metavar="N", default=10, help="Random splits.")
@changes_option
def crops(recipe: str, data: str, out: Path, counts: str, poolings: str, repeats: int, changes: Sequence[str]) -> None:
    """Evaluate DeepBIQ for every number of crops and every pooling method over random splits.

    The regressor is fitted in each split. The results folder has medians, significance tests and a plot of SRCC.
    """
    from noref.lab.experiments import crops, experiment
    from noref.lab.experiments.recipe import load_recipe
    from noref.lab.files import writable
    from noref.lab.methods.deepbiq.pooling import POOLINGS
    from noref.lab.tables import as_markdown

    chosen = sorted(set(numbers(counts.split(","), "--counts", int))) if counts else crops.COUNTS
    ways = poolings.split(",") if poolings else POOLINGS
    name, folder = pair(data, "--data")
    loaded = load_recipe(recipe, settings(changes))
    rated = experiment.prepare(name, folder)
    with writable(out):
        table, tests = crops.study(loaded, rated, out, chosen, ways, repeats)
    click.echo(as_markdown(table))
    click.echo(
        "For each pooling: the smallest number of crops for which no larger one is significantly better (t-test at .05).\n"
    )
    click.echo(as_markdown(tests))
    finish(table, out)
