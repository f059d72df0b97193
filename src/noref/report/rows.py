"""What a report states of every photo: the rows of its table, and the failures."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from noref.assessment import Assessment
from noref.paths import common_folder
from noref.store import Record

Records = Callable[[], Iterable[Record]]
"""Yields all records under one setting, each time it is called."""


class Pool(dict[str, int]):
    """Distinct texts and their numbers; a new text gets the next number when it is looked up."""

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self)
        return number


class Row(NamedTuple):
    """One scored photo, its values as they stand in the page; texts are numbers of a `Pool`.

    Attributes:
        path: Absolute, as in its record.
        score: Unrounded as far as float32 goes, so that the page counts as `noref results` does; None if there is none.
        low: Low end of the interval; None if there is none.
        high: High end.
        defects: The likely ones, most likely first: name, probability, level (None if there is none) of each in turn.
        warnings: All of them.
        width: In pixels.
        height: In pixels.
        bytes: Size of the file.
        modified: Time of the file in seconds since 1970.
        scored: Time of scoring in seconds since 1970.
        policy: How the size was handled.
        text_cost: Bytes that its summary and map may take in the page.
        thumbnail_bytes: Size of its thumbnail, 0 if there is none.
    """

    path: str
    score: float | None
    low: float | None
    high: float | None
    defects: tuple[float | None, ...]
    warnings: tuple[int, ...]
    width: int
    height: int
    bytes: int
    modified: int
    scored: int
    policy: int
    text_cost: int
    thumbnail_bytes: int


COLUMNS = Row._fields[1:-2]
"""The fields of a row that the page holds as they are; the path stands beside them without its root."""


class FailedPhoto(NamedTuple):
    """A photo that could not be scored."""

    path: str
    cause: str


@dataclass
class Contents:
    """All results of a store except pictures.

    Attributes:
        rows: By score, then path; those without a score last.
        failures: By class name of the error and cure.
        model_sha256: Of the model that scored the photos; empty if there are no records.
        model: Its name and version; empty if no photo was scored.
        setting: View and exactness in words.
        defects: Names of the defects.
        warnings: Texts of the warnings.
        policies: How the size was handled, in words.
    """

    rows: list[Row] = field(default_factory=list)
    failures: dict[tuple[str, str], list[FailedPhoto]] = field(default_factory=lambda: defaultdict(list))
    model_sha256: str = ""
    model: str = ""
    setting: str = ""
    defects: Pool = field(default_factory=Pool)
    warnings: Pool = field(default_factory=Pool)
    policies: Pool = field(default_factory=Pool)

    @property
    def root(self) -> str:
        """The folder that holds all photos, with the separator at its end; empty if there is none."""
        paths = [row.path for row in self.rows]
        paths += [photo.path for group in self.failures.values() for photo in group]
        return common_folder(paths)

    def columns(self) -> dict[str, Any]:
        """The rows as one list for each column."""
        root = len(self.root)
        paths = [row.path[root:] for row in self.rows]
        return {"path": paths, **{name: [getattr(row, name) for row in self.rows] for name in COLUMNS}}


def gathered(records: Iterable[Record], text_cost: Callable[[Assessment], int]) -> Contents:
    """The contents of a store.

    Args:
        records: All of them, of one model, view and exactness.
        text_cost: Assessment -> the bytes that its summary and map may take in the page.
    """
    contents = Contents()
    for record in records:
        contents.model_sha256 = record.model_sha256
        contents.setting = record.settings.words
        if record.assessment is not None:
            contents.model = record.assessment.model
            contents.rows.append(_row(record, record.assessment, contents, text_cost(record.assessment)))
        elif record.failure is not None:
            kind, cause, cure = record.failure
            contents.failures[kind, cure].append(FailedPhoto(record.path, cause))
    contents.rows.sort(key=lambda row: (math.inf if row.score is None else row.score, row.path))
    return contents


def _row(record: Record, assessment: Assessment, contents: Contents, text_cost: int) -> Row:
    defects = [
        (contents.defects[name], round(defect.probability, 2), _rounded(defect.level, 1))
        for name, defect in assessment.likely_defects.items()
    ]
    return Row(
        path=record.path,
        score=_rounded(assessment.score, 6),
        low=_rounded(assessment.interval[0], 1),
        high=_rounded(assessment.interval[1], 1),
        defects=tuple(value for defect in defects for value in defect),
        warnings=tuple(contents.warnings[text] for text in assessment.warnings),
        width=assessment.size[0],
        height=assessment.size[1],
        bytes=record.bytes,
        modified=record.modified // 10**9,
        scored=int(record.scored.timestamp()),
        policy=contents.policies[assessment.policy],
        text_cost=text_cost,
        thumbnail_bytes=len(record.thumbnail or b""),
    )


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)
