"""Pages made by computers: documents and charts. A page can show a photo."""

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from noref.lab.arrays import Pixels
from noref.lab.errors import LabError
from noref.lab.pictures.plain import Colors, Shape, as_tuple, clouds

Ink = tuple[int, int, int]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""
_LETTERS = list("etaoinshrdlucmfwypvbgk")
_SHARES = np.array([12, 9, 8, 8, 7, 7, 6, 6, 6, 4, 4, 3, 3, 2, 2, 2, 2, 2, 1, 1, 2, 1]) / 98


@dataclass
class Canvas:
    """A page that is being drawn, with its colours and text size."""

    image: Image.Image
    rng: np.random.Generator
    ink: Ink
    paper: Ink
    accent: Ink
    size: int
    photo: Pixels | None = None

    def __post_init__(self) -> None:
        self.pen = ImageDraw.Draw(self.image)

    @property
    def faint(self) -> Ink:
        """A colour near that of the paper, for lines and panels."""
        return as_tuple(0.87 * np.array(self.paper) + 0.13 * np.array(self.ink))

    def text(self, place: tuple[float, float], width: float, size: int, ink: Ink | None = None, bold: bool = False) -> None:
        """One line of made-up words, at most as wide as given."""
        line = " ".join(words(self.rng, max(1, int(width / size / 2)) + 1))
        fitting = int(len(line) * width / max(font(size).getlength(line), 1))
        if fitting < len(line):
            line = line[:fitting].rpartition(" ")[0]
        self.pen.text(
            place, line.capitalize() if bold else line, ink or self.ink, font(size), stroke_width=size / 36 if bold else 0
        )

    def picture(self, box: Box) -> None:
        """The photo, or soft shapes, cut to fill a box."""
        left, top, right, bottom = box
        if right - left < 4 or bottom - top < 4:
            return
        shape = (bottom - top, right - left)
        self.image.paste(
            Image.fromarray(clouds(shape, self.rng) if self.photo is None else fill(self.photo, shape)), (left, top)
        )


