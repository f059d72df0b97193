"""`noref lab evaluate` and `compare`: agreement of methods with subjective scores."""

from pathlib import Path
from typing import Annotated

import typer

from noref.lab.cli.options import Changes, Pristine, Results, finish, numbers, pair, pairs, settings
from noref.lab.errors import LabError

SHARES = "train=.8,test=.2"


def evaluate(
    methods: Annotated[
        list[str], typer.Argument(metavar="METHOD...", help="model:NAME_OR_FILE, recipe:NAME_OR_FILE or scores:FILE.csv")
    ],
    data: Annotated[list[str], typer.Option(metavar="NAME=PATH", help="Database; may be repeated.")],
    out: Results,
    protocol: Annotated[
        str,
        typer.Option(help="whole, single, random, official, cross, leave-one-type-out or waterloo (D-, L-, P- and M-test)."),
    ] = "whole",
    shares: Annotated[
        str | None,
        typer.Option(help="Shares of the contents, for single, random and leave-one-type-out.", show_default=SHARES),
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Splits of the random protocol.", show_default="10")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Random seed of the first split.", show_default="0")] = None,
    pristine: Pristine = None,
    changes: Changes = None,
) -> None:
    """Measure the agreement of methods with subjective scores; save tables, plots and all predictions.

    Exit code 1: some images have no score (column `failed`).
    """
    from noref.lab.datasets import synthetic
    from noref.lab.experiments import evaluate as work
    from noref.lab.experiments import experiment
    from noref.lab.files import writable

    given = {"repeats": repeats, "seed": seed, "shares": shares}
    used = work.PROTOCOL_OPTIONS.get(protocol, given)
    unused = [f"--{name}" for name, value in given.items() if value is not None and name not in used]
    if not any(text.startswith("recipe:") for text in methods):
        unused += [option for option, value in (("--set", changes), ("--pristine", pristine)) if value]
    if unused:
        raise LabError(f"{', '.join(unused)} has no effect on {', '.join(methods)} under {protocol}; leave it out")
    candidates = [work.candidate(text, settings(changes, pristine)) for text in methods]
    given_shares = (shares or SHARES).split(",")
    portions = pairs(given_shares, "--shares")
    if len(portions) < len(given_shares):
        raise LabError("--shares has a part twice; give each once")
    fractions = dict(zip(portions, numbers([*portions.values()], "--shares", float), strict=True))
    waterloo = protocol == "waterloo"
    read = (lambda name, folder: synthetic.as_rated(folder, name)) if waterloo else experiment.prepare
    databases = [read(*pair(text, "--data")) for text in data]
    planned = work.plan(protocol, databases, fractions, repeats or 10, seed or 0)
    with writable(out):
        table = work.evaluate(candidates, planned, out, tests=waterloo)
    typer.echo(work.as_markdown(table))
    finish(table, out)


def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="RESULTS...", help="Results folders of `noref lab evaluate`.")],
) -> None:
    """Compare several results, with significance tests of SRCC on the photos that they share."""
    from noref.lab.experiments import compare as comparison
    from noref.lab.experiments import evaluate as work
    from noref.lab.tables import as_markdown

    table, tests = comparison.compare(folders)
    typer.echo(work.as_markdown(table))
    if len(tests):
        typer.echo("Differences of SRCC, first minus second, with 95 % intervals; p_holm is p corrected for all rows.\n")
        typer.echo(as_markdown(tests))
    else:
        typer.echo("no test: fewer than two methods have measures of agreement", err=True)
