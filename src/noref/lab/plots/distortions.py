"""A contact sheet of one photo under every distortion at every level."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from noref.lab import distortions
from noref.lab.arrays import Pixels

_LABEL, _TITLES, _GAP = 150, 24, 4
_LEVELS = range(1, 6)


def draw(pixels: Pixels, cell: int = 160, seed: int = 0) -> Image.Image:
    """Draw one row per distortion and one column per level; the first column shows the photo itself.

    Args:
        pixels: RGB, uint8, H x W x 3. It is distorted at full size; the central square is shown, at most halved.
        cell: Side of each square in pixels.
        seed: Random seed of the distortions.

    Returns:
        An RGB image.

    Examples:
        >>> import numpy as np
        >>> from noref.lab.plots import distortions
        >>> sheet = distortions.draw(np.full((64, 64, 3), 128, np.uint8), cell=8)
        >>> sheet.width
        222
    """
    names = distortions.names()
    sheet = Image.new("RGB", (_LABEL + 6 * (cell + _GAP), _TITLES + len(names) * (cell + _GAP)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, title in enumerate(["photo", *(f"level {level}" for level in _LEVELS)]):
        pen.text((_LABEL + column * (cell + _GAP), 4), title, "black", font)
    for row, name in enumerate(names):
        top = _TITLES + row * (cell + _GAP)
        pen.text((4, top + cell // 2 - 8), name, "black", font)
        distort = distortions.get(name)
        distorted = [distort(pixels, level, np.random.default_rng(seed)) for level in _LEVELS]
        for column, shown in enumerate([pixels, *distorted]):
            sheet.paste(_center(shown, cell), (_LABEL + column * (cell + _GAP), top))
    return sheet


def _center(pixels: Pixels, cell: int) -> Image.Image:
    height, width = pixels.shape[:2]
    side = min(2 * cell, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return Image.fromarray(pixels[top : top + side, left : left + side]).resize((cell, cell), Image.Resampling.LANCZOS)
