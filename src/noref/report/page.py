"""The report of one collection: its data, for the script of the page."""

import os
import statistics
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from noref import overlay
from noref.report import document
from noref.report.embedding import as_json, shown
from noref.report.pictures import Plan, drawn, planned, text_cost
from noref.report.rows import Contents, Records, gathered

_PARTS = ("text", "data", "tint", "download", "threshold", "detail", "gallery", "table", "failures", "start")
_SCRIPTS = [f"{part}.js" for part in _PARTS]
"""Parts of the script in the order in which they are joined."""

_CHUNK = 128  # pictures that the page decodes at a time
_FRAME = 250_000  # bytes of the page without rows and pictures, at most


def write(records: Records, cards: Mapping[str, Mapping[str, Any]], path: Path, *, threshold: float, max_bytes: int) -> None:
    """Write the report of results under one setting.

    The file appears when it is complete. Equal results give equal files.

    Args:
        records: Yields all records, each time it is called; `Store.records`.
        cards: The models' cards by the SHA-256 of the model file; `Store.cards()`.
        path: The HTML file; replaced if there is one.
        threshold: Score at which the slider of the page begins, 0 to 100.
        max_bytes: Size of the file above which thumbnails are reduced, and then left out. Rows of the table never are.

    Raises:
        OSError: The file cannot be written.
    """
    contents = gathered(records(), text_cost)
    card = cards.get(contents.model_sha256)
    data = as_json(_data(contents))
    plan = planned(contents, max_bytes - len(data) - _FRAME)
    pictures = drawn(records(), plan)
    document.write(
        "page.html.j2",
        path,
        ["report.css"],
        _SCRIPTS,
        data=data,
        pictured=as_json(_pictured(contents, plan)),
        chunks=(",".join(pictures[start : start + _CHUNK]) for start in range(0, len(pictures), _CHUNK)),
        facts=_facts(contents, plan),
        card=card,
        predicts_defects=not card or bool(card.get("defects", True)),
        threshold=threshold,
        clear=round(overlay.CLEAR),
    )


def _data(contents: Contents) -> dict[str, Any]:
    """Everything that the script reads, except pictures."""
    return {
        "root": contents.root,
        "separator": os.sep,
        "rows": contents.columns(),
        "defects": list(contents.defects),
        "warnings": list(contents.warnings),
        "policies": list(contents.policies),
        "failures": [
            {"kind": kind, "cure": cure, "photos": [[photo.path, photo.cause] for photo in photos]}
            for (kind, cure), photos in sorted(contents.failures.items())
        ],
        "chunk": _CHUNK,
        "tint": {"color": overlay.TINT, "opacity": overlay.OPACITY, "clear": overlay.CLEAR},
    }


def _pictured(contents: Contents, plan: Plan) -> list[int] | None:
    """Numbers of the rows that have a picture; None for all."""
    if len(plan.chosen) == len(contents.rows):
        return None
    return [number for number, row in enumerate(contents.rows) if row.path in plan.chosen]


def _facts(contents: Contents, plan: Plan) -> dict[str, Any]:
    """What the header and the notes of the page state."""
    rows = contents.rows
    scores = [row.score for row in rows if row.score is not None]
    times = [datetime.fromtimestamp(row.scored, timezone.utc) for row in rows]
    defects = Counter(defect for row in rows for defect in row.defects[::3])
    names = list(contents.defects)
    return {
        "root": shown(contents.root),
        "model": contents.model,
        "setting": contents.setting,
        "first": min(times, default=None),
        "last": max(times, default=None),
        "scored": len(rows),
        "failed": sum(map(len, contents.failures.values())),
        "median": statistics.median(scores) if scores else None,
        "defective": sum(bool(row.defects) for row in rows),
        "warned": sum(bool(row.warnings) for row in rows),
        "defects": [(number, names[int(number or 0)], count) for number, count in defects.most_common()],
        "pictures": len(plan.chosen),
        "reduced": plan.reduced,
        "thumbnails": any(row.thumbnail_bytes for row in rows),
    }
