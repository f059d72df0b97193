"""`noref score`: results on standard output, everything else on standard error, exit codes for scripts."""

import contextlib
import io
import os
import sys
import warnings
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

import noref
from noref import batch, capacity, progress, quality_maps, recording, sources, streams, writers
from noref.assessment import Assessment
from noref.cli.options import (
    PATH,
    debug_option,
    exact_option,
    jobs_option,
    max_pixels_option,
    model_option,
    view_option,
)
from noref.cli.output import EXIT_CODES, Exit, needing, require_local, say, say_traceback, stop, stops
from noref.errors import ImageError, InternalError
from noref.scorer import View
from noref.store import Store


@click.command(epilog=EXIT_CODES)
@click.argument(
    "paths",
    metavar="SOURCE...",
    nargs=-1,
    required=True,
    shell_complete=PATH.shell_complete,
    help="Photos, folders (searched recursively), archives (zip, tar), Parquet files, or - for a list on stdin."
    " Each may be remote (s3://, https://), and braces stand for several: shards-{0000..0099}.tar.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([*writers.FORMATS]),
    show_default="table; with --out, they are not printed",
    help="How to print the results.",
)
@click.option(
    "--out",
    type=PATH,
    metavar="FILE",
    help="Save results to this file (a folder with --engine ray), for noref results; the same command resumes.",
)
@click.option("--retry", is_flag=True, help="With --out: score photos again that failed before.")
@click.option("--thumbnails", is_flag=True, help="With --out: keep a small picture of each photo.")
@click.option("--map", "maps", type=PATH, metavar="FOLDER", help="Draw each photo's quality map as a PNG in this folder.")
@click.option("--column", metavar="NAME", help="For Parquet files: the column with the photos or their paths.")
@jobs_option(help="Photos scored in parallel; with --engine ray, scorers. The results do not depend on it.")
@model_option()
@view_option()
@max_pixels_option()
@exact_option
@click.option("--explain", is_flag=True, help="Also print each result in words, with advice for retaking the photo.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Score on this machine, or on a Ray cluster (needs pip install 'noref[ray]').",
)
@click.option(
    "--address",
    metavar="ADDRESS",
    show_default="as RAY_ADDRESS states, or a cluster of this machine",
    help="With --engine ray: the cluster.",
)
@debug_option
def score(
    paths: Sequence[str],
    form: str | None,
    out: Path | None,
    retry: bool,
    thumbnails: bool,
    maps: Path | None,
    column: str | None,
    jobs: int | None,
    model: str,
    view: View,
    max_pixels: int,
    exact: bool,
    explain: bool,
    engine: str,
    address: str | None,
    debug: bool,
) -> None:
    """Score photos: 0 to 100, higher is better.

    About 20: heavy defects. About 50: obvious defects, recognizable content. About 80: clean and sharp.

    Also prints the prediction interval, and likely defects with their level (0 to 5), if the model has them.
    """
    warnings.filterwarnings("ignore", module="PIL")  # what matters is reported as an error or warning of noref
    clustered = engine == "ray"
    require_local(out, maps, model)
    _check(clustered, out=out, maps=maps, address=address, keep=retry or thumbnails)
    at_a_time = jobs or capacity.default_jobs()
    if form is None and (out is None or explain):
        form = next(iter(writers.FORMATS))
    skipped, before, counts, unwritten = Counter[str](), Counter[str](), Counter[type](), 0
    with stops(debug), contextlib.ExitStack() as stack:
        store = None if out is None or clustered else stack.enter_context(Store(out, "w"))
        scorer = noref.Scorer(model, threads=1 if at_a_time > 1 else None, max_pixels=max_pixels, exact=exact, view=view)
        if maps is not None:
            _make(maps, scorer)
        own = [*([] if maps is None else [maps]), *([] if out is None else Store.files(out))]
        found = quality_maps.with_targets(sources.find(paths, streams.standard_input(), own, skipped, column), maps)
        results: Iterator[Assessment | ImageError]
        if clustered and out is not None:
            parts = sources.parts(paths, streams.standard_input(), own, skipped, column)
            options = {"address": address, "scorers": jobs, "retry": retry, "thumbnails": thumbnails}
            results = stack.enter_context(contextlib.closing(_clustered(out, scorer, parts, before, skipped, **options)))
        elif store is None:
            results = batch.run(quality_maps.Work(scorer), sources.ahead(found), at_a_time, lambda item: item.name)
        else:
            results = recording.run(store, scorer, found, at_a_time, retry=retry, thumbnails=thumbnails, before=before)
        countable = all(map(sources.is_local, paths))  # counting others takes as long as reading them
        total = (lambda: sum(1 for _ in sources.find(paths, io.BytesIO(), own))) if countable else None
        advance = stack.enter_context(progress.shown(total, before.total, printed=form is not None))
        writer = None if form is None else writers.opened(form, sys.stdout, scorer.card, explain=explain)
        try:
            for result in results:
                counts[type(result)] += 1
                unwritten += quality_maps.lacks_map(result)
                if writer is not None:
                    writer.write(result)
                advance()
                say_traceback(result, debug)
        except KeyboardInterrupt:
            stack.close()  # clears the bar
            say(f"interrupted: {_summary(counts, before, skipped, unwritten)}")
            raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    if not counts and not before:
        places = ", ".join("the list on standard input" if path == "-" else sources.shown(path) for path in paths)
        in_folders = skipped and any(map(os.path.isdir, paths))
        hint = "; to read a file whatever its extension, give its path" if in_folders else ""
        stop(f"no images found in {places}{sources.described(skipped)}{hint}")
    say(_summary(counts, before, skipped, unwritten))
    failed = set(counts) - {Assessment}
    lacking = failed or before["failed"] or unwritten
    raise click.exceptions.Exit(Exit.BUG if InternalError in failed else Exit.SOME_FAILED if lacking else Exit.OK)


