"""What the tasks and actors of a cluster do."""

import io
import itertools
import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import ray

from noref import sources
from noref.errors import ModelError, UnsupportedImage
from noref.isolation import CrashError, Isolated
from noref.quality_maps import Item, Work
from noref.recording import Recorder
from noref.scorer import Scorer, View
from noref.store import Failure, Record, Settings, arrow
from noref.store.finished import Finished
from noref.store.record import is_passed

BATCH = 32
"""Photos of a task: what has to be repeated when its worker is killed, at most."""

BLOCK = 2**20
"""Bytes of photos that a reader gives a scorer as a task. Ray Data divides by bytes, so each photo takes at least its share."""

MEMORY = 4 * 2**30
"""Bytes that scoring one photo may allocate; above that it fails."""

PHOTOS = pa.schema({"photo": pa.binary(), "passed": pa.string(), "count": pa.int64()})
"""What scorers take: a pickled photo; or the state or kind of photos that are passed over, and their number."""

FILE = ["image", "image_bytes", "bytes", "modified", "version"]
"""Columns of records that describe the file of the photo."""


@dataclass(frozen=True)
class Scoring:
    """How photos are scored. It can be pickled.

    Attributes:
        model: See `Scorer`, as the next three.
        max_pixels: Images with more are refused.
        exact: Decode in full.
        view: "common" or "native".
        thumbnails: Whether results have thumbnails.
        sha256: Of the model file; that of every node must be the same.
        defects: That the model predicts.
    """

    model: str
    max_pixels: int
    exact: bool
    view: View
    thumbnails: bool
    sha256: str
    defects: tuple[str, ...]

    @property
    def settings(self) -> Settings:
        """Of the records."""
        return Settings(self.sha256, self.view, self.exact)

    def record(self) -> Callable[[Item], Record]:
        """A function that scores a photo in this process.

        Raises:
            ModelError: The model is missing here, or is another one.
        """
        scorer = Scorer(self.model, threads=1, max_pixels=self.max_pixels, exact=self.exact, view=self.view)
        if scorer.card.sha256 != self.sha256:
            raise ModelError(f"the model {self.model} of this node is another file; install the same version on all nodes")
        recorder = Recorder(Work(scorer), self.settings, self.thumbnails)
        return lambda item: recorder(item).record


class Scorers:
    """An actor: scores batches of photos in a child process."""

    def __init__(self, scoring: Scoring) -> None:
        self._scoring = scoring
        self._record = Isolated(scoring.record, MEMORY)

    def records(self, items: Iterable[Item]) -> pa.Table:
        """Rows with the columns of `arrow.full_schema`."""
        return arrow.table(map(self._recorded, items), arrow.full_schema(self._scoring.defects))

    def _recorded(self, item: Item) -> Record:
        """The record of a photo; if it ended the child twice, that is its failure."""
        try:
            return self._record(item)
        except CrashError as crash:
            cause = f"the process that scored it crashed twice ({crash})"
            cure = "score it alone with `noref score`; if that crashes too, report it with the photo"
            identity = item.identity()
            return Record(
                path=item.lasting,
                assessment=None,
                failure=Failure("ScoringFailed", cause, cure),
                **identity._asdict(),
                digest="",
                thumbnail=None,
                scored=datetime.now(timezone.utc),
                **self._scoring.settings._asdict(),
            )


class PhotoScorers(Scorers):
    """Scores the photos of rows with the columns of `PHOTOS`."""

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Their records, and in columns of their own what the readers passed over."""
        photos = rows["photo"].drop_null().to_pylist()
        found = self.records(Item.of(pickle.loads(photo)) for photo in photos)  # noqa: S301  (from `photos`)
        passed = rows.filter(pc.field("photo").is_null()).drop_columns("photo")
        return pa.concat_tables([found, passed], promote_options="default")


class RowScorers(Scorers):
    """Scores the photos of a data set.

    Args:
        scoring: How the photos are scored.
        content: Column with the content of photos; if there is none, they are read from their paths.
        path: Column with their paths.
    """

    def __init__(self, scoring: Scoring, content: str, path: str) -> None:
        super().__init__(scoring)
        self._content, self._path = content, path

    def __call__(self, rows: pa.Table) -> pa.Table:
        """The rows without the content, and with the columns of the records that do not describe a file.

        Raises:
            ValueError: A column is missing, or has the name of a column of the records.
        """
        columns_of = {name: rows[name].to_pylist() for name in (self._content, self._path) if name in rows.column_names}
        if not columns_of:
            has = ", ".join(rows.column_names)
            raise ValueError(f"the data set has no column {self._content!r} or {self._path!r}; its columns: {has}")
        paths = columns_of.get(self._path, itertools.repeat(None))
        contents = columns_of.get(self._content, itertools.repeat(None))
        found = self.records(itertools.islice(map(_given, paths, contents), len(rows))).drop_columns(FILE)
        kept = rows.drop_columns([self._content] if self._content in columns_of else [])
        if both := {*kept.column_names} & {*found.column_names}:
            names = ", ".join(sorted(both))
            raise ValueError(f"results have columns of these names; rename or drop those of the data set: {names}")
        for name, values in zip(found.column_names, found.columns, strict=True):
            kept = kept.append_column(name, values)
        return kept


def _given(path: str | None, content: bytes | None) -> Item:
    """A photo of a data set; without content it is read from its path. A row has one result, so its path names one photo."""
    if content is None and path is not None:
        found = next(sources.find([path], io.BytesIO()), sources.local(path))  # an empty folder is an error
        name = sources.shown(path)
        if found.name == name:
            return Item.of(found)
        error = UnsupportedImage(name, "it names several photos", "give each photo a row")
        return Item(name, Path(), sources.Failed(error))
    return Item(path or "<bytes>", Path(), sources.Held(content or b""))


def read(rows: pa.Table, finished: "ray.ObjectRef[Finished]", retry: bool) -> Iterator[pa.Table]:
    """A task: read photos ahead of their scorers.

    Args:
        rows: With the column `part`: photos, and files that hold many, pickled.
        finished: Photos that have a result, and are passed over.
        retry: Whether those that failed are not.

    Yields:
        Rows with the columns of `PHOTOS`.
    """
    known, passed = ray.get(finished), Counter[str]()

    def found() -> Iterator[sources.Found]:
        for part in rows["part"].to_pylist():
            yield from sources.photos_of(pickle.loads(part), passed)  # noqa: S301  (from `scored`)

    def unfinished() -> Iterator[sources.Found]:
        for photo in sources.looked_up(found()):
            state = known.state(photo.lasting, *photo.identity())
            if is_passed(state, retry):
                passed[state] += 1
            else:
                yield photo

    for photo in sources.ahead(unfinished()):
        yield photos([photo], BLOCK // BATCH)
    yield pa.table({"photo": pa.nulls(len(passed), pa.binary()), "passed": [*passed], "count": [*passed.values()]}, PHOTOS)


def photos(found: Iterable[sources.Found], size: int = 0) -> pa.Table:
    """Photos as rows for scorers, each of at least so many bytes."""
    pickled = [pickle.dumps(photo).ljust(size, b"\0") for photo in found]  # what follows a pickle is ignored
    return pa.table({"photo": pickled, "passed": [None] * len(pickled), "count": [None] * len(pickled)}, PHOTOS)
