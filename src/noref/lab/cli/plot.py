"""`noref lab plot`: figures of trained methods, of their predictions and of distortions."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from noref import images
from noref.cli.group import Commands
from noref.cli.options import PATH, Command
from noref.lab.cli.options import data_option, level_option, pair, photo_argument, photos_argument, run_argument, seed_option
from noref.lab.errors import LabError


def file_option(default: str) -> Callable[[Command], Command]:
    """`--out` of a figure."""
    return click.option("--out", type=PATH, metavar="FILE", default=default, help="Image file to write.")


@click.group(cls=Commands)
def plot() -> None:
    """Plot trained methods, their predictions, and distortions."""


@plot.command()
@run_argument
@file_option("kernels.png")
def kernels(run: Path, out: Path) -> None:
    """Plot the kernels of a trained network's first layer."""
    from noref.lab.cli.output import save
    from noref.lab.experiments import experiment
    from noref.lab.plots import kernels

    method = experiment.load_model(run)
    weights = kernels.first_layer(getattr(method, "network_", None))
    if weights is None:
        raise LabError(f"{run} holds {method.name}, which has no convolutional network; choose another run")
    save(kernels.draw(weights, f"First layer of {run.name}"), out, dpi=120)


@plot.command()
@run_argument
@data_option
@file_option("photos.png")
def photos(run: Path, data: str, out: Path) -> None:
    """Plot test photos with MOS and predicted score: from lowest to highest MOS, and the largest errors."""
    from noref.lab.cli.output import save
    from noref.lab.plots import photos

    name, folder = pair(data, "--data")
    title = f"Test photos of {run.name}: MOS and predicted score"
    save(photos.draw(photos.read_predictions(run), name, folder, title), out, dpi=90)


@plot.command()
@click.argument("run", type=PATH, help="Results folder of a DIQA or DIQA-SENS run.")
@click.argument("photo", type=PATH, help="A pristine image.")
@click.option("--type", "kind", metavar="NAME", default="jpeg", help="Type of the distortion; see `noref lab distort --list`.")
@level_option(default=4)
@file_option("maps.png")
@seed_option
def maps(run: Path, photo: Path, kind: str, level: int, out: Path, seed: int) -> None:
    """Plot the maps of DIQA on a distorted image: input, reliability, true and predicted error, sensitivity."""
    import numpy as np

    from noref.lab import distortions
    from noref.lab.cli.output import save
    from noref.lab.experiments import experiment
    from noref.lab.methods.diqa import pictures
    from noref.lab.methods.diqa.method import DiqaMethod

    method = experiment.load_model(run)
    if not isinstance(method, DiqaMethod):
        raise LabError(f"{run} holds {method.name}; give a run of DIQA or DIQA-SENS")
    pixels = images.read(photo).pixels
    distorted = distortions.get(kind)(pixels, level, np.random.default_rng(seed))
    save(pictures.draw(method, pixels, distorted), out, dpi=90)


@plot.command()
@click.argument("run", type=PATH, help="Results folder of `noref lab train defects`.")
@photos_argument
@file_option("defects.png")
def defects(run: Path, photos: Sequence[str], out: Path) -> None:
    """Plot photos with their predicted defects."""
    from noref import sources
    from noref.lab.cli.output import save
    from noref.lab.experiments import experiment
    from noref.lab.methods.defects import pictures
    from noref.lab.methods.defects.method import DefectsMethod

    method = experiment.load_model(run)
    if not isinstance(method, DefectsMethod):
        raise LabError(f"{run} holds {method.name}; give a run of `noref lab train defects`")
    chosen = [*sources.find(photos, sys.stdin.buffer)]
    if not chosen:
        raise LabError(f"no images found in {', '.join(photos)}; give photos, or folders that hold some")
    save(pictures.draw(method, chosen, f"Defects predicted by {run.name}"), out, dpi=80)


@plot.command()
@photo_argument
@file_option("distortions.png")
@seed_option
def distortions(photo: Path, out: Path, seed: int) -> None:
    """Plot an image under every distortion at every level."""
    from noref.lab.cli.output import save
    from noref.lab.plots import distortions

    save(distortions.draw(images.read(photo).pixels, seed=seed), out)
