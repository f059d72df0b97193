"""`noref ...`: scores on standard output, everything else on standard error, exit codes for scripts."""

import contextlib
import enum
import importlib
import io
import os
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args

import typer

import noref
from noref import batch, capacity, card, images, mapping, progress, sources, streams, writers
from noref.assessment import Assessment
from noref.errors import ImageError, InternalError, ModelError
from noref.scorer import View
from noref.writers.table import printable


class Exit(enum.IntEnum):
    """Exit codes, each with its meaning."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "Exit":
        """An exit code that carries its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "all images were scored"
    SOME_FAILED = 1, "some images could not be scored, or the reader of the output closed it"
    STOPPED = 2, "wrong usage, no image found, a model that cannot be used, or output that cannot be written"
    BUG = 3, "a bug in noref; its traceback is on standard error"
    INTERRUPTED = 130, "interrupted (Ctrl-C)"


Format = enum.Enum("Format", {name.upper(): name for name in writers.FORMATS}, type=str)  # type: ignore[misc]
DEFAULT_FORMAT = next(iter(Format))
Views = enum.Enum("Views", {name.upper(): name for name in get_args(View)}, type=str)  # type: ignore[misc]
DEFAULT_VIEW = next(iter(Views))

app = typer.Typer(
    help="Predict how good photos look, without a reference. Scores run from 0 to 100; higher is better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"noref {noref.__version__}")
        raise typer.Exit(Exit.OK)


@app.command(epilog="\b\nExit codes:\n" + "\n".join(f"{code:>5}  {code.meaning}" for code in Exit))
def score(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Photos, folders (searched recursively), or - for a list on stdin."),
    ],
    form: Annotated[Format, typer.Option("--format", help="How to print the results.")] = DEFAULT_FORMAT,
    maps: Annotated[
        Path | None,
        typer.Option("--map", metavar="FOLDER", help="Draw each photo's quality map as a PNG in this folder."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            min=1,
            help="Photos scored in parallel; the results do not depend on it.",
            show_default="as processors and memory allow",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option("--model", metavar="NAME_OR_FILE", help="A shipped model (NAME or NAME@VERSION), or an exported .onnx."),
    ] = card.DEFAULT,
    view: Annotated[
        Views,
        typer.Option("--view", help="Score small photos enlarged to the common size of the model, or at their native size."),
    ] = DEFAULT_VIEW,
    max_pixels: Annotated[
        int, typer.Option("--max-pixels", min=1, metavar="N", help="Refuse images with more pixels.")
    ] = images.MAX_PIXELS,
    exact: Annotated[bool, typer.Option("--exact", help="Decode large JPEGs in full, not at a reduced size; slower.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of every error on standard error.")] = False,
) -> None:
    """Score photos: 0 to 100, higher is better.

    About 20: heavy defects. About 50: obvious defects, recognizable content. About 80: clean and sharp.

    Where the model supports it: the prediction interval, and likely defects with their level, 0 to 5.
    """
    warnings.filterwarnings("ignore", module="PIL")  # what matters is reported as an error or warning of noref
    jobs = jobs or capacity.default_jobs()
    skipped: Counter[str] = Counter()
    counts: Counter[type] = Counter()
    with _stops(debug):
        scorer = noref.Scorer(model, threads=1 if jobs > 1 else None, max_pixels=max_pixels, exact=exact, view=view.value)
        if maps is not None:
            if not scorer.card.map_cell:
                _stop(f"{scorer.card.label} predicts no quality map; leave out --map, or choose another model")
            try:
                maps.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                _stop(f"the folder {maps} cannot be made ({(error.strerror or str(error)).lower()}); choose another for --map")
        found = sources.find(paths, streams.standard_input(), maps, skipped)
        total = None if "-" in paths else lambda: sum(1 for _ in sources.find(paths, io.BytesIO(), maps))
        try:
            with writers.opened(form.value, sys.stdout, scorer.card) as writer, progress.shown(total) as advance:
                for result in batch.run(mapping.Work(scorer), mapping.with_targets(found, maps), jobs, lambda item: item.name):
                    counts[type(result)] += 1
                    writer.write(result)
                    advance()
                    _report(result, debug)
        except KeyboardInterrupt:
            _say(f"interrupted: {_summary(counts, skipped)}")
            raise typer.Exit(Exit.INTERRUPTED) from None
    if not counts:
        places = ", ".join("the list on standard input" if path == "-" else path for path in paths)
        hint = "; give the path of a file to have it read whatever its extension" if skipped else ""
        _stop(f"no images found in {places}{sources.described(skipped)}{hint}")
    _say(_summary(counts, skipped))
    failed = set(counts) - {Assessment}
    raise typer.Exit(Exit.BUG if InternalError in failed else Exit.SOME_FAILED if failed else Exit.OK)


def _report(result: Assessment | ImageError, debug: bool) -> None:
    """Print the traceback of a bug on standard error; with `debug`, of any error."""
    if isinstance(result, InternalError):
        _say(f"internal error on {result.name}", *result.traceback.splitlines())
    elif debug and isinstance(result, ImageError):
        _say(f"error on {result.name}", *"".join(traceback.format_exception(result)).splitlines())


def _summary(counts: Counter[type], skipped: Counter[str]) -> str:
    return f"{counts[Assessment]} scored, {counts.total() - counts[Assessment]} failed{sources.described(skipped)}"


def _say(*lines: str) -> None:
    """Print on standard error, as far as that can be written."""
    with contextlib.suppress(OSError):
        for line in lines:
            typer.echo(printable(line), err=True)


def _stop(message: str) -> NoReturn:
    _say(f"noref: {message}")
    raise typer.Exit(Exit.STOPPED)


def _reason(error: Exception) -> str:
    """The message of an error; an OSError without a file name comes from a standard stream."""
    if isinstance(error, OSError) and error.filename is None:
        return f"standard input or output: {error.strerror or error}"
    return str(error)


@contextlib.contextmanager
def _stops(debug: bool = False) -> Iterator[None]:
    """Report errors that the user can fix as one line."""
    try:
        yield
    except BrokenPipeError:  # the output was closed; typer exits quietly
        raise
    except (ModelError, OSError) as error:  # no such model, a folder that cannot be made, a full disk
        if debug:
            _say(*traceback.format_exc().splitlines())
        _stop(_reason(error))


@app.command()
def models() -> None:
    """List the models that ship, earlier versions too: licence, scale, training data, measured agreement."""
    for path in card.shipped():
        with _stops():
            facts = card.load(path)
        note = " (default)" if path.stem == card.DEFAULT else ""
        if card.is_earlier(path):
            note = f" (earlier version, {facts.name}@{facts.version})"
        typer.echo(f"{facts.label}{note}: {facts.description}")
        rows = [
            ("licence", facts.licence),
            ("scale", facts.scale),
            (
                "interval",
                f"{facts.coverage:.0%} coverage of the MOS on photos like those of training" if facts.coverage else "",
            ),
            ("unusual", f"a warning; {facts.usual:.0%} of photos like those of training carry none" if facts.usual else ""),
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
    help="Train, evaluate and export methods (needs the extra: pip install 'noref[lab]').",
)
def lab(context: typer.Context) -> None:
    # By name, so that the runtime does not depend on the laboratory.
    commands = importlib.import_module("noref.lab.cli.app")
    commands.app(context.args, prog_name="noref lab")


def main() -> None:
    """The command `noref`."""
    streams.prepare()
    try:
        app()
        code: int = Exit.OK
    except SystemExit as end:  # how typer ends
        code = end.code if isinstance(end.code, int) else Exit.OK
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None:
            _say(f"noref: {_reason(error)}")
            code = Exit.STOPPED
        else:
            _say("noref: internal error", *traceback.format_exc().splitlines())
            code = Exit.BUG
    # A normal exit waits for the photos being scored, and fails if a stream cannot be written.
    if code == Exit.INTERRUPTED or not streams.flush():
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
