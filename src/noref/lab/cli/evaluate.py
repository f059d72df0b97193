"""`noref lab evaluate` and `compare`: agreement of methods with subjective scores."""

from collections.abc import Sequence
from pathlib import Path

import click

from noref.cli.options import PATH, Whole
from noref.lab.cli.options import changes_option, finish, numbers, out_option, pair, pairs, pristine_option, settings
from noref.lab.errors import LabError

SHARES = "train=.8,test=.2"


@click.command(short_help="Measure the agreement of methods with people.")
@click.argument(
    "methods",
    metavar="METHOD...",
    nargs=-1,
    required=True,
    help="model:NAME_OR_FILE, recipe:NAME_OR_FILE or scores:FILE.csv",
)
@click.option("--data", required=True, multiple=True, metavar="NAME=PATH", help="Database; may be repeated.")
@out_option
@click.option(
    "--protocol",
    metavar="NAME",
    default="whole",
    help="whole, single, random, official, cross, leave-one-type-out or waterloo (D-, L-, P- and M-test).",
)
@click.option(
    "--shares",
    metavar="PART=SHARE,...",
    show_default=SHARES,
    help="Shares of the contents, for single, random and leave-one-type-out.",
)
@click.option(
    "--repeats",
    type=Whole(min=1),
    metavar="N",
    show_default="10",
    help="Splits of the random protocol.",
)
@click.option("--seed", type=Whole(min=0), metavar="N", show_default="0", help="Random seed of the first split.")
@pristine_option
@changes_option
def evaluate(
    methods: Sequence[str],
    data: Sequence[str],
    out: Path,
    protocol: str,
    shares: str | None,
    repeats: int | None,
    seed: int | None,
    pristine: Path | None,
    changes: Sequence[str],
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
    click.echo(work.as_markdown(table))
    finish(table, out)


@click.command(short_help="Compare results, with significance tests.")
@click.argument(
    "folders",
    type=PATH,
    metavar="RESULTS...",
    nargs=-1,
    required=True,
    help="Results folders of `noref lab evaluate`.",
)
def compare(folders: Sequence[Path]) -> None:
    """Compare several results, with significance tests of SRCC on the photos that they share."""
    from noref.lab.experiments import compare as comparison
    from noref.lab.experiments import evaluate as work
    from noref.lab.tables import as_markdown

    table, tests = comparison.compare(folders)
    click.echo(work.as_markdown(table))
    if len(tests):
        click.echo("Differences of SRCC, first minus second, with 95 % intervals; p_holm is p corrected for all rows.\n")
        click.echo(as_markdown(tests))
    else:
        click.echo("no test: fewer than two methods have measures of agreement", err=True)
