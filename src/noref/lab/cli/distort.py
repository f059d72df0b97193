"""`noref lab distort` and `synthesize`: distorted copies of one image, or of a whole folder."""

from pathlib import Path

import click

from noref import images
from noref.cli.options import PATH
from noref.lab.cli.options import level_option, numbers, photo_argument, seed_option
from noref.lab.errors import LabError


def _list_distortions(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print every distortion with its family and summary, and stop."""
    if not wanted:
        return
    from noref.lab import distortions

    for name in distortions.names():
        found = distortions.get(name)
        click.echo(f"{name:<17} {found.family:<15} {found.summary}")
    context.exit()


@click.command(short_help="Distort an image by a known type and level.")
@photo_argument
@click.option("--type", "kind", required=True, metavar="NAME", help="Type of the distortion; see --list.")
@level_option(required=True)
@click.option("--out", type=PATH, metavar="FILE", show_default="a PNG in the current directory", help="File to write.")
@seed_option
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_list_distortions, help="List all types and stop."
)
def distort(photo: Path, kind: str, level: int, out: Path | None, seed: int) -> None:
    """Distort an image by a known type and level."""
    import numpy as np
    from PIL import Image

    from noref.lab import distortions
    from noref.lab.cli.output import save

    if out is not None and out.exists() and out.samefile(photo):
        raise LabError(f"{out}: this is the photo itself; choose another --out")
    distorted = distortions.get(kind)(images.read(photo).pixels, level, np.random.default_rng(seed))
    save(Image.fromarray(distorted), out or Path(f"{photo.stem}.{kind}.{level}.png"))


@click.command(short_help="Build a database of distorted images.")
@click.argument("photos", type=PATH, help="Folder of pristine images.")
@click.argument("out", type=PATH, help="Folder to fill. The same command resumes an interrupted run.")
@click.option("--types", metavar="NAMES", default="", show_default="all", help="Distortions, separated by commas.")
@click.option("--levels", metavar="NUMBERS", default="1,2,3,4,5", help="Levels, separated by commas.")
@seed_option
def synthesize(photos: Path, out: Path, types: str, levels: str, seed: int) -> None:
    """Build a synthetic database: every image at every type and level, with full-reference scores (MS-SSIM, VIF, GMSD)."""
    from noref.lab import distortions
    from noref.lab.datasets.synthetic import Synthesis
    from noref.lab.files import writable
    from noref.lab.progress import track
    from noref.lab.training.pairs import find_photos

    names = types.split(",") if types else distortions.names()
    work = Synthesis(find_photos(photos), out, names, numbers(levels.split(","), "--levels", int), seed)
    with writable(out):
        for _ in track(work, "synthesizing", len(work)):
            pass
    click.echo(f"{len(work)} images in {out}")
