"""Results that the tests of reports use: names of files that are hostile, thumbnails, failures."""

import os
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from noref import Assessment, Defect, report
from noref.store import Failure, Record
from pictures import encode, make_scene

MODEL = "0123abcd"
CARD: dict[str, Any] = {
    "name": "tiny",
    "version": "1",
    "description": "A <b>model</b> of the tests.",
    "scale": "0 to 100, higher is better",
    "coverage": 0.9,
    "weaknesses": ["blur & noise are <confused>"],
    "agreement": [{"part": "all", "n": 12, "srcc": 0.5, "plcc": None, "rmse": 9.25}],
}
START = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)
ROOT = os.path.abspath(os.sep + "photos") + os.sep

HOSTILE = [
    "</script><script>document.title='taken'</script>.jpg",
    "<img src=x onerror=\"document.title='taken'\">.jpg",
    "quotes \" ' & <!-- &amp;.jpg",
    os.fsdecode(b"caf\xe9.jpg"),
    "=SUM(A1).jpg",
    "\u202egpj.exe",
]


def thumbnail(seed: int = 0, size: tuple[int, int] = (64, 48)) -> bytes:
    """A JPEG."""
    return encode(Image.fromarray(make_scene(*size[::-1], seed)), "JPEG")


def scored(name: str, score: float, *, picture: bytes | None = None, number: int = 0, **facts: Any) -> Record:
    """A record of a photo with that score; its map is poor on the left."""
    quality = np.full((12, 16), 90, np.float32)
    quality[:, :8] = 10
    assessment = Assessment(
        name=ROOT + name,
        score=score,
        map=facts.pop("map", quality),
        model="tiny 1",
        policy="as they are",
        size=(640, 480),
        interval=(max(score - 10, 0.0), min(score + 10, 100.0)),
        **facts,
    )
    return _record(name, number, assessment, None, picture)


def failed(name: str, kind: str = "DamagedImage", cause: str = "the data end early", cure: str = "copy it again") -> Record:
    """A record of a photo that could not be scored."""
    return _record(name, 0, None, Failure(kind, cause, cure), None)


def _record(name: str, number: int, assessment: Assessment | None, failure: Failure | None, picture: bytes | None) -> Record:
    return Record(
        path=ROOT + name,
        assessment=assessment,
        failure=failure,
        bytes=123_456,
        modified=1_700_000_000 * 10**9,
        digest="",
        thumbnail=picture,
        scored=START + timedelta(seconds=number),
        model_sha256=MODEL,
        view="common",
        exact=False,
    )


def series(photos: int) -> list[Record]:
    """Photos with scores from 0 to 100 in even steps: noise in the lower half, blur in each fourth, a warning in each tenth."""
    pictures = [thumbnail(seed) for seed in range(4)]
    return [
        scored(
            f"series {number % 3}/{number:05d}.jpg",
            100 * number / photos,
            picture=pictures[number % 4],
            number=number,
            defects={
                "noise": Defect(0.9 if number < photos / 2 else 0.1, 2.5),
                "focus blur": Defect(0.8 if number % 4 == 0 else 0.2, 5 * number / photos),
            },
            warnings=("it is unusual",) if number % 10 == 0 else (),
        )
        for number in range(photos)
    ]


def write(path: Path, records: Iterable[Record], card: dict[str, Any] = CARD, **options: Any) -> Path:
    """The report of these records."""
    kept = list(records)
    again: Callable[[], list[Record]] = lambda: kept  # noqa: E731
    report.write(again, {MODEL: card}, path, **{"threshold": 40, "max_bytes": 60_000_000, **options})
    return path
