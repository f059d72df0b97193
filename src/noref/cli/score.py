"""`noref score`: results on standard output, everything else on standard error, exit codes for scripts."""

import enum
import io
import sys
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Annotated, get_args

import typer

import noref
from noref import batch, capacity, card, images, mapping, progress, sources, streams, writers
from noref.assessment import Assessment
from noref.cli.output import Exit, say, stop, stops
from noref.errors import ImageError, InternalError
from noref.scorer import View

Format = enum.Enum("Format", {name.upper(): name for name in writers.FORMATS}, type=str)  # type: ignore[misc]
DEFAULT_FORMAT = next(iter(Format))
Views = enum.Enum("Views", {name.upper(): name for name in get_args(View)}, type=str)  # type: ignore[misc]
DEFAULT_VIEW = next(iter(Views))


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
    with stops(debug):
        scorer = noref.Scorer(model, threads=1 if jobs > 1 else None, max_pixels=max_pixels, exact=exact, view=view.value)
        if maps is not None:
            if not scorer.card.map_cell:
                stop(f"{scorer.card.label} predicts no quality map; leave out --map, or choose another model")
            try:
                maps.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                stop(f"the folder {maps} cannot be made ({(error.strerror or str(error)).lower()}); choose another for --map")
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
            say(f"interrupted: {_summary(counts, skipped)}")
            raise typer.Exit(Exit.INTERRUPTED) from None
    if not counts:
        places = ", ".join("the list on standard input" if path == "-" else path for path in paths)
        hint = "; give the path of a file to have it read whatever its extension" if skipped else ""
        stop(f"no images found in {places}{sources.described(skipped)}{hint}")
    say(_summary(counts, skipped))
    failed = set(counts) - {Assessment}
    raise typer.Exit(Exit.BUG if InternalError in failed else Exit.SOME_FAILED if failed else Exit.OK)


def _report(result: Assessment | ImageError, debug: bool) -> None:
    """Print the traceback of a bug on standard error; with `debug`, of any error."""
    if isinstance(result, InternalError):
        say(f"internal error on {result.name}", *result.traceback.splitlines())
    elif debug and isinstance(result, ImageError):
        say(f"error on {result.name}", *"".join(traceback.format_exception(result)).splitlines())


def _summary(counts: Counter[type], skipped: Counter[str]) -> str:
    return f"{counts[Assessment]} scored, {counts.total() - counts[Assessment]} failed{sources.described(skipped)}"
