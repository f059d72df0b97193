"""`noref compare`: how systems differ, by the scores of the same pictures."""

import contextlib
import io
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

import noref
from noref import capacity, card, progress, quality_maps, recording, sources
from noref.cli.options import (
    PATH,
    VIEWS,
    Whole,
    debug_option,
    exact_option,
    jobs_option,
    max_pixels_option,
    model_option,
    view_option,
)
from noref.cli.output import EXIT_CODES, Exit, require_local, say, say_traceback, stop, stops
from noref.cli.report import check_page, require_report
from noref.comparison import System, common_settings, distinct_names, texts
from noref.comparison import compare as compared
from noref.comparison.pairing import matched, relative
from noref.errors import InternalError
from noref.scorer import View
from noref.store import Results, Settings, Store, holds_results, opened

FORMATS = [*texts.FORMATS]


@click.command(short_help="Compare systems by the scores of the same pictures.", epilog=EXIT_CODES)
@click.argument(
    "places",
    metavar="SYSTEM...",
    nargs=-1,
    required=True,
    shell_complete=PATH.shell_complete,
    help="Folders of photos, or results that noref score --out wrote.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], help="How to print the comparison.")
@click.option(
    "--report",
    "page",
    type=PATH,
    metavar="PAGE",
    help="Write an HTML file as well (needs pip install 'noref[report]').",
)
@click.option(
    "--pictures",
    "most",
    type=Whole(min=0),
    metavar="N",
    default=10,
    help="How many of the most different pictures to list.",
)
@model_option(
    default=None,
    show_default=f"{card.DEFAULT}; without folders, that of the results",
    help="The model that scores folders, and whose results are read from files.",
)
@view_option(
    default=None,
    show_default=f"{VIEWS[0]}; without folders, that of the results",
    help="The view in which folders are scored, and whose results are read from files.",
)
@exact_option
@max_pixels_option()
@jobs_option()
@debug_option
def compare(
    places: Sequence[str],
    form: str,
    page: Path | None,
    most: int,
    model: str | None,
    view: View | None,
    exact: bool,
    max_pixels: int,
    jobs: int | None,
    debug: bool,
) -> None:
    """Compare systems, such as codecs or two versions of a pipeline, by the scores of the same pictures.

    Pictures are paired by path below each folder, or below the common folder of a results file; extensions may differ.

    Differences are the second system minus the first, with 95 % bootstrap intervals and sign-flip p-values, by picture.
    """
    if len(places) < 2:
        stop("a comparison needs two systems; give two or more folders or results files")
    require_local(*places, page, model)
    if missing := [place or "an empty path" for place in places if not os.path.exists(place)]:
        stop(f"{missing[0]}: no such file or folder; give folders of photos, or results that noref score --out wrote")
    if page is not None:
        require_report("--report")
        check_page(page, [Path(place) for place in places])
    counts: Counter[type] = Counter()
    with stops(debug), contextlib.ExitStack() as stack:
        names = distinct_names(places)
        folders = [place for place in places if os.path.isdir(place) and not holds_results(place)]
        stores: dict[str, Results] = {place: stack.enter_context(opened(place)) for place in places if place not in folders}
        seen = view or VIEWS[0]
        file = card.find(model or card.DEFAULT)
        sha256 = card.load(file).sha256
        wanted = None
        if folders:
            wanted = [Settings(sha256, seen, exact)]
        elif model or view or exact:
            every = stores[places[0]].settings()
            wanted = [each for each in every if _fits(each, sha256 if model else None, view, exact or None)]
        settings = common_settings([*stores.values()], wanted)
        roots = [os.path.join(os.path.abspath(place), "") if place in folders else None for place in places]
        if folders:  # pictures that do not pair are better known before they are scored
            listed = [_pictures(place, stores.get(place), settings) for place in places]
            matched(names, relative(listed, roots))
            jobs = jobs or capacity.default_jobs()
            scorer = noref.Scorer(file, threads=1 if jobs > 1 else None, max_pixels=max_pixels, exact=exact, view=seen)
            drafts = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="noref-")))
            files = [stack.enter_context(Store(drafts / f"{number}.db", "w")) for number in range(len(folders))]
            stores |= dict(zip(folders, files, strict=True))
            _score(scorer, folders, files, jobs, page is not None, counts, debug)
        given = [System.of(stores[place], name, settings, root) for place, name, root in zip(places, names, roots, strict=True)]
        comparison = compared(given)
        texts.FORMATS[form](comparison, sys.stdout, most)
        if page is not None:
            from noref.report import write_comparison

            write_comparison(comparison, given, page, most=most)
            say(f"{page}: {page.stat().st_size / 1_000_000:.1f} MB")
    raise click.exceptions.Exit(Exit.BUG if counts[InternalError] else Exit.SOME_FAILED if comparison.failed else Exit.OK)


def _fits(settings: Settings, model_sha256: str | None, view: str | None, exact: bool | None) -> bool:
    """Whether settings are those given; None for any."""
    given = zip(settings, (model_sha256, view, exact), strict=True)
    return all(wanted is None or wanted == value for value, wanted in given)


def _pictures(place: str, store: Results | None, settings: Settings) -> list[str]:
    """The absolute paths of the pictures of a folder, or of those in a store."""
    if store is not None:
        return [record.path for record in store.records(settings=settings, pictures=False)]
    skipped: Counter[str] = Counter()
    found = [photo.lasting for photo in sources.find([place], io.BytesIO(), skipped=skipped)]
    if not found:
        stop(f"no images found in {place}{sources.described(skipped)}")
    return found


def _score(
    scorer: noref.Scorer,
    folders: Sequence[str],
    stores: Sequence[Store],
    jobs: int,
    thumbnails: bool,
    counts: Counter[type],
    debug: bool,
) -> None:
    """Score the photos of folders, each into a store; counts the results by type."""
    with progress.shown(lambda: sum(1 for _ in sources.find(folders, io.BytesIO())), printed=False) as advance:
        for folder, store in zip(folders, stores, strict=True):
            items = quality_maps.with_targets(sources.find([folder], io.BytesIO()), None)
            results = recording.run(store, scorer, items, jobs, retry=False, thumbnails=thumbnails, before=Counter())
            try:
                for result in results:
                    counts[type(result)] += 1
                    advance()
                    say_traceback(result, debug)
            except KeyboardInterrupt:
                say(f"interrupted: {counts.total()} photos scored, none kept; noref score --out keeps them")
                raise click.exceptions.Exit(Exit.INTERRUPTED) from None
