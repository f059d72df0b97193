"""`noref lab study`: experiments over many settings of one method."""

from typing import Annotated

import typer

from noref.lab.cli.options import Changes, Database, Results, finish, numbers, pair, settings

app = typer.Typer(help="Compare many settings of one method over random splits.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """Keep `crops` a subcommand, although it is the only one."""


@app.command()
def crops(
    recipe: Annotated[str, typer.Argument(help="Recipe of DeepBIQ on crops, such as deepbiq-2.")],
    data: Database,
    out: Results,
    counts: Annotated[str, typer.Option(help="Numbers of crops, separated by commas; by default 5, 10, ... 50.")] = "",
    poolings: Annotated[str, typer.Option(help="Pooling methods, separated by commas; all by default.")] = "",
    repeats: Annotated[int, typer.Option(min=1, help="Random splits.")] = 10,
    changes: Changes = None,
) -> None:
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
    typer.echo(as_markdown(table))
    typer.echo(
        "For each pooling: the smallest number of crops for which no larger one is significantly better (t-test at .05).\n"
    )
    typer.echo(as_markdown(tests))
    finish(table, out)
