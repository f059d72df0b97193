"""Pictures with hardly anything in them that are as they should be: clear skies, plain colours, drawings, words on white.

Photo databases have next to none, so that models take them for blurred, hazy or burnt out.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from noref.lab.distortions.registry import Pixels

Shape = tuple[int, int]
_LETTERS = list("abcdefghijklmnopqrstuvwxyz     ")


def make(shape: Shape, rng: np.random.Generator) -> Pixels:
    """One of the four kinds, uint8 H x W x 3; what it shows depends on the generator's state only."""
    kinds = {_sky: 0.4, _colour: 0.1, _drawing: 0.25, _words: 0.25}
    kind = list(kinds)[int(rng.choice(len(kinds), p=list(kinds.values())))]
    return kind(shape, rng)


def _colours(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    return rng.uniform(20, 250, (count, 3))


def _sky(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A gradient in any direction, with the grain of a good camera."""
    height, width = shape
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:height, 0:width]
    along = np.cos(angle) * x / width + np.sin(angle) * y / height
    share = ((along - along.min()) / np.ptp(along))[..., None]
    first, second = _colours(rng, 2)
    second = first + (second - first) * rng.uniform(0.1, 0.7)
    grain = rng.normal(0, rng.uniform(0, 1.2), (height, width, 3))
    return _pixels(first + (second - first) * share + grain)


def _colour(shape: Shape, rng: np.random.Generator) -> Pixels:
    return _pixels(np.broadcast_to(_colours(rng, 1), (*shape, 3)))


def _drawing(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Shapes and outlines with sharp edges on a flat ground, in colours or in black and white; edges smooth or stepped."""
    height, width = (4 * side for side in shape)
    count = int(rng.integers(2, 12))
    inks = rng.choice([0.0, 255.0], (count, 1)).repeat(3, axis=1) if rng.random() < 0.4 else _colours(rng, count)
    ground = rng.choice([0.0, 255.0]) if rng.random() < 0.6 else _colours(rng, 1)[0]
    page = Image.new("RGB", (width, height), _tuple(np.broadcast_to(ground, 3)))
    pen = ImageDraw.Draw(page)
    for ink in inks:
        points = rng.uniform(0, 1, (int(rng.integers(3, 12)), 2)) * rng.uniform(0.1, 0.8) + rng.uniform(-0.1, 0.8, 2)
        corners = [(float(x * width), float(y * height)) for x, y in points]
        (left, top), (right, bottom) = np.min(corners, axis=0), np.max(corners, axis=0)
        if rng.random() < 0.3:
            pen.line(corners, _tuple(ink), int(rng.integers(4, 30)))
        elif rng.random() < 0.5:
            pen.polygon(corners, _tuple(ink))
        else:
            pen.ellipse((left, top, right, bottom), _tuple(ink))
    shrink = Image.Resampling.BOX if rng.random() < 0.7 else Image.Resampling.NEAREST
    return np.asarray(page.resize((width // 4, height // 4), shrink))


def _words(shape: Shape, rng: np.random.Generator) -> Pixels:
    height, width = shape
    page = Image.new("RGB", (width, height), "white")
    size = int(rng.integers(12, 40))
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size)
    for top in range(size, height - size, int(size * 1.5)):
        pen.text((size, top), "".join(rng.choice(_LETTERS, 2 * width // size)), "black", font)
    return np.asarray(page)


def _tuple(colour: npt.NDArray[np.float64]) -> tuple[int, int, int]:
    red, green, blue = colour.astype(int).tolist()
    return red, green, blue


def _pixels(values: npt.NDArray[np.float64]) -> Pixels:
    found: Pixels = np.rint(values.clip(0, 255)).astype(np.uint8)
    return found
