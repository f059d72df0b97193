"""Photos that quality models like to get wrong, with the model's answers, as one picture.

Usage: python examples/hard_cases.py OUT.jpg [MODEL]. Needs the extra `dev`. The photos are those of `sample_photos.py` and,
inside the same wheel: camera (L. Varshney, CC0), moon and hubble (NASA, public domain), clock (S. van der Walt, public domain),
brick and grass (CC0), horse (A. Preuss, CC0), text (public domain).
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from skimage import data

import noref
from noref import overlay

SIDE, LINES, ACROSS = 300, 66, 4
Pixels = npt.NDArray[np.uint8]


def cases() -> Iterator[tuple[str, Pixels]]:
    """What it is, and how it looks (uint8, H x W x 3)."""
    cat, coffee, rocket, person = (_rgb(load()) for load in (data.chelsea, data.coffee, data.rocket, data.astronaut))
    yield "portrait", person
    yield "the same in black and white", _rgb(person @ [0.299, 0.587, 0.114])
    yield "a cat, close", cat
    yield "the same before a blurred ground", _bokeh(cat)
    yield "cup, soft light", coffee
    yield "the same, half of it blurred", _half_blurred(coffee)
    yield "night launch", rocket
    yield "the same at a fifth of the light", _rgb(rocket * 0.2)
    yield "flat sky", _sky()
    yield "the moon, soft and grey", _rgb(data.moon())
    yield "stars", _rgb(data.hubble_deep_field())
    yield "photographer, grey", _rgb(data.camera())
    yield "clock, moved camera", _rgb(data.clock())
    yield "printed text, soft", _rgb(data.text())
    yield "drawing", _rgb(data.horse() * 255)
    yield "brick wall", _rgb(data.brick())
    yield "grass", _rgb(data.grass())
    yield "grass, shrunk and enlarged", _rgb(Image.fromarray(data.grass()).resize((128, 128)).resize((512, 512)))
    yield "words on white", _words()
    yield "one colour", np.full((400, 400, 3), (40, 90, 160), np.uint8)


def _rgb(picture: object) -> Pixels:
    pixels = np.clip(np.asarray(picture), 0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(pixels).convert("RGB"))


def _bokeh(pixels: Pixels) -> Pixels:
    """Sharp in the middle, out of focus around it."""
    photo = Image.fromarray(pixels)
    mask = Image.new("L", photo.size)
    width, height = photo.size
    ImageDraw.Draw(mask).ellipse((width * 0.25, height * 0.1, width * 0.75, height * 0.95), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(12))
    return np.asarray(Image.composite(photo, photo.filter(ImageFilter.GaussianBlur(9)), mask))


def _half_blurred(pixels: Pixels) -> Pixels:
    blurred = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(5)))
    middle = pixels.shape[1] // 2
    return np.concatenate([pixels[:, :middle], blurred[:, middle:]], axis=1)


def _sky() -> Pixels:
    """A clean gradient with the grain of a good camera."""
    grain = np.random.default_rng(0).normal(0, 0.8, (400, 600, 3))
    return _rgb(np.linspace((90, 140, 210), (190, 215, 240), 400)[:, None] + grain)


def _words() -> Pixels:
    page = Image.new("RGB", (600, 400), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(28)
    for line in range(9):
        pen.text((30, 20 + 40 * line), "How good, why and where, in one look.", "black", font)
    return np.asarray(page)


def draw(scorer: noref.Scorer) -> Image.Image:
    """Each photo, and its quality map with score, interval and likely defects."""
    shown = [_panel(title, pixels, scorer) for title, pixels in cases()]
    down = -(-len(shown) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * (SIDE + 10), down * (SIDE + LINES)), "white")
    for place, panel in enumerate(shown):
        sheet.paste(panel, (place % ACROSS * (SIDE + 10), place // ACROSS * (SIDE + LINES)))
    return sheet


def _panel(title: str, pixels: Pixels, scorer: noref.Scorer) -> Image.Image:
    found = scorer.score(pixels)
    photo = Image.fromarray(pixels)
    drawn = photo.convert("RGBA")
    drawn.alpha_composite(overlay.tint(found.map, photo.size))
    panel = Image.new("RGB", (SIDE, SIDE + LINES), "white")
    for half, picture in enumerate((photo, drawn.convert("RGB"))):
        picture.thumbnail((SIDE, SIDE // 2 - 2))
        panel.paste(picture, ((SIDE - picture.width) // 2, half * (SIDE // 2)))
    pen, font = ImageDraw.Draw(panel), ImageFont.load_default(13)
    low, high = found.interval
    named = [f"{name} {defect}" for name, defect in found.likely_defects.items()] or ["no defect named"]
    lines = [f"{title}: {found.score:.0f} ({low:.0f} to {high:.0f})", ", ".join(named[:2]), ", ".join(named[2:4])]
    for line, text in enumerate(lines):
        pen.text((4, SIDE + 4 + 18 * line), text, "black", font)
    return panel


if __name__ == "__main__":
    model = [sys.argv[2]] if len(sys.argv) > 2 else []
    draw(noref.Scorer(*model)).save(Path(sys.argv[1]), quality=85)
