"""`noref lab train` and `export`: from a recipe to a results folder, and from there to an ONNX file."""

from collections.abc import Sequence
from pathlib import Path

import click

from noref.cli.options import PATH
from noref.lab.cli.options import changes_option, finish, out_option, pair, pristine_option, run_argument, settings
from noref.lab.errors import LabError

card_option = click.option(
    "--card",
    type=PATH,
    metavar="FILE",
    help="JSON with fields of the card that only you can fill in: description, licence, weaknesses ...",
)


@click.command(short_help="Train a method and test it.")
@click.argument("recipe", help="Name of a shipped recipe (see `noref lab recipes`), or a YAML file.")
@out_option
@click.option(
    "--data",
    metavar="NAME=PATH",
    help="Database, such as biq2021=PATH; optional for methods trained on pristine images only.",
)
@pristine_option
@changes_option
@click.option("--export", "model", type=PATH, metavar="FILE", help="Also export the trained method to this .onnx file.")
@card_option
def train(
    recipe: str,
    out: Path,
    data: str | None,
    pristine: Path | None,
    changes: Sequence[str],
    model: Path | None,
    card: Path | None,
) -> None:
    """Train a method and report its performance on the test part of a content-disjoint split.

    Checkpoints are chosen on the validation part only. Run again after an interruption, the same command resumes.

    Exit code 1: some test images have no score (column `failed`).
    """
    from noref.lab.experiments import experiment
    from noref.lab.experiments.recipe import load_recipe
    from noref.lab.files import read_text, writable

    changed = settings(changes, pristine)
    database = None if data is None else pair(data, "--data")
    loaded = load_recipe(recipe, changed)
    if card is not None and model is None:
        raise LabError("--card has no effect without --export; leave it out, or give --export")
    if model is not None:
        from noref.lab.export import card_facts
        from noref.lab.methods.network import NetworkMethod

        if not isinstance(loaded.build(), NetworkMethod):
            raise LabError(f"{loaded.method} has no network to export; leave out --export")
        if card is not None:
            card_facts(card)  # wrong ones are better known before the training
    rated = experiment.gather(loaded, database)
    with writable(out):
        results = experiment.run(loaded, rated, out)
    if results is not None:  # else another process reports
        click.echo(read_text(out / "results.md"))
        if model is not None:
            _export(out, model, card)
        finish(results, out)


@click.command(short_help="Export a trained method as one ONNX file.")
@run_argument
@click.argument("out", type=PATH, help="The .onnx file to write; its card goes beside it.")
@card_option
def export(run: Path, out: Path, card: Path | None) -> None:
    """Export a trained method as one self-contained ONNX file with a model card."""
    _export(run, out, card)


def _export(run: Path, out: Path, card: Path | None) -> None:
    from noref.lab.export import export_run
    from noref.lab.files import writable

    with writable(out):
        click.echo(f"wrote {export_run(run, out, card)}")
