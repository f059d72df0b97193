"""`noref lab score`: the values of a method for photos."""

import csv
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from noref.cli.options import PATH
from noref.cli.output import Exit
from noref.lab.cli.options import changes_option, photos_argument, settings
from noref.lab.errors import LabError
from noref.printing import printable
from noref.sources import find


@click.command(short_help="Print the value of a method for each photo.")
@click.argument(
    "method", help="A method or recipe that needs no fit or ships fitted, or a results folder of `noref lab train`."
)
@photos_argument
@click.option("--csv", "out", type=PATH, metavar="FILE", help="Also write image, raw, score and failed to this CSV.")
@changes_option
def score(method: str, photos: Sequence[str], out: Path | None, changes: Sequence[str]) -> None:
    """Print the value of a method for each photo, as its paper defines it, and on a scale of 0 (worst) to 100 (best).

    The scale of 0 to 100 is shown where the method is calibrated. Exit code 1: some photos failed.
    """
    from noref.lab.experiments.scoring import Scored, method_for, score_each
    from noref.lab.files import access

    chosen = method_for(method, settings(changes))
    failed = found = 0
    with ExitStack() as open_files:
        table = None
        click.echo(f"{chosen.name}: raw values, {'lower' if chosen.lower_is_better else 'higher'} is better")
        click.echo(f"{'raw':>9}  {'score':>5}  photo")
        for one in score_each(chosen, find(photos, sys.stdin.buffer)):
            found, failed = found + 1, failed + bool(one.failed)
            raw = "-" if one.raw is None else f"{one.raw:.4f}"
            percent = "-" if one.score is None else f"{one.score:.1f}"
            click.echo(f"{raw:>9}  {percent:>5}  {printable(one.failed or one.image)}")
            if out is not None and table is None:  # only now: parameters that cannot be read leave an earlier file as it was
                with access(out, "choose another --csv"):
                    table = csv.writer(open_files.enter_context(out.open("w", newline="", encoding="utf-8")))
                table.writerow(Scored._fields)
            if table is not None:
                table.writerow("" if value is None else value for value in one)
    if not found:
        raise LabError(f"{', '.join(photos)}: no photos; give files or folders with photos")
    if failed:
        raise click.exceptions.Exit(Exit.SOME_FAILED)
