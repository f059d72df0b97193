"""Draw a quality map over its photo."""

import contextlib
import math
import os
import uuid
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from noref.assessment import Assessment

LONGEST = 1024  # pixels on the long side of the drawing
OPACITY = 0.55  # of the colours over the grey photo
_STRIP = 34  # pixels of the legend below
_LINE = 20  # and of each likely defect in it
_SOFTWARE = "noref quality map"  # text chunk of the PNG, by which `is_overlay` recognizes a drawing

# Dark violet (0, poor) over magenta to light yellow (100, good): ordered in lightness, so that it reads in grey and for
# colour-blind eyes. The anchors are ours; the idea is that of the perceptually uniform maps.
_ANCHORS = np.array([[20, 8, 54], [110, 20, 120], [208, 50, 95], [250, 140, 60], [252, 245, 170]], np.float32)


def colors(quality: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Quality from 0 to 100 (clipped) as RGB, shape + (3,): one fixed scale, so that two photos can be compared."""
    place = np.clip(quality, 0, 100) / 100 * (len(_ANCHORS) - 1)
    channels = [np.interp(place, np.arange(len(_ANCHORS)), _ANCHORS[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def draw(pixels: npt.NDArray[np.uint8], assessment: Assessment) -> Image.Image:
    """The photo in grey under its quality map in colour, above a legend with score, interval, scale and likely defects.

    At most `LONGEST` pixels on the long side of the photo.

    Raises:
        ValueError: The assessment has no map.
    """
    if not assessment.map.size:
        raise ValueError(f"{assessment.model} predicts no quality map")
    photo = Image.fromarray(pixels)
    photo.thumbnail((LONGEST, LONGEST))
    tint = Image.fromarray(colors(assessment.map)).resize(photo.size, Image.Resampling.BICUBIC)
    overlay = Image.blend(photo.convert("L").convert("RGB"), tint, OPACITY)
    height = overlay.height + _STRIP + _LINE * len(assessment.likely_defects)
    sheet = Image.new("RGB", (overlay.width, height), "white")
    sheet.paste(overlay)
    _legend(sheet, overlay.height, assessment)
    return sheet


def save(drawing: Image.Image, path: Path) -> None:
    """Write a drawing as PNG, marked as a quality map; `path` appears when it is complete.

    Raises:
        OSError: It cannot be written.
    """
    marks = PngImagePlugin.PngInfo()
    marks.add_text("Software", _SOFTWARE)
    draft = path.with_name(f".{uuid.uuid4().hex}.part")  # hidden, so that a search skips it
    try:
        drawing.save(draft, "PNG", pnginfo=marks)
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def is_overlay(path: str | os.PathLike[str]) -> bool:
    """Whether `save` wrote a file; only its first bytes are read."""
    try:
        with open(path, "rb") as file:
            head = file.read(128)
    except OSError:
        return False
    return head.startswith(b"\x89PNG") and f"tEXtSoftware\0{_SOFTWARE}".encode() in head


def _legend(sheet: Image.Image, top: int, assessment: Assessment) -> None:
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    score = f"score {assessment.score:.0f}"
    if not math.isnan(assessment.interval[0]):
        score += " ({:.0f} to {:.0f})".format(*assessment.interval)
    pen.text((8, top + 8), score, "black", font)
    for line, (name, defect) in enumerate(assessment.likely_defects.items()):
        pen.text((8, top + _STRIP - 4 + line * _LINE), f"{name} {defect}", "black", font)
    scale = Image.fromarray(colors(np.linspace(0, 100, 120, dtype=np.float32)[None].repeat(14, axis=0)))
    right = sheet.width - 40
    if right - 184 > pen.textlength(score, font):  # narrow photos get no scale
        sheet.paste(scale, (right - 120, top + 10))
        pen.text((right - 124, top + 8), "poor 0", "black", font, anchor="ra")
        pen.text((right + 4, top + 8), "100", "black", font)