@functools.lru_cache(maxsize=64)
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow.

    Raises:
        LabError: This Pillow was built without FreeType.
    """
    found = ImageFont.load_default(size)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise LabError("this Pillow cannot draw text in any size; install a wheel of pillow from PyPI")
    return found


def words(rng: np.random.Generator, count: int) -> list[str]:
    """Made-up words with the frequencies of English letters, some of them numbers or ending a sentence."""
    lengths = rng.integers(1, 10, count)
    letters = iter(rng.choice(_LETTERS, int(lengths.sum()), p=_SHARES).tolist())
    kinds = rng.random((count, 2))
    made = []
    for length, (kind, end) in zip(lengths.tolist(), kinds.tolist(), strict=True):
        word = "".join(itertools.islice(letters, length))
        if kind < 0.06:
            word = "".join(str(ord(letter) % 10) for letter in word[:5])
        elif kind < 0.15:
            word = word.capitalize()
        made.append(word + ("," if end < 0.08 else "." if end < 0.15 else ""))
    return made


def fill(photo: Pixels, shape: Shape) -> Pixels:
    """The central part of a photo with the aspect of `shape`, resized to it."""
    height, width = shape
    scale = max(height / photo.shape[0], width / photo.shape[1])
    across, down = min(width / scale, photo.shape[1]), min(height / scale, photo.shape[0])  # rounding may exceed the photo
    left, top = (photo.shape[1] - across) / 2, (photo.shape[0] - down) / 2
    box = (left, top, left + across, top + down)
    return np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.LANCZOS, box=box))


def document(shape: Shape, rng: np.random.Generator, photo: Pixels | None = None) -> Pixels:
    """A page of a document with headings, paragraphs, tables, charts and pictures, light or dark, uint8 H x W x 3.

    Args:
        shape: Height and width in pixels.
        rng: The page depends on its state.
        photo: Shown in the page, which shows it once at least; None for soft shapes in its place.
    """
    height, width = shape
    canvas = new_canvas(shape, rng, size=round(np.exp(rng.uniform(np.log(9), np.log(26)))), photo=photo)
    columns = int(rng.integers(1, max(2, min(4, width // (16 * canvas.size)) + 1)))
    margin, gap = round(rng.uniform(0.02, 0.1) * width), 2 * canvas.size
    top = round(rng.uniform(-0.02, 0.1) * height)
    if rng.random() < 0.5:
        canvas.text((margin, top), width - 2 * margin, 2 * canvas.size, bold=True)
        top += 3 * canvas.size
    across = (width - 2 * margin - (columns - 1) * gap) // columns
    for column in range(columns):
        blocks(canvas, (left := margin + column * (across + gap), top, left + across, height), first=column == 0)
    return np.asarray(canvas.image)


def chart(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A chart with axes, grid lines and labels: bars, lines, points or a pie, uint8 H x W x 3."""
    height, width = shape
    canvas = new_canvas(shape, rng, size=round(rng.uniform(9, 18)))
    margin = 2 * canvas.size
    canvas.text((margin, canvas.size // 2), width - 2 * margin, round(1.4 * canvas.size), bold=True)
    _chart(canvas, (margin, 3 * canvas.size, width - margin, height - margin))
    return np.asarray(canvas.image)


def new_canvas(shape: Shape, rng: np.random.Generator, size: int, photo: Pixels | None = None) -> Canvas:
    """An empty page, two times of three light, with text of `size` pixels."""
    dark, light = rng.uniform(0, 50) + rng.uniform(0, 12, 3), rng.uniform(225, 255) + rng.uniform(-6, 0, 3)
    if rng.random() < 0.5:
        dark, light = np.zeros(3), np.full(3, 255.0)
    ink, paper = (light, dark) if rng.random() < 0.3 else (dark, light)
    image = Image.new("RGB", shape[::-1], as_tuple(paper))
    return Canvas(image, rng, as_tuple(ink), as_tuple(paper), vivid(rng), size, photo)


def vivid(rng: np.random.Generator) -> Ink:
    """A saturated colour."""
    color: Colors = rng.permutation([rng.uniform(0, 80), rng.uniform(40, 180), rng.uniform(150, 240)])
    return as_tuple(color)


def blocks(canvas: Canvas, box: Box, first: bool) -> None:
    """Blocks of a document one below the other, until the box is full; the first one shows the photo."""
    left, top, right, bottom = box
    size, width = canvas.size, right - left
    kinds = ["text", "text", "text", "heading", "list", "table", "chart", "picture"]
    start = "picture" if first and canvas.photo is not None else "text"
    while top < bottom:
        kind, start = start or str(canvas.rng.choice(kinds)), ""
        if kind == "heading":
            canvas.text((left, top), width, round(1.5 * size), canvas.accent, bold=True)
            top += 2 * size
        elif kind in {"text", "list"}:
            indent = size if kind == "list" else 0
            for _ in range(int(canvas.rng.integers(2, 9))):
                if indent:
                    canvas.pen.ellipse((left, top + 0.5 * size, left + 0.3 * size, top + 0.8 * size), canvas.ink)
                canvas.text((left + indent, top), (width - indent) * (canvas.rng.uniform(0.3, 1) if indent else 1), size)
                top += round(1.35 * size)
        else:
            height = (
                round(width * canvas.rng.uniform(0.4, 0.8))
                if kind != "table"
                else round(1.6 * size) * int(canvas.rng.integers(3, 8))
            )
            part = (left, top, right, min(top + height, bottom))
            {"table": _table, "chart": _chart, "picture": Canvas.picture}[kind](canvas, part)
            top += height
        top += size


def _table(canvas: Canvas, box: Box) -> None:
    left, top, right, bottom = box
    row, columns, striped = round(1.6 * canvas.size), int(canvas.rng.integers(2, 6)), canvas.rng.random() < 0.5
    for count, line in enumerate(range(top, bottom - row + 1, row)):
        if count == 0 or (striped and count % 2 == 0):
            canvas.pen.rectangle((left, line, right, line + row), canvas.faint)
        for column in range(columns):
            cell = (right - left) / columns
            canvas.text((left + column * cell + 4, line + 0.2 * canvas.size), cell - 8, canvas.size, bold=count == 0)
        canvas.pen.line((left, line + row, right, line + row), canvas.faint)


def _chart(canvas: Canvas, box: Box) -> None:
    left, top, right, bottom = box
    if min(right - left, bottom - top) < 40:
        return
    pen, rng = canvas.pen, canvas.rng
    kind = rng.choice(["bars", "lines", "points", "pie"])
    inks = [vivid(rng) for _ in range(int(rng.integers(1, 5)))]
    if kind == "pie":
        side = min(right - left, bottom - top)
        ends = np.cumsum([0, *rng.dirichlet(np.full(int(rng.integers(2, 7)), 3.0))]) * 360
        for start, end in itertools.pairwise(ends):
            pen.pieslice((left, top, left + side, top + side), float(start), float(end), vivid(rng), canvas.paper)
        return
    for line in np.linspace(top, bottom, int(rng.integers(4, 9))):
        pen.line((left, line, right, line), canvas.faint)
        canvas.text((left - 2 * canvas.size, line - canvas.size / 2), 2 * canvas.size, round(0.8 * canvas.size))
    pen.line((left, top, left, bottom, right, bottom), canvas.ink)
    count = int(rng.integers(4, 30))
    x = np.linspace(left, right, count + 2)[1:-1]
    for series, ink in enumerate(inks):
        y = bottom - (bottom - top) * np.clip(0.5 + 0.07 * np.cumsum(rng.normal(size=count)) + rng.normal(0, 0.12), 0.03, 1)
        half = 0.4 * (right - left) / (count + 1)
        if kind == "lines":
            pen.line([(float(a), float(b)) for a, b in zip(x, y, strict=True)], ink, int(rng.integers(1, 4)), joint="curve")
            continue
        for a, b in zip(x, y, strict=True):
            if kind == "points":
                pen.ellipse((a - 3, b - 3, a + 3, b + 3), ink)
            else:
                start = a - half + 2 * half * series / len(inks)
                pen.rectangle((start, b, start + 2 * half / len(inks), bottom), ink)
