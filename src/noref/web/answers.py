"""What the service answers for an image, as plain JSON types."""

import base64
import io
import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from noref import overlay
from noref.assessment import map_in_bytes
from noref.errors import ImageError, InternalError
from noref.scorer import Scorer
from noref.web.uploads import Upload
from noref.writers.base import as_record

logger = logging.getLogger(__name__)

_PIXELS = 4  # of the overlay for a cell of the map, on each side; viewers enlarge it smoothly


def answer(scorer: Scorer, upload: Upload, with_map: bool) -> dict[str, Any]:
    """Score an image: its assessment and summary, and its map on request; or `error` with kind, cause and cure.

    The traceback of a bug goes to the log, not to the client.
    """
    try:
        assessment = scorer.score(upload)
        found = as_record(assessment, explain=True)
        return {**found, **_map(assessment.map)} if with_map else found
    except ImageError as error:
        return as_record(error)
    except Exception:
        logger.exception("internal error on an image")
        cure = "please report it with the traceback in the log of the service"
        return as_record(InternalError(upload.name, "internal error", cure, ""))


def _map(quality: npt.NDArray[np.float32]) -> dict[str, Any]:
    """The map as a grid of 8 bits, and as a transparent overlay; None for both if the model predicts no map."""
    if not quality.size:
        return {"map": None, "map_png": None}
    grid = map_in_bytes(quality)
    height, width = grid.shape
    stream = io.BytesIO()
    overlay.tint(quality, (_PIXELS * width, _PIXELS * height)).save(stream, "PNG")
    return {
        "map": {"width": width, "height": height, "values": _text(grid.tobytes())},
        "map_png": f"data:image/png;base64,{_text(stream.getvalue())}",
    }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
