"""`noref lab distort` and `synthesize`: distorted copies of one image, or of a whole folder."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from noref import images
from noref.lab.cli.options import Level, Photo, Seed, numbers


def _list_distortions(wanted: bool) -> None:
    """Print every distortion with its family and summary, and stop."""
    if not wanted:
        return
    from noref.lab import distortions

    for name in distortions.names():
        found = distortions.get(name)
        typer.echo(f"{name:<17} {found.family:<15} {found.summary}")
    raise typer.Exit


def distort(
    photo: Photo,
    kind: Annotated[str, typer.Option("--type", help="Type of the distortion; see --list.")],
    level: Level,
    out: Annotated[Path | None, typer.Option(help="File to write; by default a PNG in the current directory.")] = None,
    seed: Seed = 0,
    _list: Annotated[
        bool, typer.Option("--list", is_eager=True, callback=_list_distortions, help="List all types and stop.")
    ] = False,
) -> None:
    """Distort an image by a known type and level."""
    import numpy as np
    from PIL import Image

    from noref.lab import distortions
    from noref.lab.cli.output import save

    distorted = distortions.get(kind)(images.read(photo).pixels, level, np.random.default_rng(seed))
    save(Image.fromarray(distorted), out or Path(f"{photo.stem}.{kind}.{level}.png"))


def synthesize(
    photos: Annotated[Path, typer.Argument(help="Folder of pristine images.")],
    out: Annotated[Path, typer.Argument(help="Folder to fill. The same command resumes an interrupted run.")],
    types: Annotated[str, typer.Option(help="Distortions, separated by commas; all by default.")] = "",
    levels: Annotated[str, typer.Option(help="Levels, separated by commas.")] = "1,2,3,4,5",
    seed: Seed = 0,
) -> None:
    """Build a synthetic database: every image at every type and level, with full-reference scores (MS-SSIM, VIF, GMSD)."""
    from rich.console import Console
    from rich.progress import track

    from noref.lab import distortions
    from noref.lab.datasets.synthetic import Synthesis
    from noref.lab.files import writable
    from noref.lab.training.pairs import find_photos

    names = types.split(",") if types else distortions.names()
    work = Synthesis(find_photos(photos), out, names, numbers(levels.split(","), "--levels", int), seed)
    with writable(out):
        for _ in track(work, "synthesizing", total=len(work), console=Console(stderr=True), disable=not sys.stderr.isatty()):
            pass
    typer.echo(f"{len(work)} images in {out}")
