"""`noref results`: lists, filters, exports and removes what `noref score --out` kept."""

import contextlib
import functools
import sys
from pathlib import Path
from typing import get_args

import click

from noref import card, exports, sources
from noref.cli.options import PATH, Within, debug_option, settings_option
from noref.cli.output import needing, require_local, say, stop, stops
from noref.comparison.systems import described as in_words
from noref.store import Record, Results, Settings, Sort, opened

FORMATS = [*exports.FORMATS]
SORTS: tuple[Sort, ...] = get_args(Sort)


@click.command(short_help="List, filter and export saved results.")
@click.argument("file", type=PATH, metavar="FILE", help="A file or folder that noref score --out wrote.")
@click.option("--below", type=Within(0, 100), metavar="SCORE", help="Only scores lower than this.")
@click.option("--above", type=Within(0, 100), metavar="SCORE", help="Only scores of at least this.")
@click.option("--defect", metavar="NAME", help="Only photos that likely have this defect.")
@click.option("--failed", is_flag=True, help="Only photos that could not be scored.")
@click.option("--missing", is_flag=True, help="Only photos whose file no longer exists on this machine.")
@click.option(
    "--sort", type=click.Choice(SORTS), default=SORTS[0], help="By path, by score (lowest first), or by time of scoring."
)
@click.option("--reverse", is_flag=True, help="Reverse the order; by score, failures stay last.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    help="How to print them; parquet needs pip install 'noref[parquet]'.",
)
@click.option("--null", is_flag=True, help="With --format paths: end each path by a null byte, for xargs -0.")
@click.option("--prune", is_flag=True, help="Remove the listed results. Photos are not touched.")
@settings_option
@debug_option
def results(
    file: Path,
    below: float | None,
    above: float | None,
    defect: str | None,
    failed: bool,
    missing: bool,
    sort: Sort,
    reverse: bool,
    form: str,
    null: bool,
    prune: bool,
    number: int,
    debug: bool,
) -> None:
    """List, filter and export the results that noref score --out kept; failures too.

    Filters combine. Results go to standard output, a summary to standard error.
    """
    export = exports.FORMATS[form]
    if null:
        if export is not exports.as_paths:
            stop("--null needs --format paths")
        export = functools.partial(exports.as_paths, end=b"\0")
    if export is exports.as_parquet and sys.stdout.isatty():
        stop("Parquet is binary; write it to a file: > results.parquet")
    if prune and below is None and above is None and defect is None and not failed and not missing:
        stop("--prune needs a filter, such as --missing; to remove all results, delete the file")
    require_local(file)
    with stops(debug), contextlib.ExitStack() as stack:
        if prune:
            stack.enter_context(opened(file))  # must exist, which writing does not ask for
        store = stack.enter_context(opened(file, "w" if prune else "r"))
        settings = chosen(store, number)
        facts = card.from_dict(store.cards()[settings.model_sha256])
        if defect is not None and defect not in facts.defects:
            stop(f"{facts.label} predicts no defect {defect!r}; its defects: {', '.join(facts.defects) or 'none'}")
        found = store.records(
            below=below,
            above=above,
            defect=defect,
            failed=failed or None,
            sort=sort,
            reverse=reverse,
            settings=settings,
            pictures=False,
        )
        count, listed = 0, list[str]()

        def counted(record: Record) -> bool:
            nonlocal count
            if missing and not sources.is_gone(record.path):
                return False
            count += 1
            if prune:
                listed.append(record.path)
            return True

        with needing("--format parquet", "parquet"):
            export(filter(counted, found), facts, sys.stdout)
        if prune:
            sys.stdout.flush()  # a list that is lost removes nothing
            store.remove(listed, settings)
        say(f"{'removed ' if prune else ''}{count} photo{'' if count == 1 else 's'}; {described(store)}")


def chosen(store: Results, number: int) -> Settings:
    """The settings of a number as `--settings` takes it."""
    settings = store.settings()
    if not settings:
        stop(f"{store.path}: it holds no results yet; write some with `noref score PHOTOS --out {store.path}`")
    if number > len(settings):
        stop(f"{store.path}: there are no settings {number}; {described(store)}")
    return settings[number - 1]


def described(store: Results) -> str:
    """All settings of a file, numbered as `--settings` takes them if there are several."""
    cards, settings = store.cards(), store.settings()
    texts = [in_words(each, cards[each.model_sha256]) for each in settings]
    if len(texts) == 1:
        return texts[0]
    return "settings in the file: " + "; ".join(f"{number}: {text}" for number, text in enumerate(texts, 1))
