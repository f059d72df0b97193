"""Pictures with hardly any content and no defect: skies, plain colours, drawings, panels, codes, lines of text, clouds."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from noref.lab.arrays import Pixels

Shape = tuple[int, int]
Colors = npt.NDArray[np.float64]
_LETTERS = list("abcdefghijklmnopqrstuvwxyz     ")
_FINE = 4  # drawings are made this much larger, then reduced


def clouds(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Layers of fractal noise in two to five colours, from veils to silhouettes, uint8 H x W x 3.

    The amplitude of each layer falls with a power of frequency between 1.3 and 2.4, where that of photos falls with about 1
    (Field, "Relations between the statistics of natural images and the response properties of cortical cells", JOSA A, 1987).
    """
    height, width = shape
    stretch = np.exp(rng.normal(0, 0.5))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width)[None] * width * stretch)
    frequency = np.maximum(frequency, rng.uniform(1, 4))  # the largest clouds

    def layer() -> Colors:
        amplitude = frequency ** -rng.uniform(1.3, 2.4)
        amplitude[0, 0] = 0
        field = np.fft.irfft2(amplitude * np.exp(2j * np.pi * rng.random(frequency.shape)), s=shape)
        return np.asarray(field / field.std())[..., None]

    picture = np.broadcast_to(colors(rng, 1), (height, width, 3))
    for tone in colors(rng, int(rng.integers(1, 5))):
        sharpness, middle = np.exp(rng.uniform(0, 2.7)), rng.normal(0, 0.7)
        cover = rng.uniform(0.3, 1) / (1 + np.exp(-sharpness * (layer() - middle)))
        shaded = tone * (1 + 0.25 * rng.random() * layer())
        picture = picture + (shaded - picture) * cover
    return to_pixels(picture + grain(shape, rng))


def sky(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A gradient between two similar colours in any direction, with slight noise."""
    height, width = shape
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:height, 0:width]
    along = np.cos(angle) * x / width + np.sin(angle) * y / height
    share = ((along - along.min()) / np.ptp(along))[..., None]
    first, second = colors(rng, 2)
    second = first + (second - first) * rng.uniform(0.1, 0.7)
    return to_pixels(first + (second - first) * share + grain(shape, rng))


def color(shape: Shape, rng: np.random.Generator) -> Pixels:
    """One colour all over."""
    return to_pixels(np.broadcast_to(colors(rng, 1), (*shape, 3)))


def drawing(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Shapes and outlines on a flat ground, in colours or in black and white, with or without anti-aliasing."""
    height, width = (_FINE * side for side in shape)
    count = int(rng.integers(2, 12))
    inks = rng.choice([0.0, 255.0], (count, 1)).repeat(3, axis=1) if rng.random() < 0.4 else colors(rng, count)
    page = Image.new("RGB", (width, height), as_tuple(ground(rng)))
    pen = ImageDraw.Draw(page)
    for ink in inks:
        points = rng.uniform(0, 1, (int(rng.integers(3, 12)), 2)) * rng.uniform(0.1, 0.8) + rng.uniform(-0.1, 0.8, 2)
        corners = [(float(x * width), float(y * height)) for x, y in points]
        (left, top), (right, bottom) = np.min(corners, axis=0), np.max(corners, axis=0)
        if rng.random() < 0.3:
            pen.line(corners, as_tuple(ink), int(rng.integers(4, 30)))
        elif rng.random() < 0.5:
            pen.polygon(corners, as_tuple(ink))
        else:
            pen.ellipse((left, top, right, bottom), as_tuple(ink))
    shrink = Image.Resampling.BOX if rng.random() < 0.7 else Image.Resampling.NEAREST
    return np.asarray(page.resize(shape[::-1], shrink))


def panels(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Upright boxes in few colours on a flat ground."""
    height, width = shape
    page = Image.new("RGB", (width, height), as_tuple(ground(rng)))
    pen = ImageDraw.Draw(page)
    inks = colors(rng, int(rng.integers(1, 6)))
    for _ in range(int(rng.integers(3, 30))):
        left, top = rng.uniform(-0.1, 0.9, 2) * (width, height)
        right, bottom = (left, top) + rng.uniform(0.02, 0.6, 2) * (width, height)
        pen.rectangle((left, top, right, bottom), as_tuple(rng.choice(inks)))
    return np.asarray(page)


def code(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A grid of squares in two or a few colours at random, as in codes and swatches."""
    height, width = shape
    side = int(rng.integers(16, 80))  # smaller ones look like strong compression
    inks = np.array([[0.0] * 3, [255.0] * 3]) if rng.random() < 0.6 else colors(rng, int(rng.integers(2, 6)))
    squares = inks[rng.integers(0, len(inks), (height // side + 1, width // side + 1))]
    return to_pixels(squares.repeat(side, axis=0).repeat(side, axis=1)[:height, :width])


def words(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Lines of letters, dark on light or light on dark, in a font of 8 to 40 pixels once the page is reduced."""
    reduced = rng.uniform(1, 2)
    height, width = (round(side * reduced) for side in shape)
    size = round(rng.uniform(8, 40) * reduced)
    ink, paper = (np.zeros(3), np.full(3, 255.0)) if rng.random() < 0.6 else (rng.uniform(0, 80, 3), rng.uniform(180, 255, 3))
    if rng.random() < 0.3:
        ink, paper = paper, ink
    page = Image.new("RGB", (width, height), as_tuple(paper))
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size)
    for top in range(size, height - size, int(size * 1.5)):
        pen.text((size, top), "".join(rng.choice(_LETTERS, 2 * width // size)), as_tuple(ink), font)
    return np.asarray(page.resize(shape[::-1], Image.Resampling.BICUBIC))


def colors(rng: np.random.Generator, count: int) -> Colors:
    """Random colours, float of shape (count, 3), from nearly grey to strong; black and white are left out."""
    return (rng.uniform(25, 235, (count, 1)) + rng.normal(0, rng.uniform(0, 90), (count, 3))).clip(5, 245)


def grain(shape: Shape, rng: np.random.Generator) -> Colors:
    """Noise of a good camera, float of shape (H, W, 3)."""
    return rng.normal(0, rng.uniform(0, 1.2), (*shape, 3))


def ground(rng: np.random.Generator) -> Colors:
    """Black, white, or a random colour."""
    return np.full(3, rng.choice([0.0, 255.0])) if rng.random() < 0.6 else colors(rng, 1)[0]


def as_tuple(color: Colors) -> tuple[int, int, int]:
    """A colour as Pillow takes it."""
    red, green, blue = color.astype(int).tolist()
    return red, green, blue


def to_pixels(values: npt.NDArray[np.floating[Any]]) -> Pixels:
    """Clip values from 0 to 255 and round them to uint8."""
    found: Pixels = np.rint(values.clip(0, 255)).astype(np.uint8)
    return found
