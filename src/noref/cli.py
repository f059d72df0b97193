"""`noref …`: scores on standard output, everything else on standard error, an exit code that tells."""

import contextlib
import enum
import importlib
import io
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn, Optional

import typer

import noref
from noref import batch, card, images, overlay, scorer, writers
from noref.assessment import Assessment
from noref.errors import ImageError, ModelError

Item = tuple[str, Optional[Path]]  # a photo, and where its map goes

OK, SOME_FAILED, WRONG_USAGE = 0, 1, 2

app = typer.Typer(
    help="Tell how good photos look, without a reference. Scores run from 0 to 100; higher is better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Format(str, enum.Enum):
    """Names of `writers.FORMATS`."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"noref {noref.__version__}")
        raise typer.Exit(OK)


@app.command()
def score(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH…", help="Photos, folders (searched below), or - to read paths line by line.")
    ],
    form: Annotated[Format, typer.Option("--format", help="How to print the results.")] = Format.TABLE,
    maps: Annotated[
        Optional[Path], typer.Option("--map", metavar="FOLDER", help="Write a picture of each photo's quality map here.")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="Photos at a time; the answers stay the same.", show_default="all processors")
    ] = scorer.available_processors(),
    model: Annotated[
        str, typer.Option("--model", metavar="NAME_OR_FILE", help="A shipped model, or an exported .onnx.")
    ] = card.DEFAULT,
) -> None:
    """Score photos: 0 to 100, higher is better.

    Where the model tells them: the interval that holds most opinions, and the defects that are likely, level 0 to 5.

    About 20: plainly spoiled. About 50: faults are seen at once, the content is clear. About 80: clean and sharp.

    Exit code: 0 all scored, 1 some could not be scored, 2 wrong usage.
    """
    warnings.filterwarnings("ignore", module="PIL")  # what matters of them reaches the user as an error or a warning of ours
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")  # file names need not be text
    with _usage_errors():
        judge = noref.Scorer(model, threads=1 if jobs > 1 else None)
        if maps is not None:
            if not judge.card.map_cell:
                _stop(f"{judge.card.label} draws no map; leave out --map, or choose another model")
            maps.mkdir(parents=True, exist_ok=True)
        found = _with_targets(batch.find(paths, sys.stdin, skip=maps), maps)
        scored = failed = 0
        with _progress(found, endless="-" in paths) as items:
            write = writers.FORMATS[form.value](sys.stdout, judge.card)
            for result in batch.run(_Work(judge), items, jobs):
                write(result)
                scored += isinstance(result, Assessment)
                failed += isinstance(result, ImageError)
    if not scored + failed:
        _stop(f"no pictures found in {', '.join(paths)}; folders are searched for {' '.join(sorted(images.EXTENSIONS))}")
    typer.echo(f"{scored} scored, {failed} failed", err=True)
    raise typer.Exit(SOME_FAILED if failed else OK)


class _Work:
    """Score one photo and, where maps are wanted, draw its map."""

    def __init__(self, judge: noref.Scorer) -> None:
        self.judge = judge

    def __call__(self, item: Item) -> Assessment:
        name, target = item
        assessment = self.judge.score(name)
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            overlay.draw(images.read(name, max_pixels=self.judge.max_pixels).pixels, assessment).save(target)
        return assessment


def _with_targets(found: Iterator[tuple[str, Path]], maps: Path | None) -> Iterator[Item]:
    """Say where each photo's map goes; namesakes from different folders get a number."""
    taken: Counter[Path] = Counter()
    for name, place in found:
        if maps is None:
            yield name, None
        else:
            taken[place] += 1
            yield name, maps / (f"{place}.png" if taken[place] == 1 else f"{place}.{taken[place]}.png")


@contextlib.contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader of our output has gone; typer ends quietly
        raise
    except (ModelError, OSError) as error:  # no such model, a folder that cannot be made, a full disk
        _stop(str(error))


def _stop(message: str) -> NoReturn:
    typer.echo(f"noref: {message}", err=True)
    raise typer.Exit(WRONG_USAGE)


@contextlib.contextmanager
def _progress(found: Iterator[Item], endless: bool) -> Iterator[Iterable[Item]]:
    """The items, counted on standard error while that is a terminal and the results go elsewhere."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield found
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Left to itself, rich would carry our results to standard error.
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        if endless:
            yield progress.track(found, total=None)
        else:
            yield progress.track(list(found))


@app.command()
def models() -> None:
    """List the models that ship: licence, scale, training data, measured agreement."""
    for path in card.shipped():
        facts = card.load(path)
        default = " (default)" if path.stem == card.DEFAULT else ""
        typer.echo(f"{facts.label}{default}: {facts.description}")
        rows = [
            ("licence", facts.licence),
            ("scale", facts.scale),
            ("interval", f"holds {facts.coverage:.0%} of opinions on photos like those trained on" if facts.coverage else ""),
            ("size", f"{facts.policy}; at least {facts.shortest} pixels on each side"),
            ("map", facts.map_meaning),
            ("defects", ", ".join(facts.defects)),
            ("trained on", facts.training_data),
            ("weights from", facts.origin),
            *[("agreement", _agreement(row)) for row in facts.agreement],
            ("measured", ", ".join(f"{key} {value}" for key, value in facts.measured.items())),
            *[("weakness", text) for text in facts.weaknesses],
        ]
        for key, value in rows:
            if value:
                typer.echo(f"  {key:<13}{value}")


def _agreement(row: dict[str, Any]) -> str:
    shown = {
        "accuracy": "accuracy {:.3f}",
        "auc": "AUC {:.3f}",
        "srcc": "SRCC {:.3f}",
        "plcc": "PLCC {:.3f}",
        "rmse": "RMSE {:.1f}",
    }
    figures = ", ".join(text.format(row[figure]) for figure, text in shown.items() if row.get(figure) is not None)
    return f"{row['part']}: {figures} (n = {row['n']})"


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    help="Train, export and study methods (needs the extra: pip install 'noref[lab]').",
)
def lab(context: typer.Context) -> None:
    # The one place where the runtime reaches for the laboratory, and only when asked to.
    commands = importlib.import_module("noref.lab.cli")
    commands.app(context.args, prog_name="noref lab")


if __name__ == "__main__":
    app()
