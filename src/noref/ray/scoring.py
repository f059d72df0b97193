"""Data sets of photos -> data sets of results."""

import functools
import io
import itertools
import pickle
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import ray
import ray.data

from noref import card, images, sources
from noref.ray import cluster, work
from noref.ray.work import Scoring
from noref.scorer import View
from noref.store.finished import Finished

_TOGETHER = 256  # photos of a task that reads them
_WHOLE: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}
_AHEAD = 2**28  # bytes that a task reads ahead; without a demand of its own, Ray would make reading a part of the scorers


def score(
    photos: "ray.data.Dataset | str | Iterable[str]",
    *,
    model: str = card.DEFAULT,
    view: View = "common",
    exact: bool = False,
    max_pixels: int = images.MAX_PIXELS,
    thumbnails: bool = False,
    content: str = "bytes",
    path: str = "path",
    scorers: int | None = None,
    address: str | None = None,
) -> "ray.data.Dataset":
    """Score photos with `map_batches`, lazily.

    The result of a photo does not depend on the cluster: it is that of `Scorer.score`.

    Args:
        photos: A data set with a column of the content of photos, or of their paths, as of `ray.data.read_binary_files`; or
            sources as `noref score` takes them, which are listed here and read by the cluster.
        model: See `Scorer`; a file must have the same path on all nodes.
        view: See `Scorer`.
        exact: See `Scorer`.
        max_pixels: See `Scorer`.
        thumbnails: Whether results have thumbnails.
        content: Column of the data set with the content of photos.
        path: Column with paths; photos are read from there if there is no content.
        scorers: Actors, each on one processor; None for all that are free, except one for every 16 or part of them.
        address: Cluster to connect to, if the process is not connected yet; see `ray.init`. None for RAY_ADDRESS, and without
            that for a cluster of this machine.

    Returns:
        Results of a data set have its columns, except the content, and those of the results; results of sources have
        the columns of a folder of results. docs/reference/results-file.md describes them. The order may differ.

    Raises:
        ClusterError: The cluster cannot be used, or has no processor to spare.
        ModelError: The model cannot be used.

    Examples:
        >>> from noref.ray import score
        >>> score("photos/").write_parquet("scores/")  # doctest: +SKIP
    """
    facts = card.load(card.find(model))
    scoring = Scoring(model, max_pixels, exact, view, thumbnails, facts.sha256, facts.defects)
    if not ray.is_initialized():
        cluster.connect(address)
    number = cluster.scorers(scorers)
    if isinstance(photos, ray.data.Dataset):
        return _mapped(photos, work.RowScorers, number, work.BATCH, scoring, content, path)
    parts = sources.parts([photos] if isinstance(photos, str) else photos, io.BytesIO())
    found = scored(list(parts), scoring, number, ray.put(Finished()), retry=True)
    return found.map_batches(_without_passed, **_WHOLE)


def scored(
    parts: list[sources.Part], scoring: Scoring, scorers: int, finished: "ray.ObjectRef[Finished]", retry: bool
) -> "ray.data.Dataset":
    """The records of photos with the columns of `arrow.full_schema`; and `passed` and `count`, as `work.read` gives them.

    Photos that this machine can open at once are opened by their scorers; others are read by tasks of their own.
    """
    near = [part for part in parts if isinstance(part, sources.Found) and part.content.near]
    far = [part for part in parts if not (isinstance(part, sources.Found) and part.content.near)]
    size = max(1, min(work.BATCH, len(near) // (4 * scorers)))
    blocks = [work.photos(near[start : start + size]) for start in range(0, len(near), size)]
    found: ray.data.Dataset = ray.data.from_arrow(blocks or [work.photos([])])
    if far:
        opened: ray.data.Dataset = ray.data.from_arrow(list(_grouped(far)))
        opened = opened.map_batches(functools.partial(work.read, finished=finished, retry=retry), memory=_AHEAD, **_WHOLE)
        found = found.union(opened) if near else opened
    found = _mapped(found, work.PhotoScorers, scorers, None, scoring)
    found.context.target_max_block_size = work.BLOCK
    return found


def _grouped(parts: Iterable[sources.Part]) -> Iterator[pa.Table]:
    """What each task reads: a file that holds many photos, or `_TOGETHER` photos, of which it reads several at a time."""
    for alone, some in itertools.groupby(parts, lambda part: isinstance(part, sources.Collection)):
        while group := list(itertools.islice(some, 1 if alone else _TOGETHER)):
            yield pa.table({"part": [pickle.dumps(part) for part in group]})


def _mapped(
    photos: "ray.data.Dataset", scorer: type[work.Scorers], scorers: int, batch: int | None, *arguments: object
) -> "ray.data.Dataset":
    """Photos through a pool of scorers."""
    return photos.map_batches(
        scorer,
        fn_constructor_args=arguments,
        batch_size=batch,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=scorers),
        num_cpus=1,
    )


def _without_passed(rows: pa.Table) -> pa.Table:
    return rows.filter(pc.field("passed").is_null()).drop_columns(["passed", "count"])
