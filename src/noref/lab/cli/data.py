"""`noref lab data`: list the supported databases, and check a download."""

from pathlib import Path
from typing import Annotated

import typer

from noref.lab.cli.options import SOME_FAILED

app = typer.Typer(help="List and check databases of rated images.", no_args_is_help=True)


@app.command("list")
def list_databases() -> None:
    """List the supported databases with their cards."""
    from noref.lab import datasets

    for name in datasets.names():
        card = datasets.card(name)
        low, high = card.mos_range
        typer.echo(f"{name}: {card.title}\n  {card.images} images, {card.references} references")
        typer.echo(f"  MOS range {low:g} to {high:g}, {card.direction}\n  licence: {card.licence}\n  source: {card.source}")
        typer.echo(f"  expected files: {card.layout}\n  citation: {card.citation}")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="Database, such as biq2021; see `noref lab data list`.")],
    folder: Annotated[Path, typer.Argument(help="The folder where it was unpacked.")],
) -> None:
    """Check a database: contents, MOS range, missing and unreadable files, near-identical images.

    Exit code 1: images are missing or cannot be read.
    """
    from noref.lab import datasets
    from noref.lab.datasets.check import check

    found = check(datasets.read(name, folder))
    typer.echo(f"{name}: {found.images} images, {found.contents} contents, {found.references} references")
    low, high = found.observed
    typer.echo(f"MOS {low:g} to {high:g} in the range {found.mos_range[0]:g} to {found.mos_range[1]:g}, higher is better")
    for title, counts in (("types", found.types), ("official split", found.parts)):
        if counts:
            typer.echo(f"{title}: {', '.join(f'{key} {count}' for key, count in counts.items())}")
    for pair in found.near_pairs:
        typer.echo(f"near-identical with different contents: {pair.first} and {pair.second}")
    for title, paths in (("missing", found.missing), ("unreadable", found.unreadable)):
        for path in paths:
            typer.echo(f"{title}: {path}")
    counted = {"missing": found.missing, "unreadable": found.unreadable, "near-identical pairs": found.near_pairs}
    typer.echo(", ".join(f"{len(items)} {title}" for title, items in counted.items()), err=True)
    if found.missing or found.unreadable:
        raise typer.Exit(SOME_FAILED)
