"""Scores sources into a folder of parts: passes over those that have a result, and writes results as they come."""

import contextlib
import itertools
import logging
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import ray
from ray.exceptions import RayError

from noref import sources
from noref.assessment import Assessment
from noref.errors import ClusterError, ImageError
from noref.ray import cluster, scoring
from noref.ray.work import Scoring
from noref.scorer import Scorer
from noref.store import Settings, arrow
from noref.store.finished import STATES, Finished
from noref.store.parts import ROWS, Parts
from noref.store.record import is_passed

ROUND = 5_000
"""Photos for each scorer in one execution of Ray Data, which takes some minutes. Files that hold many count as `_MANY`."""

SECONDS = 5.0
"""After which a part is written, if there are results."""

MOST = 1_000_000
"""Photos in one execution, at most: the driver holds their names."""

_MANY = 500


def run(
    parts: Parts,
    scorer: Scorer,
    found: Iterable[sources.Part],
    *,
    address: str | None = None,
    scorers: int | None = None,
    retry: bool = False,
    thumbnails: bool = False,
    before: Counter[str] | None = None,
    skipped: Counter[str] | None = None,
) -> Iterator[Assessment | ImageError]:
    """Score photos on a cluster, and yield each result when it is written, in no order.

    A photo is passed over as by `recording.run`.

    Args:
        parts: Open for writing.
        scorer: How photos are scored.
        found: From `sources.parts`.
        address: See `score`.
        scorers: See `score`.
        retry: Score photos again that could not be scored.
        thumbnails: Store thumbnails. A result without one does not count as finished.
        before: Counts the photos that are passed over, as "scored" and "failed".
        skipped: Counts what archives hold beside photos; see `sources.find`.

    Raises:
        ClusterError: The cluster cannot be used, or has no processor to spare, or the work on it ended.
        StoreError: A part cannot be written; what was written before is kept.
    """
    settings = parts.use(scorer.card, scorer.view, scorer.exact)
    how = Scoring(
        scorer.model, scorer.max_pixels, scorer.exact, scorer.view, thumbnails, scorer.card.sha256, scorer.card.defects
    )
    before, skipped = Counter() if before is None else before, Counter() if skipped is None else skipped
    finished = parts.finished(settings, thumbnails)
    unfinished = _unfinished(found, finished, retry, before)
    first = next(unfinished, None)
    if first is None:
        return
    unfinished = itertools.chain([first], unfinished)
    with cluster.connected(address):
        number, shared = cluster.scorers(scorers), ray.put(finished)
        while some := list(_taken(unfinished, min(ROUND * number, MOST))):
            scored = scoring.scored(some, how, number, shared, retry)
            with contextlib.closing(_executed(scored)) as blocks:  # ends the work before the connection
                yield from _written(blocks, parts, settings, how, before, skipped)


def _unfinished(found: Iterable[sources.Part], finished: Finished, retry: bool, before: Counter[str]) -> Iterator[sources.Part]:
    """What has to be scored, as far as that is known without waiting for a network; readers look at the others."""
    for part in found:
        if isinstance(part, sources.Found) and part.content.near:
            state = finished.state(part.lasting, *part.identity())
            if is_passed(state, retry):
                before[state] += 1
                continue
        yield part


def _taken(parts: Iterator[sources.Part], photos: int) -> Iterator[sources.Part]:
    """The next parts, with about so many photos."""
    while photos > 0 and (part := next(parts, None)) is not None:
        photos -= 1 if isinstance(part, sources.Found) else _MANY
        yield part


def _executed(dataset: "ray.data.Dataset") -> Generator[pa.Table, None, None]:
    """The blocks of a data set, each when it is ready."""
    dataset.context.enable_progress_bars = dataset.context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    try:
        yield from dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
    except RayError as error:
        cause = str(error).strip().split("\n")[-1]
        raise ClusterError(f"work on the cluster ended: {cause}; run the same command again to resume") from error


def _written(
    blocks: Iterator[pa.Table], parts: Parts, settings: Settings, how: Scoring, before: Counter[str], skipped: Counter[str]
) -> Iterator[Assessment | ImageError]:
    """The results in blocks, when they are written to a part."""
    schema = arrow.full_schema(how.defects)

    def write(rows: pa.Table) -> Iterator[Assessment | ImageError]:
        parts.append(rows, settings)
        return (record.result for record in arrow.records(rows.drop_columns(arrow.PICTURES), how.defects))

    waiting, since = schema.empty_table(), time.monotonic()
    try:
        for block in blocks:
            for state, count in zip(*(block[name].to_pylist() for name in ("passed", "count")), strict=True):
                if state is not None:
                    (before if state in STATES else skipped)[state] += count
            rows = block.filter(pc.field("passed").is_null()).select(schema.names).cast(schema)
            waiting = pa.concat_tables([waiting, rows])
            if len(waiting) >= ROWS or (len(waiting) and time.monotonic() - since >= SECONDS):
                full, waiting, since = waiting, schema.empty_table(), time.monotonic()
                yield from write(full)
        full, waiting = waiting, schema.empty_table()
        if len(full):
            yield from write(full)
    finally:  # interrupted: what is finished is kept
        if len(waiting):
            write(waiting)
