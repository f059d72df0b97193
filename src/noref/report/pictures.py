"""The pictures of a report: thumbnails, maps and summaries, as many as its size allows."""

import base64
import io
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from noref import batch, capacity
from noref.assessment import Assessment, map_in_bytes
from noref.report.embedding import as_json, picture_url
from noref.report.rows import Contents
from noref.store import Record

CELLS = 24  # of a map on its long side
LEAST_THUMBNAIL = 3300  # bytes to which thumbnails are reduced before any is left out
FIRST = 120  # photos of each gallery whose pictures come first where the space is short
_FRAME = 80  # bytes of a picture in the page beside its summary, map and thumbnail


class Plan(NamedTuple):
    """The pictures that a report holds.

    Attributes:
        chosen: Their numbers in the page, by their paths: 0, 1, ... in the order of the rows.
        thumbnail: Bytes that a thumbnail may take; larger ones are reduced.
        reduced: Whether any is larger.
    """

    chosen: dict[str, int]
    thumbnail: int
    reduced: bool


def text_cost(assessment: Assessment) -> int:
    """Bytes that the summary and the map of a photo may take in the page."""
    cells = math.prod(_cells(assessment.map.shape))
    return _FRAME + len(as_json(assessment.summary())) + _encoded(cells)


def planned(contents: Contents, budget: int) -> Plan:
    """The pictures that fit into a budget in bytes: all as stored; all, some reduced; or a sample, reduced.

    A sample holds the worst and the best photos, the most severe of each defect, and photos spread evenly over the rest.
    """
    rows = contents.rows
    texts = sum(row.text_cost for row in rows)
    fits = texts + sum(_encoded(row.thumbnail_bytes) for row in rows) <= budget
    share = (budget - texts) // max(1, len(rows)) // 4 * 3
    most = max(LEAST_THUMBNAIL, *(row.thumbnail_bytes for row in rows)) if fits and rows else max(LEAST_THUMBNAIL, share)
    chosen: set[int] = set()
    for number in range(len(rows)) if fits else _by_priority(contents):
        if number not in chosen:
            budget -= rows[number].text_cost + _encoded(min(most, rows[number].thumbnail_bytes))
            if budget < 0:
                break
            chosen.add(number)
    numbers = {rows[row].path: number for number, row in enumerate(sorted(chosen))}
    return Plan(numbers, most, any(rows[row].thumbnail_bytes > most for row in chosen))


def _by_priority(contents: Contents) -> Iterator[int]:
    """Numbers of all rows, in turn one of a gallery and one of those spread evenly; some come twice."""
    for pair in itertools.zip_longest(_of_galleries(contents), _spread(len(contents.rows))):
        yield from (number for number in pair if number is not None)


def _of_galleries(contents: Contents) -> Iterator[int]:
    rows = contents.rows
    orders: list[Sequence[int]] = [range(len(rows)), range(len(rows) - 1, -1, -1)]
    for defect in contents.defects.values():
        having = [number for number, row in enumerate(rows) if defect in row.defects[::3]]
        orders.append(sorted(having, key=lambda number: _severity(rows[number].defects, defect), reverse=True))
    for places in itertools.zip_longest(*(order[:FIRST] for order in orders)):
        yield from (number for number in places if number is not None)


def _spread(length: int) -> Iterator[int]:
    """0 to `length`, every part of the sequence spread evenly: in steps near the golden ratio of the length."""
    step = next(step for step in itertools.count(round(0.618 * length)) if math.gcd(step, length) == 1)
    yield from (place * step % length for place in range(length))


def _severity(defects: tuple[float | None, ...], defect: int) -> tuple[float, float]:
    place = 3 * defects[::3].index(defect)
    return defects[place + 2] or 0.0, defects[place + 1] or 0.0


def drawn(records: Iterable[Record], plan: Plan) -> list[str]:
    """The chosen pictures as JSON, in their order; `null` for a record that has gone from the store since."""
    found = (record for record in records if record.assessment is not None and record.path in plan.chosen)

    def work(record: Record) -> tuple[int, str]:
        return plan.chosen[record.path], _picture(record, plan.thumbnail)

    jobs = capacity.available_processors()
    pictures = ["null"] * len(plan.chosen)
    for number, picture in batch.ahead(work, found, jobs, 4 * jobs):
        pictures[number] = picture
    return pictures


def _picture(record: Record, most: int) -> str:
    """Thumbnail as a data URL, width, height and cells of the map in base64, summary."""
    assert record.assessment is not None
    grid = coarse(record.assessment.map)
    cells = base64.b64encode(grid.tobytes()).decode()
    thumbnail = fitted(record.thumbnail, most) if record.thumbnail else None
    return as_json([picture_url(thumbnail), grid.shape[1], grid.shape[0], cells, record.assessment.summary()])


def coarse(quality: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """A map with at most `CELLS` cells on its long side; 0 to 255 stands for a quality from 0 to 100 (clipped)."""
    height, width = _cells(quality.shape)
    image = Image.fromarray(np.clip(quality, 0, 100)) if quality.size else Image.new("F", (0, 0))
    small = image.resize((width, height), Image.Resampling.BOX) if (height, width) != quality.shape else image
    return map_in_bytes(np.asarray(small))


def fitted(thumbnail: bytes, most: int) -> bytes | None:
    """A thumbnail within so many bytes, reduced if need be; None if it is no picture."""
    if len(thumbnail) <= most:
        return thumbnail
    try:
        with Image.open(io.BytesIO(thumbnail)) as image:
            pixels = image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    side = max(pixels.size) * min(1.0, (2 * most / len(thumbnail)) ** 0.5)  # WebP takes about half the bytes of JPEG
    while True:
        reduced = pixels.copy()
        reduced.thumbnail((round(side), round(side)))
        stream = io.BytesIO()
        reduced.save(stream, "WEBP", quality=60, method=2)
        if stream.tell() <= most or side < 16:
            return stream.getvalue()
        side *= 0.85


def _encoded(size: int) -> int:
    """Characters of so many bytes in base64."""
    return (size + 2) // 3 * 4


def _cells(shape: tuple[int, ...]) -> tuple[int, int]:
    height, width = shape
    scale = min(1.0, CELLS / max(height, width, 1))
    return (max(1, round(height * scale)), max(1, round(width * scale))) if height and width else (0, 0)
