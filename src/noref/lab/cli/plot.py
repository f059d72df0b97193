"""`noref lab plot`: figures of trained methods, of their predictions and of distortions."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from noref import images
from noref.lab.cli.options import Database, Level, Photo, Run, Seed, pair
from noref.lab.errors import LabError

app = typer.Typer(help="Plot trained methods, their predictions, and distortions.", no_args_is_help=True)

File = Annotated[Path, typer.Option(help="Image file to write.")]


@app.command()
def kernels(run: Run, out: File = Path("kernels.png")) -> None:
    """Plot the kernels of a trained network's first layer."""
    from noref.lab.cli.output import save
    from noref.lab.experiments import experiment
    from noref.lab.plots import kernels

    method = experiment.load_model(run)
    weights = kernels.first_layer(getattr(method, "network_", None))
    if weights is None:
        raise LabError(f"{run} holds {method.name}, which has no convolutional network; choose another run")
    save(kernels.draw(weights, f"First layer of {run.name}"), out, dpi=120)


@app.command()
def photos(run: Run, data: Database, out: File = Path("photos.png")) -> None:
    """Plot test photos with MOS and predicted score: from lowest to highest MOS, and the largest errors."""
    from noref.lab.cli.output import save
    from noref.lab.plots import photos

    name, folder = pair(data, "--data")
    title = f"Test photos of {run.name}: MOS and predicted score"
    save(photos.draw(photos.read_predictions(run), name, folder, title), out, dpi=90)


@app.command()
def maps(
    run: Annotated[Path, typer.Argument(help="Results folder of a DIQA or DIQA-SENS run.")],
    photo: Annotated[Path, typer.Argument(help="A pristine image.")],
    kind: Annotated[str, typer.Option("--type", help="Type of the distortion; see `noref lab distort --list`.")] = "jpeg",
    level: Level = 4,
    out: File = Path("maps.png"),
    seed: Seed = 0,
) -> None:
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


@app.command()
def defects(
    run: Annotated[Path, typer.Argument(help="Results folder of `noref lab train defects`.")],
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Photos, folders (searched recursively), or - for a list on stdin."),
    ],
    out: File = Path("defects.png"),
) -> None:
    """Plot photos with their predicted defects."""
    from noref import sources
    from noref.lab.cli.output import save
    from noref.lab.experiments import experiment
    from noref.lab.methods.defects import pictures
    from noref.lab.methods.defects.method import DefectsMethod

    method = experiment.load_model(run)
    if not isinstance(method, DefectsMethod):
        raise LabError(f"{run} holds {method.name}, which predicts no defects; give a run of `noref lab train defects`")
    chosen = [Path(photo.name) for photo in sources.find(paths, sys.stdin.buffer)]
    if not chosen:
        raise LabError(f"no images found in {', '.join(paths)}; give photos, or folders that hold some")
    save(pictures.draw(method, chosen, f"Defects predicted by {run.name}"), out, dpi=80)


@app.command()
def distortions(photo: Photo, out: File = Path("distortions.png"), seed: Seed = 0) -> None:
    """Plot an image under every distortion at every level."""
    from noref.lab.cli.output import save
    from noref.lab.plots import distortions

    save(distortions.draw(images.read(photo).pixels, seed=seed), out)
