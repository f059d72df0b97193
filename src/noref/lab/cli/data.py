"""`noref lab data`: list the supported databases, and check a download."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from noref.cli.group import Commands
from noref.cli.options import PATH
from noref.cli.output import Exit
from noref.lab.cli.options import pair
from noref.lab.errors import LabError

if TYPE_CHECKING:
    from noref.lab.datasets.check import Report
    from noref.lab.datasets.rated import RatedImages


@click.group(cls=Commands)
def data() -> None:
    """List and check databases of rated images."""


@data.command("list")
def list_databases() -> None:
    """List the supported databases with their cards."""
    from noref.lab import datasets

    for name in datasets.names():
        card = datasets.card(name)
        low, high = card.mos_range
        click.echo(f"{name}: {card.title}\n  {card.images} images, {card.references} references")
        click.echo(f"  MOS range {low:g} to {high:g}, {card.direction}\n  licence: {card.licence}\n  source: {card.source}")
        click.echo(f"  expected files: {card.layout}\n  citation: {card.citation}")
        if card.note:
            click.echo(f"  note: {card.note}")


@data.command()
@click.argument("name", help="Database, such as biq2021; see `noref lab data list`.")
@click.argument("folder", type=PATH, help="The folder where it was unpacked; for `table`, the CSV.")
@click.option(
    "--scenes",
    type=PATH,
    metavar="NEW.csv",
    help="Find series of one scene, and write a labels file in which each scene has one `content`. A page beside it, "
    "NEW.html, shows the scenes.",
)
@click.option(
    "--backbone",
    metavar="NAME=FILE",
    help="Compare scenes by deep features too: a timm network and its safetensors file, such as "
    "tf_efficientnet_lite1=FILE. More reliable, and slower.",
)
def check(name: str, folder: Path, scenes: Path | None, backbone: str | None) -> None:
    """Check a database: contents, MOS range, missing and unreadable files, near-identical images, series of one scene.

    Exit code 1: images are missing or cannot be read.
    """
    from noref.lab import datasets
    from noref.lab.datasets.check import check

    if backbone is not None and scenes is None:
        raise LabError("--backbone only has an effect with --scenes NEW.csv")
    if scenes is not None and scenes.exists():
        raise LabError(f"{scenes} exists and may hold your corrections; choose another file for --scenes, or remove it")
    rated = datasets.read(name, folder)
    found = check(rated)
    click.echo(f"{name}: {found.images} images, {found.contents} contents, {found.references} references")
    low, high = found.observed
    click.echo(f"MOS {low:g} to {high:g} in the range {found.mos_range[0]:g} to {found.mos_range[1]:g}, higher is better")
    for title, counts in (("types", found.types), ("official split", found.parts)):
        if counts:
            click.echo(f"{title}: {', '.join(f'{key} {count}' for key, count in counts.items())}")
    if note := datasets.card(name).note:
        click.echo(f"note: {note}")
    for near in found.near_pairs:
        click.echo(f"near-identical with different contents: {near.first} and {near.second}")
    for title, paths in (("missing", found.missing), ("unreadable", found.unreadable)):
        for path in paths:
            click.echo(f"{title}: {path}")
    if scenes is not None:
        _write_scenes(rated, found, scenes, backbone)
    counted = {"missing": found.missing, "unreadable": found.unreadable, "near-identical pairs": found.near_pairs}
    click.echo(", ".join(f"{len(items)} {title}" for title, items in counted.items()), err=True)
    if found.missing or found.unreadable:
        raise click.exceptions.Exit(Exit.SOME_FAILED)


def _write_scenes(rated: "RatedImages", report: "Report", file: Path, backbone: str | None) -> None:
    from noref.lab.datasets.check import join_scenes
    from noref.lab.datasets.readers import table
    from noref.lab.networks.backbone import Backbone
    from noref.lab.plots.scenes import write_page
    from noref.lab.preprocessing import WorkingSize
    from noref.lab.training.vectors import photo_vectors

    deep, by = None, "colour layout and gradient orientations"
    if backbone is not None:
        network, weights = pair(backbone, "--backbone")
        size = WorkingSize(area=512 * 512, shortest=1, multiple=32)
        deep = partial(photo_vectors, Backbone(network, weights), "last", size, precision="32-true", cache=None)
        by += f", and deep features of {network}"
    joined = join_scenes(rated, report, deep)
    page = file.with_suffix(".html")
    table.write(joined, file)
    write_page(joined, page)
    photos = joined.table["content"].value_counts()
    click.echo(
        f"scenes: {len(photos)} of {len(joined)} images, {int((photos > 1).sum())} of them with several, found by {by}\n"
        f"look at {page}, correct the column content of {file}, then use --data table={file}"
    )