def _check(clustered: bool, *, out: Path | None, maps: Path | None, address: str | None, keep: bool) -> None:
    """End where options do not fit each other."""
    if out == Path("-"):
        stop("--out needs a file; without --out, the results are printed on standard output")
    if out is not None and not clustered and (form := out.suffix.lower().removeprefix(".")) in writers.FORMATS:
        stop(f"--out keeps a results file, such as results.db; for {form}: --format {form} > {out}")
    if clustered and out is None:
        stop("--engine ray needs --out FOLDER")
    if clustered and maps is not None:
        stop("--engine ray draws no maps; leave out --map")
    if address is not None and not clustered:
        stop("--address needs --engine ray")
    if out is None and keep:
        stop("--retry and --thumbnails need --out FILE")


def _clustered(
    out: Path, scorer: noref.Scorer, found: Iterable[sources.Part], before: Counter[str], skipped: Counter[str], **options: Any
) -> Generator[Assessment | ImageError, None, None]:
    """Score on a Ray cluster."""
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # a thread that Ray leaves behind might start a cluster of its own
    with needing("--engine ray", "ray"):
        from noref import ray
        from noref.store.parts import Parts
    with Parts(out, "w") as parts:
        yield from ray.run(parts, scorer, found, before=before, skipped=skipped, **options)


def _make(maps: Path, scorer: noref.Scorer) -> None:
    """Make the folder of the quality maps."""
    if not scorer.card.map_cell:
        stop(f"{scorer.card.label} predicts no quality map; leave out --map, or choose another model")
    try:
        maps.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        stop(f"the folder {maps} cannot be made ({(error.strerror or str(error)).lower()}); choose another for --map")


def _summary(counts: Counter[type], before: Counter[str], skipped: Counter[str], unwritten: int) -> str:
    parts = [f"{counts[Assessment]} scored", f"{counts.total() - counts[Assessment]} failed"]
    if before["scored"]:
        parts.append(f"{before['scored']} scored before")
    if before["failed"]:
        parts.append(f"{before['failed']} failed before (--retry scores them again)")
    if unwritten:
        parts.append(f"{unwritten} map{'' if unwritten == 1 else 's'} could not be written")
    return ", ".join(parts) + sources.described(skipped)
