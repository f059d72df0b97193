"""`noref report`: results -> one self-contained HTML file."""

import functools
from collections.abc import Sequence
from pathlib import Path

import click

from noref.cli.options import PATH, Whole, Within, debug_option, settings_option
from noref.cli.output import needing, require_local, say, stop, stops
from noref.cli.results import chosen, described
from noref.store import opened


@click.command(short_help="Write results as one HTML file.")
@click.argument("results", type=PATH, metavar="RESULTS", help="A file or folder that noref score --out wrote.")
@click.argument("page", type=PATH, metavar="PAGE", help="The HTML file to write.")
@click.option(
    "--threshold",
    type=Within(0, 100),
    metavar="SCORE",
    default=50,
    help="Initial threshold on the page.",
)
@click.option(
    "--max-size",
    type=Whole(min=1),
    metavar="MB",
    default=60,
    help="Size limit; beyond it, photos are sampled, but the table is complete.",
)
@settings_option
@debug_option
def report(results: Path, page: Path, threshold: float, max_size: int, number: int, debug: bool) -> None:
    """Write results as one HTML file, to be opened in a browser (needs the extra: pip install 'noref[report]').

    Distribution of scores with a threshold, defects, galleries with quality maps, a table, failures, and the limits of the
    model. Photos are shown if noref score ran with --thumbnails. The file needs no network and no other file.
    """
    require_report("noref report")
    from noref.report import write

    require_local(results, page)
    with stops(debug), opened(results) as store:
        check_page(page, [results])
        records = functools.partial(store.records, settings=chosen(store, number))
        write(records, store.cards(), page, threshold=threshold, max_bytes=max_size * 1_000_000)
        say(f"{page}: {page.stat().st_size / 1_000_000:.1f} MB; {described(store)}")


def require_report(what: str) -> None:
    """Stop if what reports need is not installed."""
    with needing(what, "report"):
        import noref.report  # noqa: F401


def check_page(page: Path, results: Sequence[Path]) -> None:
    """Stop if a report cannot be written there."""
    if page.exists() and any(place.exists() and page.samefile(place) for place in results):
        stop(f"{page} holds the results; choose another name for the report")
    if page.suffix.lower() not in (".html", ".htm"):
        stop(f"{page}: a report is an HTML file; choose a name that ends with .html")
    if page.is_dir() or not page.parent.is_dir():
        stop(f"{page} cannot be written: {'it is a folder' if page.is_dir() else 'its folder does not exist'}")
