"""Pictures with hardly anything in them that are as they should be: skies, plain colours, drawings, charts, words on a page.

Photo databases have next to none, so that models take them for blurred, hazy, burnt out or pixelated. They also have few photos
that are soft all over, such as clouds, on which mild defects look worse to a network than they are.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from noref.lab.distortions.registry import Pixels

Shape = tuple[int, int]
Colours = npt.NDArray[np.float64]
_LETTERS = list("abcdefghijklmnopqrstuvwxyz     ")
_FINE = 4  # drawings are made this much larger, then reduced


def make(shape: Shape, rng: np.random.Generator) -> Pixels:
    """One of the six kinds, uint8 H x W x 3; what it shows depends on the generator's state only."""
    kinds = {_sky: 0.35, _colour: 0.1, _drawing: 0.15, _chart: 0.1, _code: 0.1, _words: 0.2}
    kind = list(kinds)[int(rng.choice(len(kinds), p=list(kinds.values())))]
    return kind(shape, rng)


def clouds(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Layers of fractal noise in two to five colours, from veils to silhouettes, uint8 H x W x 3: soft, but not featureless.

    The amplitude of each layer falls with a power of frequency between 1.3 and 2.4, where that of photos falls with about 1
    (Field, "Relations between the statistics of natural images and the response properties of cortical cells", JOSA A, 1987).
    """
    height, width = shape
    stretch = np.exp(rng.normal(0, 0.5))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width)[None] * width * stretch)
    frequency = np.maximum(frequency, rng.uniform(1, 4))  # the largest clouds

    def layer() -> Colours:
        amplitude = frequency ** -rng.uniform(1.3, 2.4)
        amplitude[0, 0] = 0
        field = np.fft.irfft2(amplitude * np.exp(2j * np.pi * rng.random(frequency.shape)), s=shape)
        return np.asarray(field / field.std())[..., None]

    picture = np.broadcast_to(_colours(rng, 1), (height, width, 3))
    for colour in _colours(rng, int(rng.integers(1, 5))):
        sharpness, middle = np.exp(rng.uniform(0, 2.7)), rng.normal(0, 0.7)
        cover = rng.uniform(0.3, 1) / (1 + np.exp(-sharpness * (layer() - middle)))
        shaded = colour * (1 + 0.25 * rng.random() * layer())
        picture = picture + (shaded - picture) * cover
    return _pixels(picture + _grain(shape, rng))


def _sky(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A gradient in any direction, with grain."""
    height, width = shape
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:height, 0:width]
    along = np.cos(angle) * x / width + np.sin(angle) * y / height
    share = ((along - along.min()) / np.ptp(along))[..., None]
    first, second = _colours(rng, 2)
    second = first + (second - first) * rng.uniform(0.1, 0.7)
    return _pixels(first + (second - first) * share + _grain(shape, rng))


def _colour(shape: Shape, rng: np.random.Generator) -> Pixels:
    return _pixels(np.broadcast_to(_colours(rng, 1), (*shape, 3)))


def _drawing(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Shapes and outlines with sharp edges on a flat ground, in colours or in black and white; edges smooth or stepped."""
    height, width = (_FINE * side for side in shape)
    count = int(rng.integers(2, 12))
    inks = rng.choice([0.0, 255.0], (count, 1)).repeat(3, axis=1) if rng.random() < 0.4 else _colours(rng, count)
    page = Image.new("RGB", (width, height), _tuple(_ground(rng)))
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
    return np.asarray(page.resize(shape[::-1], shrink))


def _chart(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Upright boxes in few colours on a flat ground: bars, cards, panels."""
    height, width = shape
    page = Image.new("RGB", (width, height), _tuple(_ground(rng)))
    pen = ImageDraw.Draw(page)
    inks = _colours(rng, int(rng.integers(1, 6)))
    for _ in range(int(rng.integers(3, 30))):
        left, top = rng.uniform(-0.1, 0.9, 2) * (width, height)
        right, bottom = (left, top) + rng.uniform(0.02, 0.6, 2) * (width, height)
        pen.rectangle((left, top, right, bottom), _tuple(rng.choice(inks)))
    return np.asarray(page)


def _code(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Squares of two or a few colours in a grid, by chance: codes, boards, swatches."""
    height, width = shape
    side = int(rng.integers(16, 80))  # smaller ones look like strong compression
    inks = np.array([[0.0] * 3, [255.0] * 3]) if rng.random() < 0.6 else _colours(rng, int(rng.integers(2, 6)))
    squares = inks[rng.integers(0, len(inks), (height // side + 1, width // side + 1))]
    return _pixels(squares.repeat(side, axis=0).repeat(side, axis=1)[:height, :width])


def _words(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Lines of letters, dark on light or light on dark, in a font of 8 to 40 pixels once the page is reduced."""
    reduced = rng.uniform(1, 2)
    height, width = (round(side * reduced) for side in shape)
    size = round(rng.uniform(8, 40) * reduced)
    ink, ground = (np.zeros(3), np.full(3, 255.0)) if rng.random() < 0.6 else (rng.uniform(0, 80, 3), rng.uniform(180, 255, 3))
    if rng.random() < 0.3:
        ink, ground = ground, ink
    page = Image.new("RGB", (width, height), _tuple(ground))
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size)
    for top in range(size, height - size, int(size * 1.5)):
        pen.text((size, top), "".join(rng.choice(_LETTERS, 2 * width // size)), _tuple(ink), font)
    return np.asarray(page.resize(shape[::-1], Image.Resampling.BICUBIC))


def _colours(rng: np.random.Generator, count: int) -> Colours:
    """Greys more or less tinted, of any brightness but the ends: black or white all over is a extreme photo."""
    return (rng.uniform(25, 235, (count, 1)) + rng.normal(0, rng.uniform(0, 90), (count, 3))).clip(5, 245)


def _grain(shape: Shape, rng: np.random.Generator) -> Colours:
    """That of a good camera."""
    return rng.normal(0, rng.uniform(0, 1.2), (*shape, 3))


def _ground(rng: np.random.Generator) -> Colours:
    return np.full(3, rng.choice([0.0, 255.0])) if rng.random() < 0.6 else _colours(rng, 1)[0]


def _tuple(colour: Colours) -> tuple[int, int, int]:
    red, green, blue = colour.astype(int).tolist()
    return red, green, blue


def _pixels(values: npt.NDArray[np.float64]) -> Pixels:
    found: Pixels = np.rint(values.clip(0, 255)).astype(np.uint8)
    return found
