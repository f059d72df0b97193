"""The contact sheet: one photo, every distortion, every level."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from noref.lab.distortions import registry
from noref.lab.distortions.registry import Pixels

_LABEL, _GAP = 150, 4
LEVELS = range(1, 6)


def draw(pixels: Pixels, cell: int = 160, seed: int = 0) -> Image.Image:
    """A row a distortion, a column a level, after a column of the photo as it is.

    Args:
        pixels: uint8, H x W x 3. It is distorted at full size; the middle square is shown, shrunk at most by half.
        cell: Pixels a side of each square.
        seed: Of the distortions.
    """
    names = registry.names()
    sheet = Image.new("RGB", (_LABEL + 6 * (cell + _GAP), 24 + len(names) * (cell + _GAP)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, title in enumerate(["photo", *(f"level {level}" for level in LEVELS)]):
        pen.text((_LABEL + column * (cell + _GAP), 4), title, "black", font)
    for row, name in enumerate(names):
        top = 24 + row * (cell + _GAP)
        pen.text((4, top + cell // 2 - 8), name, "black", font)
        distort = registry.get(name)
        worse = [distort(pixels, level, np.random.default_rng(seed)) for level in LEVELS]
        for column, shown in enumerate([pixels, *worse]):
            sheet.paste(_middle(shown, cell), (_LABEL + column * (cell + _GAP), top))
    return sheet


def _middle(pixels: Pixels, cell: int) -> Image.Image:
    height, width = pixels.shape[:2]
    side = min(2 * cell, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return Image.fromarray(pixels[top : top + side, left : left + side]).resize((cell, cell), Image.Resampling.LANCZOS)
