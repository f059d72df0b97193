"""A quality map drawn over its photo: a tint where quality is poor."""

import math
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from noref.assessment import Assessment
from noref.drafts import draft

LONGEST = 1024  # pixels on the long side of the photo in a drawing
TINT = (230, 0, 230)  # magenta: rare in photos, and distinct from most of their colours for colour-blind viewers too
OPACITY = 0.75  # of the tint at quality 0
CLEAR = 80.0  # quality from which on there is no tint
_STRIP = 34  # pixels of the legend below
_LINE = 20  # and of each likely defect in it
_MARGIN = 8
_SCALE = (120, 14)  # pixels of the bar in the legend
_SOFTWARE = "noref quality map"  # text chunk of the PNG, by which `is_overlay` recognizes a drawing


def tint(quality: npt.NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    """A quality map as a transparent layer to lay over its photo.

    The layer has one colour, `TINT`. Its opacity falls linearly from `OPACITY` at quality 0 to 0 at `CLEAR` and above, the
    same for every photo, so that two drawings can be compared.

    Args:
        quality: A quality map, h x w, at least 1 x 1, clipped to 0 to 100.
        size: Width and height of the layer in pixels, to which the map is enlarged smoothly.

    Returns:
        An image in mode RGBA.

    Examples:
        >>> import numpy as np
        >>> from noref import overlay
        >>> layer = overlay.tint(np.array([[0, 40, 100]], np.float32), (3, 1))
        >>> [layer.getpixel((x, 0)) for x in range(3)]
        [(230, 0, 230, 191), (230, 0, 230, 96), (230, 0, 230, 0)]
    """
    clipped = Image.fromarray(np.clip(quality, 0, 100).astype(np.float32))
    smooth = clipped.resize(size, Image.Resampling.BICUBIC)
    opacity = OPACITY * (1 - np.clip(np.asarray(smooth) / CLEAR, 0, 1))
    layer = Image.new("RGBA", size, TINT)
    layer.putalpha(Image.fromarray(np.rint(255 * opacity).astype(np.uint8)))
    return layer


def draw(pixels: npt.NDArray[np.uint8], assessment: Assessment) -> Image.Image:
    """The photo in its colours, tinted where quality is poor, above a legend with score, interval, scale and likely defects.

    At most `LONGEST` pixels on the long side of the photo.

    Args:
        pixels: The photo, uint8, H x W x 3.
        assessment: Its assessment.

    Raises:
        ValueError: The assessment has no map.

    Examples:
        >>> import numpy as np
        >>> import noref
        >>> from noref import overlay
        >>> pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
        >>> drawing = overlay.draw(pixels, noref.score(pixels))
        >>> drawing.mode, drawing.width
        ('RGB', 640)
    """
    if not assessment.map.size:
        raise ValueError(f"{assessment.model} predicts no quality map")
    photo = Image.fromarray(pixels)
    photo.thumbnail((LONGEST, LONGEST))
    _cover(photo, assessment.map, (0, 0, *photo.size))
    legend = _legend(assessment, photo.width)
    sheet = Image.new("RGB", (legend.width, photo.height + legend.height), "white")
    sheet.paste(photo)
    sheet.paste(legend, (0, photo.height))
    return sheet


def _cover(image: Image.Image, quality: npt.NDArray[np.float32], box: tuple[int, int, int, int]) -> None:
    """Tint a box of an image: left, top, right, bottom."""
    layer = tint(quality, (box[2] - box[0], box[3] - box[1]))
    image.paste(layer, box, layer)


def save(drawing: Image.Image, path: Path) -> None:
    """Write a drawing as PNG, marked as a quality map; `path` appears when it is complete.

    Args:
        drawing: Of `draw`, or another image.
        path: The file; its folder must exist.

    Raises:
        OSError: It cannot be written.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from noref import overlay
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     overlay.save(Image.new("RGB", (8, 8)), Path(folder, "photo.jpg.png"))
        ...     overlay.is_overlay(Path(folder, "photo.jpg.png"))
        True
    """
    marks = PngImagePlugin.PngInfo()
    marks.add_text("Software", _SOFTWARE)
    with draft(path) as file:
        drawing.save(file, "PNG", pnginfo=marks)


def is_overlay(path: str | os.PathLike[str]) -> bool:
    """Whether `save` wrote a file; only its first bytes are read."""
    try:
        with open(path, "rb") as file:
            head = file.read(128)
    except OSError:
        return False
    return head.startswith(b"\x89PNG") and f"tEXtSoftware\0{_SOFTWARE}".encode() in head


def _legend(assessment: Assessment, width: int) -> Image.Image:
    """Score, scale and likely defects, black on white: as wide as the photo, or as the text needs."""
    font = ImageFont.load_default(15)
    score = f"score {assessment.score:.0f}"
    if not math.isnan(assessment.interval[0]):
        score += " ({:.0f} to {:.0f})".format(*assessment.interval)
    defects = [f"{name} {defect}" for name, defect in assessment.likely_defects.items()]
    poor, good = font.getlength("poor"), font.getlength("good")
    first = font.getlength(score) + poor + _SCALE[0] + good + 6 * _MARGIN
    needed = max([first, *(font.getlength(line) + 2 * _MARGIN for line in defects)])
    legend = Image.new("RGB", (max(width, math.ceil(needed)), _STRIP + _LINE * len(defects)), "white")
    pen = ImageDraw.Draw(legend)
    pen.text((_MARGIN, _MARGIN), score, "black", font)
    for line, text in enumerate(defects):
        pen.text((_MARGIN, _STRIP - 4 + line * _LINE), text, "black", font)
    right = legend.width - 2 * _MARGIN - math.ceil(good)
    left, top = right - _SCALE[0], _MARGIN + 2
    _cover(legend, np.linspace(0, 100, _SCALE[0], dtype=np.float32)[None], (left, top, right, top + _SCALE[1]))
    pen.rectangle((left - 1, top - 1, right, top + _SCALE[1]), outline="black")
    pen.text((left - _MARGIN, _MARGIN), "poor", "black", font, anchor="ra")
    pen.text((right + _MARGIN, _MARGIN), "good", "black", font)
    return legend
