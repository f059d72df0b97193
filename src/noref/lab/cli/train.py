"""`noref lab train` and `export`: from a recipe to a results folder, and from there to an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from noref.lab.cli.options import Changes, Pristine, Results, Run, finish, pair, settings
from noref.lab.errors import LabError

Card = Annotated[
    Path | None,
    typer.Option(help="JSON with fields of the card that only you can fill in: description, licence, weaknesses ..."),
]


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe (see `noref lab recipes`), or a YAML file.")],
    out: Results,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=PATH",
            help="Database, such as biq2021=PATH; optional for methods trained on pristine images only.",
        ),
    ] = None,
    pristine: Pristine = None,
    changes: Changes = None,
    model: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Also export the trained method to this .onnx file.")
    ] = None,
    card: Card = None,
) -> None:
    """Train a method and report its performance on the test part of a content-disjoint split.

    Checkpoints are chosen on the validation part only. Run again after an interruption, the same command resumes.

    Exit code 1: some test images have no score (column `failed`).
    """
    from noref.lab.experiments import experiment
    from noref.lab.experiments.recipe import load_recipe
    from noref.lab.files import writable

    changed = settings(changes, pristine)
    database = None if data is None else pair(data, "--data")
    loaded = load_recipe(recipe, changed)
    if model is not None:
        from noref.lab.methods.network import NetworkMethod

        if not isinstance(loaded.build(), NetworkMethod):
            raise LabError(f"{loaded.method} has no network to export; leave out --export")
    rated = experiment.gather(loaded, database)
    with writable(out):
        results = experiment.run(loaded, rated, out)
    if results is not None:  # else another process reports
        typer.echo((out / "results.md").read_text())
        if model is not None:
            export(out, model, card)
        finish(results, out)


def export(
    run: Run,
    out: Annotated[Path, typer.Argument(help="The .onnx file to write; its card goes beside it.")],
    card: Card = None,
) -> None:
    """Export a trained method as one self-contained ONNX file with a model card."""
    from noref.lab.export import export_run
    from noref.lab.files import writable

    with writable(out):
        typer.echo(f"wrote {export_run(run, out, card)}")
