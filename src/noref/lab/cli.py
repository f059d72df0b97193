"""`noref lab …`: train, export and study methods.

Exit codes: 0 done; 1 done, but some photos failed; 2 wrong usage, one line names the cause and the cure; 3 a bug in noref, with
its traceback.
"""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
import typer.core

from noref import images
from noref.errors import NorefError
from noref.lab.errors import LabError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from PIL import Image

SOME_FAILED, WRONG_USAGE, BUG = 1, 2, 3

NEEDED = (
    *("imagehash", "lightning", "matplotlib", "onnx", "onnxscript", "openpyxl", "pandas", "piq", "pydantic", "ruamel"),
    *("safetensors", "scipy", "sklearn", "timm", "torch", "torchvision", "typing_extensions"),
)
"""What the extra `lab` installs, by the names under which it is imported."""

Number = TypeVar("Number", int, float)


class _Commands(typer.core.TyperGroup):
    """Runs a command, and reports what it raises: user errors as one line, bugs with their traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(error, (typer.Abort, BrokenPipeError)) or hasattr(error, "exit_code"):
                raise  # how typer stops a command, or refuses its options
            code, message = _explained(error)
            if code == BUG or ctx.params["debug"]:
                traceback.print_exception(error)
            typer.echo(f"noref lab: {message}", err=True)
            raise typer.Exit(code) from None


def _explained(error: Exception) -> tuple[int, str]:
    """Exit code and message, in one line."""
    if isinstance(error, NorefError):
        return WRONG_USAGE, " ".join(map(str.strip, str(error).splitlines()))
    if isinstance(error, ModuleNotFoundError) and error.name is not None and error.name.partition(".")[0] in NEEDED:
        return WRONG_USAGE, f"the laboratory needs {error.name}; pip install 'noref[lab]'"
    return BUG, "internal error, a bug in noref; please report it with the traceback above"


app = typer.Typer(
    cls=_Commands,
    help="Train, export and study methods of blind image quality assessment.\n\n"
    "Exit code: 0 done, 1 done but some photos failed, 2 wrong usage, 3 a bug in noref.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

data_app = typer.Typer(help="List and check databases.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Seed = Annotated[int, typer.Option(min=0, help="Another seed, another draw of noise and directions.")]


@app.callback()
def main(debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of user errors, too.")] = False) -> None:
    """Options of all commands; `_Commands` reads them."""


def _tell_failures(results: "pd.DataFrame") -> None:
    if "failed" in results and results["failed"].any():
        raise typer.Exit(SOME_FAILED)


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise LabError(f"{option} takes NAME=VALUE, not {text!r}")
    return name, value


def _pairs(texts: list[str], option: str) -> dict[str, str]:
    return dict(_pair(text, option) for text in texts)


def _numbers(texts: list[str], option: str, kind: Callable[[str], Number]) -> list[Number]:
    try:
        return [kind(text) for text in texts]
    except ValueError as error:
        raise LabError(f"{option} takes numbers, not {', '.join(texts)}") from error


def _settings(changes: list[str] | None, pristine: Path | None) -> dict[str, Any]:
    """Settings of a recipe from the command line; values are read as YAML."""
    from noref.lab.experiments.experiment import read_yaml

    settings = {}
    for key, value in _pairs(changes or [], "--set").items():
        try:
            settings[key] = read_yaml(value)
        except LabError as error:
            raise LabError(f"--set {key}={value}: {error}") from error
    return settings if pristine is None else {**settings, "pristine": str(pristine)}


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or a YAML file.")],
    out: Annotated[Path, typer.Option(help="Results folder. The same command goes on where an interrupted one stopped.")],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=PATH", help="Database, such as biq2021=PATH; what learns from clean photos alone can do without."
        ),
    ] = None,
    pristine: Annotated[Path | None, typer.Option(help="Folder of sharp, clean photos, for methods that need one.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a setting of the recipe; may be repeated.")
    ] = None,
) -> None:
    """Fit a method and report its agreement, or how well it tells classes or defects, on photos that it never saw.

    The split is by content: no scene stands on both sides. Checkpoints are chosen on the validation part only.

    Exit code 1 means that some test photos have no score (column `failed`).
    """
    from noref.lab.experiments import experiment
    from noref.lab.files import writable

    settings = _settings(changes, pristine)
    database = None if data is None else _pair(data, "--data")
    loaded = experiment.load_recipe(recipe, settings)
    rated = experiment.gather(loaded, database)
    with writable(out):
        results = experiment.run(loaded, rated, out)
    if results is not None:  # else another process reports
        typer.echo((out / "results.md").read_text())
        typer.echo(f"everything is in {out}", err=True)
        _tell_failures(results)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Results folder of `noref lab train`.")],
    out: Annotated[Path, typer.Argument(help="The .onnx to write; its card goes beside it.")],
    card: Annotated[
        Path | None, typer.Option(help="JSON with what only you can say: description, licence, training_data, weaknesses …")
    ] = None,
) -> None:
    """Write a trained method as one ONNX file, with everything inside, and its card."""
    from noref.lab.export import export_run
    from noref.lab.files import writable

    with writable(out):
        typer.echo(f"wrote {export_run(run, out, card)}")


@app.command()
def evaluate(
    methods: Annotated[
        list[str], typer.Argument(metavar="METHOD…", help="model:NAME_OR_FILE, recipe:NAME_OR_FILE or scores:FILE.csv")
    ],
    data: Annotated[list[str], typer.Option(metavar="NAME=PATH", help="Database; may be repeated.")],
    out: Annotated[Path, typer.Option(help="Results folder. The same command goes on where an interrupted one stopped.")],
    protocol: Annotated[
        str, typer.Option(help="whole, single, random, official, cross, leave-one-type-out or waterloo (D, L, P and M tests).")
    ] = "whole",
    shares: Annotated[
        str | None,
        typer.Option(help="Of the contents, for single, random and leave-one-type-out.", show_default="train=.8,test=.2"),
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Splits of the random protocol.", show_default="10")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the first split.", show_default="0")] = None,
    pristine: Annotated[Path | None, typer.Option(help="Folder of sharp, clean photos, for recipes that need one.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a setting of recipes.")
    ] = None,
) -> None:
    """Measure how well methods agree with people, under one protocol; save tables, plots and all predictions.

    Exit code 1 means that some photos have no score (column `failed`).
    """
    from noref.lab.datasets import synthetic
    from noref.lab.experiments import evaluate as work
    from noref.lab.experiments import experiment
    from noref.lab.files import writable

    settings = {"repeats": repeats, "seed": seed, "shares": shares}
    heeded = work.PROTOCOL_OPTIONS.get(protocol, settings)
    useless = [f"--{name}" for name, value in settings.items() if value is not None and name not in heeded]
    if not any(text.startswith("recipe:") for text in methods):
        useless += [option for option, value in (("--set", changes), ("--pristine", pristine)) if value]
    if useless:
        raise LabError(f"{', '.join(useless)} has no effect on {', '.join(methods)} under {protocol}; leave it out")
    candidates = [work.candidate(text, _settings(changes, pristine)) for text in methods]
    pairs = _pairs((shares or "train=.8,test=.2").split(","), "--shares")
    portions = dict(zip(pairs, _numbers([*pairs.values()], "--shares", float), strict=True))
    waterloo = protocol == "waterloo"
    read = (lambda name, folder: synthetic.as_rated(folder, name)) if waterloo else experiment.prepare
    databases = [read(*_pair(text, "--data")) for text in data]
    planned = work.plan(protocol, databases, portions, repeats or 10, seed or 0)
    with writable(out):
        table = work.evaluate(candidates, planned, out, tests=waterloo)
    typer.echo(work.as_markdown(table))
    typer.echo(f"everything is in {out}", err=True)
    _tell_failures(table)


@app.command()
def compare(folders: Annotated[list[Path], typer.Argument(metavar="RESULTS…", help="Folders of noref lab evaluate.")]) -> None:
    """Set several results side by side, with significance tests over the splits that they share."""
    from noref.lab import tables
    from noref.lab.experiments import evaluate as work

    table, tests = work.compare(folders)
    typer.echo(work.as_markdown(table))
    if len(tests):
        typer.echo("SRCC over the shared splits; p is optimistic, since random splits share photos.\n")
        typer.echo(tables.as_markdown(tests))


@data_app.command("list")
def data_list() -> None:
    """List the databases that can be read, with their cards."""
    from noref.lab import datasets

    for name in datasets.names():
        card = datasets.card(name)
        low, high = card.mos_range
        typer.echo(f"{name}: {card.title}\n  {card.images} photos, {card.references} references")
        typer.echo(f"  scale {low:g} to {high:g}, {card.direction}\n  licence: {card.licence}\n  from: {card.source}")
        typer.echo(f"  expected: {card.layout}\n  cite: {card.citation}")


@data_app.command("check")
def data_check(name: Annotated[str, typer.Argument()], folder: Annotated[Path, typer.Argument()]) -> None:
    """Tell what was found in a database; exit code 1 if photos are missing or cannot be read."""
    from noref.lab import datasets
    from noref.lab.datasets.check import check

    found = check(datasets.read(name, folder))
    typer.echo(f"{name}: {found.images} photos of {found.contents} contents, {found.references} references")
    low, high = found.observed
    typer.echo(f"opinions {low:g} to {high:g} on a scale of {found.mos_range[0]:g} to {found.mos_range[1]:g}, higher is better")
    for title, counts in (("types", found.types), ("official split", found.parts)):
        if counts:
            typer.echo(f"{title}: {', '.join(f'{key} {count}' for key, count in counts.items())}")
    for pair in found.near_pairs:
        typer.echo(f"near-identical under two contents: {pair.first} and {pair.second}")
    for title, paths in (("missing", found.missing), ("unreadable", found.unreadable)):
        for path in paths:
            typer.echo(f"{title}: {path}")
    typer.echo(
        f"{len(found.missing)} missing, {len(found.unreadable)} unreadable, {len(found.near_pairs)} near pairs", err=True
    )
    if found.missing or found.unreadable:
        raise typer.Exit(SOME_FAILED)


@app.command()
def distort(
    photo: Annotated[Path, typer.Argument()],
    kind: Annotated[str, typer.Option("--type", help="See `noref lab sheet`, or an unknown name for a list.")],
    level: Annotated[int, typer.Option(min=1, max=5, help="1 is mild, 5 severe.")],
    out: Annotated[Path | None, typer.Option(help="Where to write it; PNG by default, beside where you are.")] = None,
    seed: Seed = 0,
) -> None:
    """Make a photo worse on purpose."""
    import numpy as np
    from PIL import Image

    from noref.lab import distortions

    worse = distortions.get(kind)(images.read(photo).pixels, level, np.random.default_rng(seed))
    _save(Image.fromarray(worse), out or Path(f"{photo.stem}.{kind}.{level}.png"))


@app.command()
def sheet(
    photo: Annotated[Path, typer.Argument()],
    out: Annotated[Path, typer.Option(help="Where to write the picture.")] = Path("sheet.png"),
    seed: Seed = 0,
) -> None:
    """Draw a photo under every distortion at every level."""
    from noref.lab.plots import distortions as contact_sheet

    _save(contact_sheet.draw(images.read(photo).pixels, seed=seed), out)


@app.command()
def synthesize(
    photos: Annotated[Path, typer.Argument(help="Folder of sharp, clean photos.")],
    out: Annotated[Path, typer.Argument(help="Folder to fill. The same command goes on where an interrupted one stopped.")],
    types: Annotated[str, typer.Option(help="Distortions, with commas between; all by default.")] = "",
    levels: Annotated[str, typer.Option(help="Levels, with commas between.")] = "1,2,3,4,5",
    seed: Seed = 0,
) -> None:
    """Build a database: every photo at every type and level, with full-reference scores (MS-SSIM, VIF, GMSD)."""
    from rich.console import Console
    from rich.progress import track

    from noref.lab import distortions
    from noref.lab.datasets.synthetic import Synthesis
    from noref.lab.files import writable
    from noref.lab.training.pairs import find_photos

    names = types.split(",") if types else distortions.names()
    work = Synthesis(find_photos(photos), out, names, _numbers(levels.split(","), "--levels", int), seed)
    with writable(out):
        for _ in track(work, "synthesizing", total=len(work), console=Console(stderr=True), disable=not sys.stderr.isatty()):
            pass
    typer.echo(f"{len(work)} pictures in {out}")


@app.command()
def maps(
    run: Annotated[Path, typer.Argument(help="Results folder of a DIQA or DIQA-SENS run.")],
    photo: Annotated[Path, typer.Argument(help="A sharp, clean photo.")],
    kind: Annotated[str, typer.Option("--type", help="How to make it worse.")] = "jpeg",
    level: Annotated[int, typer.Option(min=1, max=5)] = 4,
    out: Annotated[Path, typer.Option(help="Where to write the picture.")] = Path("maps.png"),
    seed: Seed = 0,
) -> None:
    """Draw what DIQA sees: its input, reliability, true and predicted error, sensitivity, perceptual error."""
    import numpy as np

    from noref.lab import distortions
    from noref.lab.experiments import experiment
    from noref.lab.methods.diqa import pictures
    from noref.lab.methods.diqa.method import DiqaMethod

    method = experiment.load_model(run)
    if not isinstance(method, DiqaMethod):
        raise LabError(f"{run} holds {method.name}; give a run of DIQA or DIQA-SENS")
    pixels = images.read(photo).pixels
    worse = distortions.get(kind)(pixels, level, np.random.default_rng(seed))
    _save(pictures.draw(method, pixels, worse), out, dpi=90)


@app.command()
def kernels(
    run: Annotated[Path, typer.Argument(help="Results folder of `noref lab train`, of any method that has a network.")],
    out: Annotated[Path, typer.Option(help="Where to write the picture.")] = Path("kernels.png"),
) -> None:
    """Draw what the first layer of a trained network looks for."""
    from noref.lab.plots import runs

    _save(runs.kernels(runs.first_layer(run), f"First layer of {run.name}"), out, dpi=120)


@app.command()
def photos(
    run: Annotated[Path, typer.Argument(help="Results folder of `noref lab train`.")],
    data: Annotated[str, typer.Option(metavar="NAME=PATH", help="The database that the run was made on.")],
    out: Annotated[Path, typer.Option(help="Where to write the picture.")] = Path("photos.png"),
) -> None:
    """Draw photos of the test part with true and predicted score: from worst to best, and the largest misses."""
    from noref.lab.plots import runs

    name, folder = _pair(data, "--data")
    title = f"Test photos of {run.name}: opinions and predictions"
    _save(runs.photos(runs.read_predictions(run), name, folder, title), out, dpi=90)


@app.command()
def defects(
    run: Annotated[Path, typer.Argument(help="Results folder of `noref lab train defects`.")],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH…", help="Photos, folders (searched below), or - to read paths line by line.")
    ],
    out: Annotated[Path, typer.Option(help="Where to write the picture.")] = Path("defects.png"),
) -> None:
    """Draw photos with the defects that are named in each."""
    from noref import sources
    from noref.lab.experiments import experiment
    from noref.lab.methods.defects import pictures
    from noref.lab.methods.defects.method import DefectsMethod

    method = experiment.load_model(run)
    if not isinstance(method, DefectsMethod):
        raise LabError(f"{run} holds {method.name}, which names no defects; give a run of `noref lab train defects`")
    chosen = [Path(name) for name, _ in sources.find(paths, sys.stdin.buffer)]
    if not chosen:
        raise LabError(f"no pictures found in {', '.join(paths)}; give photos, or folders that hold some")
    _save(pictures.draw(method, chosen, f"Defects named by {run.name}"), out, dpi=80)


@app.command()
def crops(
    recipe: Annotated[str, typer.Argument(help="Recipe of DeepBIQ on crops, such as deepbiq-2.")],
    data: Annotated[str, typer.Option(metavar="NAME=PATH", help="Database with people's opinions, such as biq2021=PATH.")],
    out: Annotated[Path, typer.Option(help="Results folder. The same command goes on where an interrupted one stopped.")],
    counts: Annotated[str, typer.Option(help="Numbers of crops, with commas between; the paper's by default.")] = "",
    poolings: Annotated[str, typer.Option(help="Ways of pooling, with commas between; all by default.")] = "",
    repeats: Annotated[int, typer.Option(min=1, help="Random splits.")] = 10,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a setting of the recipe; may be repeated.")
    ] = None,
) -> None:
    """Find out how many crops DeepBIQ needs and how to pool them: a table over random splits, a plot and the paper's t-test."""
    from noref.lab import tables
    from noref.lab.experiments import crops, experiment
    from noref.lab.files import writable
    from noref.lab.methods.deepbiq.pooling import POOLINGS

    numbers = sorted(set(_numbers(counts.split(","), "--counts", int))) if counts else crops.COUNTS
    ways = poolings.split(",") if poolings else POOLINGS
    name, folder = _pair(data, "--data")
    loaded = experiment.load_recipe(recipe, _settings(changes, None))
    rated = experiment.prepare(name, folder)
    with writable(out):
        table, tests = crops.study(loaded, rated, out, numbers, ways, repeats)
    typer.echo(tables.as_markdown(table))
    typer.echo("Tested is each pooling with the fewest crops that no larger number beats (two-sample t-test at .05).\n")
    typer.echo(tables.as_markdown(tests))
    typer.echo(f"everything is in {out}", err=True)


def _save(picture: "Image.Image | Figure", out: Path, **options: Any) -> None:
    from PIL import Image

    from noref.lab.files import access

    save: Callable[..., None]
    if isinstance(picture, Image.Image):
        formats = {ending.removeprefix(".") for ending, form in Image.registered_extensions().items() if form in Image.SAVE}
        save = picture.save
    else:
        formats = set(picture.canvas.get_supported_filetypes())
        save = picture.savefig
    if out.suffix.lower().removeprefix(".") not in formats:
        raise LabError(f"{out}: pictures of this type cannot be written; choose a name that ends in .png")
    with access(out, "choose another --out"):
        save(out, **options)
    typer.echo(f"wrote {out}")
