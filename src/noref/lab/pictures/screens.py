"""Screenshots: windows on a desktop, with menus, buttons, icons and text. A window can show a photo."""

import numpy as np
from PIL import Image

from noref.lab.arrays import Pixels
from noref.lab.pictures.pages import Box, Canvas, blocks, new_canvas, vivid
from noref.lab.pictures.plain import Shape, as_tuple, clouds, colors


def screenshot(shape: Shape, rng: np.random.Generator, photo: Pixels | None = None) -> Pixels:
    """A screen with windows, menus, buttons, icons and text, light or dark, uint8 H x W x 3.

    Args:
        shape: Height and width in pixels.
        rng: The screen depends on its state.
        photo: Shown in one window; None for soft shapes in its place.
    """
    height, width = shape
    desk = new_canvas(shape, rng, size=round(rng.uniform(8, 13)), photo=photo)
    if rng.random() < 0.5:
        desk.image.paste(Image.fromarray(clouds(shape, rng)))
    else:
        desk.pen.rectangle((0, 0, width, height), as_tuple(colors(rng, 1)[0]))
    count = int(rng.integers(1, 4))
    smallest = 0.55 if photo is None else 0.75
    for window in range(count):
        last = window == count - 1
        across, down = rng.uniform(smallest, 1, 2) if last else rng.uniform(0.3, 0.8, 2)
        left, top = rng.uniform(0, 1 - across) * width, rng.uniform(0, 1 - down) * height
        _window(desk, (int(left), int(top), int(left + across * width), int(top + down * height)), with_picture=last)
    if rng.random() < 0.6:
        bar = 3 * desk.size
        desk.pen.rectangle((0, height - bar, width, height), desk.paper)
        for left in range(bar // 2, int(rng.uniform(0.3, 0.8) * width), bar):
            _icon(desk, left, height - bar + bar // 6, 2 * bar // 3)
        desk.text((width - 6 * desk.size, height - bar + desk.size), 5 * desk.size, desk.size)
    return np.asarray(desk.image)


def _window(desk: Canvas, box: Box, with_picture: bool) -> None:
    """A window with a title bar, a menu or tool bar, a side bar, and a document, a list or a picture."""
    left, top, right, bottom = box
    pen, rng, size = desk.pen, desk.rng, desk.size
    bar = round(2.2 * size)
    pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), desk.faint)
    pen.rectangle((left, top, right, bottom), desk.paper)
    pen.rectangle((left, top, right, top + bar), desk.accent if rng.random() < 0.4 else desk.faint)
    for button, ink in enumerate([(237, 106, 94), (245, 191, 79), (98, 197, 84)]):
        pen.ellipse((x := left + size * (0.6 + 1.5 * button), y := top + 0.6 * size, x + size, y + size), ink)
    desk.text((left + 6 * size, top + 0.5 * size), max(0, right - left - 8 * size), size)
    top += bar
    for place in range(left + size, right - 5 * size, 6 * size):
        desk.text((place, top + 0.4 * size), 4.5 * size, size)
    top += 2 * size
    pen.line((left, top, right, top), desk.faint)
    if rng.random() < 0.6 and right - left > 24 * size:
        side = left + round(rng.uniform(9, 12) * size)
        pen.rectangle((left, top, side, bottom), desk.faint)
        for line in range(top + size, bottom - 2 * size, 2 * size):
            _icon(desk, left + size // 2, line, round(1.3 * size))
            desk.text((left + 2.5 * size, line), side - left - 3 * size, size)
        left = side
    inside = (left + size, top + size, right - size, bottom - size)
    if with_picture and (desk.photo is not None or rng.random() < 0.5):
        desk.picture((*inside[:3], bottom - 4 * size))
        for place in range(left + size, right - 7 * size, 8 * size):
            pen.rounded_rectangle((place, bottom - 3 * size, place + 6 * size, bottom - size), size // 2, desk.accent)
            desk.text((place + 0.6 * size, bottom - 2.6 * size), 5 * size, size, desk.paper)
    elif rng.random() < 0.5:
        for line in range(inside[1], inside[3] - 4 * size, 4 * size):
            _icon(desk, inside[0], line, 3 * size)
            desk.text((inside[0] + 4 * size, line), max(0, inside[2] - inside[0] - 4 * size), size, bold=True)
            desk.text((inside[0] + 4 * size, line + 1.5 * size), max(0, inside[2] - inside[0] - 4 * size), size)
    else:
        part = Image.new("RGB", (max(1, inside[2] - inside[0]), max(1, inside[3] - inside[1])), desk.paper)
        page = Canvas(part, rng, desk.ink, desk.paper, desk.accent, size)
        blocks(page, (0, 0, *part.size), first=False)
        desk.image.paste(part, inside[:2])


def _icon(canvas: Canvas, left: float, top: float, side: float) -> None:
    """A rounded square with a simple shape in it."""
    pen, rng = canvas.pen, canvas.rng
    pen.rounded_rectangle((left, top, left + side, top + side), side / 5, vivid(rng))
    points = rng.uniform(0.2, 0.8, (int(rng.integers(3, 6)), 2)) * side + (left, top)
    pen.polygon([(float(x), float(y)) for x, y in points], canvas.paper)
