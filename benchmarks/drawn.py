"""Drawn test pictures of `hard_cases.py`: documents, screenshots, clouds, the moon, stars. All are deterministic."""

import numpy as np
import numpy.typing as npt
from common import Pixels, generator, resized
from PIL import Image, ImageDraw, ImageFont

HEIGHT, WIDTH = 512, 640
TEXT = (
    "Image quality is not a property of the file alone. A photo that is sharp on a small screen may be soft on a large one, "
    "and what one observer accepts, another rejects. A mean opinion score averages over observers; the interval states how "
    "well it can be predicted from the pixels. "
)


def document(number: int) -> Pixels:
    """A page of text with a heading, in another size and colour for each number."""
    rng = generator("document", number)
    ink, paper = [("black", "white"), ("#202020", "#fbf8f0"), ("#e0e0e0", "#181a1f")][number % 3]
    size = int(rng.integers(12, 20))
    page = Image.new("RGB", (WIDTH, HEIGHT), paper)
    pen = ImageDraw.Draw(page)
    pen.text((40, 24), f"{number + 1}. Notes on quality", ink, ImageFont.load_default(2 * size))
    _lines(pen, (40, 40 + 3 * size, WIDTH - 40, HEIGHT - 20), size, ink, start=int(rng.integers(40)))
    return np.asarray(page)


def screenshot(photo: Pixels, number: int) -> Pixels:
    """A window with a title bar, a list, a photo and a caption."""
    rng = generator("screenshot", number)
    accent = tuple(int(value) for value in rng.integers(40, 180, 3))
    screen = Image.new("RGB", (WIDTH, HEIGHT), "#f3f4f6")
    pen = ImageDraw.Draw(screen)
    pen.rectangle((0, 0, WIDTH, 40), accent)
    pen.text((14, 10), "Library   Edit   View   Help", "white", ImageFont.load_default(16))
    for row in range(9):
        top = 56 + 48 * row
        pen.rounded_rectangle((12, top, 200, top + 40), 6, "white", "#c8ccd4")
        pen.ellipse((20, top + 10, 40, top + 30), accent)
        pen.text((50, top + 12), f"Folder {int(rng.integers(100, 999))}", "#202020", ImageFont.load_default(13))
    side = 300
    screen.paste(Image.fromarray(resized(photo, side, side)), (240, 64))
    _lines(pen, (240, 380, WIDTH - 20, HEIGHT - 10), 13, "#303030", start=int(rng.integers(40)))
    return np.asarray(screen)


def clouds(number: int) -> Pixels:
    """Soft clouds in a blue sky: noise whose spectrum falls steeply with the frequency."""
    rng = generator("clouds", number)
    cover = _fractal(rng, 2.6 + 0.4 * rng.random())
    white = 1 / (1 + np.exp(-6 * (cover - rng.uniform(-0.2, 0.6))))[..., None]
    sky = np.linspace(rng.uniform(70, 110), rng.uniform(150, 190), HEIGHT)[:, None, None] + np.array([-30, 10, 60])
    return _pixels(sky * (1 - white) + (225 + 12 * cover[..., None].clip(-2, 2)) * white)


def moon(number: int) -> Pixels:
    """A full moon with maria and craters in a black sky."""
    rng = generator("moon", number)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    radius = rng.uniform(90, 200)
    distance = np.hypot(x - WIDTH / 2, y - HEIGHT / 2)
    ground = 175 + 28 * _fractal(rng, 2.2) + 10 * _fractal(rng, 1.2)
    for _ in range(60):
        angle, place = rng.uniform(0, 2 * np.pi), radius * rng.random() ** 0.5
        size = rng.uniform(2, radius / 9)
        near = np.hypot(x - WIDTH / 2 - place * np.cos(angle), y - HEIGHT / 2 - place * np.sin(angle)) / size
        ground += 40 * np.exp(-(((near - 1) / 0.2) ** 2)) - 30 * np.exp(-((near / 0.8) ** 4))
    disc = (radius - distance).clip(0, 1)  # an edge of one pixel
    return _pixels((ground * disc)[..., None] * np.array([1.0, 0.98, 0.92]))


def stars(number: int) -> Pixels:
    """Stars of many magnitudes and a faint nebula."""
    rng = generator("stars", number)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    sky = (14 + 7 * _fractal(rng, 2.8).clip(-1, 3))[..., None] * np.array([0.8, 0.9, 1.2])
    for magnitude in rng.exponential(40, 350):
        row, column = rng.uniform(0, HEIGHT), rng.uniform(0, WIDTH)
        top, left = max(0, int(row) - 8), max(0, int(column) - 8)
        here = (slice(top, top + 17), slice(left, left + 17))
        spot = np.exp(-((y[here] - row) ** 2 + (x[here] - column) ** 2) / (2 * 0.8**2))
        sky[here] += 4 * magnitude * spot[..., None] * rng.uniform(0.8, 1, 3)
    return _pixels(sky)


def _lines(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], size: int, ink: str, start: int) -> None:
    """Fill a box with words."""
    left, top, right, bottom = box
    font, words = ImageFont.load_default(size), TEXT.split()
    line, place = "", start
    while top + size < bottom:
        word = words[place % len(words)]
        if pen.textlength(f"{line} {word}", font) > right - left:
            pen.text((left, top), line, ink, font)
            line, top = word, top + int(1.5 * size)
        else:
            line = f"{line} {word}".strip()
        place += 1


def _fractal(rng: np.random.Generator, steepness: float) -> npt.NDArray[np.float64]:
    """Noise of mean 0 and deviation 1, with an amplitude that falls as the frequency to the power of half the steepness."""
    frequency = np.hypot(np.fft.fftfreq(HEIGHT)[:, None] * HEIGHT / WIDTH, np.fft.rfftfreq(WIDTH)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((HEIGHT, WIDTH))) / frequency ** (steepness / 1.5)
    noise = np.fft.irfft2(spectrum, (HEIGHT, WIDTH))
    return (noise - noise.mean()) / noise.std()


def _pixels(values: npt.NDArray[np.float64]) -> Pixels:
    return np.rint(values.clip(0, 255)).astype(np.uint8)
