"""Photos in the frames in which they are shown: cut out, with bars, in collages, on screens and pages."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

from noref.lab.arrays import Pixels
from noref.lab.pictures import pages, screens
from noref.lab.pictures.pages import Box, fill, font
from noref.lab.pictures.plain import Shape, as_tuple, colors, to_pixels

Photos = Sequence[Pixels]
Mask = npt.NDArray[np.float64]
"""Share of the subject in each pixel from 0 to 1, H x W x 1."""
_FINE = 4  # masks are drawn this much larger, then reduced


def _cutout(photos: Photos, rng: np.random.Generator) -> Pixels:
    """A product on white, grey or black, or on the checkerboard that stands for transparency."""
    shape = photos[0].shape[:2]
    mask, (left, top, right, bottom) = _subject(shape, rng)
    subject = np.zeros(photos[0].shape, np.float64)
    subject[top:bottom, left:right] = fill(photos[0], (bottom - top, right - left))
    backdrop = str(rng.choice(["white", "near-white", "grey", "black", "checkerboard"], p=[0.4, 0.2, 0.15, 0.1, 0.15]))
    if backdrop == "checkerboard":
        side = max(2, round(min(shape) * rng.uniform(0.012, 0.035)))
        odd = np.add.outer(np.arange(shape[0]) // side, np.arange(shape[1]) // side)[..., None] % 2
        light, dark = [(255, 204), (255, 191), (153, 102)][rng.integers(3)]
        ground = np.where(odd, dark, light).astype(np.float64)
    else:
        value = {"white": 255.0, "near-white": rng.uniform(238, 254), "grey": rng.uniform(170, 235), "black": 0.0}[backdrop]
        ground = np.full((*shape, 1), value)
        if backdrop != "black" and rng.random() < 0.5:
            offset = np.round(rng.uniform(0, 0.04, 2) * min(shape)).astype(int)
            shadow = _blurred(np.roll(mask, offset, (0, 1)), min(shape) * rng.uniform(0.01, 0.05))
            ground = ground * (1 - rng.uniform(0.15, 0.5) * shadow)
    return to_pixels(ground + (subject - ground) * mask)


def _bars(photos: Photos, rng: np.random.Generator) -> Pixels:
    """Bars above and below or beside the photo: black, white, or the photo itself, blurred."""
    height, width = photos[0].shape[:2]
    share, style = rng.uniform(0.05, 0.3), rng.choice(["black", "white", "blurred"], p=[0.6, 0.2, 0.2])
    if style == "blurred":
        result = to_pixels(_blurred(photos[0], min(height, width) * rng.uniform(0.03, 0.08)) * rng.uniform(0.6, 1))
    else:
        result = np.full_like(photos[0], 0 if style == "black" else 255)
    if rng.random() < 0.5:
        top = round(share * height)
        result[top : height - top] = fill(photos[0], (height - 2 * top, width))
    else:
        left = round(share * width)
        result[:, left : width - left] = fill(photos[0], (height, width - 2 * left))
    return result


def _collage(photos: Photos, rng: np.random.Generator) -> Pixels:
    """Two to six photos side by side, with or without gaps."""
    height, width = photos[0].shape[:2]
    gap = 0 if rng.random() < 0.4 else max(1, round(min(height, width) * rng.uniform(0.004, 0.03)))
    result = np.full_like(photos[0], 255) if rng.random() < 0.6 else np.full_like(photos[0], 0)
    boxes: list[Box] = [(gap, gap, width - gap, height - gap)]
    for _ in range(int(rng.integers(1, 6))):
        left, top, right, bottom = boxes.pop(int(np.argmax([(box[2] - box[0]) * (box[3] - box[1]) for box in boxes])))
        at = rng.choice([0.5, 0.5, 0.4, 0.6])
        if right - left > bottom - top:
            middle = round(left + at * (right - left))
            boxes += [(left, top, middle - gap // 2, bottom), (middle + gap - gap // 2, top, right, bottom)]
        else:
            middle = round(top + at * (bottom - top))
            boxes += [(left, top, right, middle - gap // 2), (left, middle + gap - gap // 2, right, bottom)]
    for count, (left, top, right, bottom) in enumerate(boxes):
        result[top:bottom, left:right] = fill(photos[count % len(photos)], (bottom - top, right - left))
    return result


def _in_screenshot(photos: Photos, rng: np.random.Generator) -> Pixels:
    return screens.screenshot(photos[0].shape[:2], rng, photos[0])


def _in_page(photos: Photos, rng: np.random.Generator) -> Pixels:
    return pages.document(photos[0].shape[:2], rng, photos[0])


def _caption(photos: Photos, rng: np.random.Generator) -> Pixels:
    """Text over the photo: a caption with an outline or on a band, a date, or a watermark."""
    height, width = photos[0].shape[:2]
    image = Image.fromarray(photos[0])
    over = Image.new("RGBA", image.size)
    pen = ImageDraw.Draw(over)
    text = " ".join(pages.words(rng, int(rng.integers(1, 6))))
    style = rng.choice(["outlined", "band", "date", "watermark"])
    size = max(8, round(height * rng.uniform(0.03, 0.12)))
    if style == "watermark":
        step = round(font(size).getlength(text)) + 4 * size
        for row, top in enumerate(range(0, height, 4 * size)):
            for left in range(-(row % 2) * step // 2, width, step):
                pen.text((left, top), text, (255, 255, 255, round(rng.uniform(50, 120))), font(size))
        over = over.rotate(float(rng.choice([0, 30, 45])), Image.Resampling.BICUBIC)
    elif style == "date":
        date = f"{rng.integers(1, 32):02} {rng.integers(1, 13):02} {rng.integers(1995, 2026)}"
        pen.text((0.97 * width, 0.97 * height), date, (255, 150, 40, 255), font(max(8, size // 2)), anchor="rs")
    else:
        size = max(8, min(size, round(1.5 * width / len(text))))
        middle = height * (0.92 if rng.random() < 0.7 else 0.08)
        if style == "band":
            pen.rectangle((0, middle - size, width, middle + size), (0, 0, 0, round(rng.uniform(90, 255))))
        outline = 0 if style == "band" else max(1, round(size / 14))
        pen.text((width / 2, middle), text, "white", font(size), anchor="mm", stroke_width=outline, stroke_fill="black")
    return np.asarray(Image.alpha_composite(image.convert("RGBA"), over).convert("RGB"))


def _border(photos: Photos, rng: np.random.Generator) -> Pixels:
    """A plain border, a mat with a thin line, or an instant photo with a broad margin below."""
    height, width = photos[0].shape[:2]
    plain = np.array([[255.0] * 3, [0.0] * 3, rng.uniform(225, 250) + np.array([0, -3, -8]), colors(rng, 1)[0]])
    page = Image.new("RGB", (width, height), as_tuple(plain[rng.choice(4, p=[0.4, 0.3, 0.15, 0.15])]))
    margin = max(1, round(min(height, width) * np.exp(rng.uniform(np.log(0.01), np.log(0.12)))))
    below = margin * 3 if rng.random() < 0.25 else margin
    if rng.random() < 0.3:
        line = (margin // 2, margin // 2, width - 1 - margin // 2, height - 1 - below // 2)
        ImageDraw.Draw(page).rectangle(line, outline=as_tuple(colors(rng, 1)[0]), width=max(1, margin // 8))
    inside = (height - margin - below, width - 2 * margin)
    corners = Image.new("L", inside[::-1], 0)
    radius = margin * (1.5 if rng.random() < 0.2 else 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, inside[1] - 1, inside[0] - 1), radius, 255)
    page.paste(Image.fromarray(fill(photos[0], inside)), (margin, margin), corners)
    return np.asarray(page)


def _black_and_white(photos: Photos, rng: np.random.Generator) -> Pixels:
    """Grey, or in one tone, with the weights of a colour filter before the lens, and full contrast."""
    grey = photos[0] @ rng.dirichlet([3, 5, 2])
    low, high = np.quantile(grey, [0.002, 0.998])
    grey = (grey - low) * min(255 / max(high - low, 1), 1.6) + min(low, 6)
    tone = [0, 0, 0] if rng.random() < 0.7 else np.array([1, 0.2, -0.8]) * rng.uniform(5, 25)
    middle = 4 * (grey / 255) * (1 - grey / 255)
    return to_pixels(grey[..., None] + np.multiply.outer(np.clip(middle, 0, 1), tone))


def _background_blur(photos: Photos, rng: np.random.Generator) -> Pixels:
    """A sharp subject before its strongly blurred background."""
    shape = photos[0].shape[:2]
    mask = _blurred(_subject(shape, rng)[0], min(shape) * rng.uniform(0.003, 0.015))
    sigma = min(shape) * rng.uniform(0.012, 0.04)
    around = 1.001 - mask  # the subject does not bleed into the background
    background = _blurred(photos[0] * around, sigma) / np.maximum(_blurred(around, sigma), 5e-4)
    return to_pixels(background + (photos[0] - background) * mask)


_KINDS: dict[str, Callable[[Photos, np.random.Generator], Pixels]] = {
    "cutout": _cutout,
    "bars": _bars,
    "collage": _collage,
    "in_screenshot": _in_screenshot,
    "in_page": _in_page,
    "caption": _caption,
    "border": _border,
    "black_and_white": _black_and_white,
    "background_blur": _background_blur,
}
COMPOSED = tuple(_KINDS)
"""The kinds that `compose` draws from."""


def compose(photos: Photos, rng: np.random.Generator, kinds: Sequence[str] = COMPOSED) -> tuple[Pixels, str]:
    """Compose a picture of photos; each of the kinds is equally likely. The composition itself is no defect.

    Args:
        photos: One or more, RGB, uint8, H x W x 3, all of one size; not changed.
        rng: The picture depends on its state.
        kinds: Names from `COMPOSED`.

    Returns:
        The picture, of the size of the photos, and its kind.

    Raises:
        ValueError: There is no kind of one of the names, no photo, or the photos differ in size.
    """
    if unknown := set(kinds) - set(COMPOSED):
        raise ValueError(f"no composition is called {', '.join(sorted(unknown))}; there are {', '.join(COMPOSED)}")
    if len({photo.shape for photo in photos}) != 1:
        raise ValueError("a composition takes one or more photos of one size")
    kind = kinds[int(rng.integers(len(kinds)))]
    return np.array(_KINDS[kind]([photos[index] for index in rng.permutation(len(photos))], rng)), kind


def _subject(shape: Shape, rng: np.random.Generator) -> tuple[Mask, Box]:
    """The mask of one object near the middle, of one to three round or angular parts, and its bounding box."""
    height, width = shape
    drawing = Image.new("L", (_FINE * width, _FINE * height))
    pen = ImageDraw.Draw(drawing)
    center, reach = rng.uniform(0.42, 0.58, 2), rng.uniform(0.22, 0.42, 2)
    for part in range(int(rng.integers(1, 4))):
        middle, size = (
            (center, reach) if part == 0 else (center + rng.uniform(-0.7, 0.7, 2) * reach, reach * rng.uniform(0.3, 0.7))
        )
        angles = np.linspace(0, 2 * np.pi, int(rng.integers(4, 8)) + 1)[:-1] + rng.uniform(0, np.pi)
        if rng.random() < 0.7:
            angles = np.linspace(0, 2 * np.pi, 240)
        waves = np.arange(1, 7)
        radius = 1 + 0.12 * (rng.normal(size=6) / waves**0.7 * rng.random()) @ np.cos(
            np.outer(waves, angles) + rng.uniform(0, 7, (6, 1))
        )
        square = rng.uniform(0.4, 1)  # 1 for a round shape; less for one with corners
        x, y = (np.sign(wave) * np.abs(wave) ** square * radius for wave in (np.cos(angles), np.sin(angles)))
        points = np.stack([(middle[0] + size[0] * x) * width, (middle[1] + size[1] * y) * height], axis=1) * _FINE
        pen.polygon([(float(a), float(b)) for a, b in points], 255)
    mask = drawing.resize((width, height), Image.Resampling.BOX)
    box = mask.getbbox() or (0, 0, width, height)
    return np.asarray(mask)[..., None] / 255, box


def _blurred(values: npt.NDArray[np.generic], sigma: float) -> npt.NDArray[np.float32]:
    """Gaussian blur of H x W x C values, computed at reduced size where it is strong."""
    height, width, channels = values.shape
    factor = max(1, sigma / 3)
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    blurred = np.empty(values.shape, np.float32)
    for channel in range(channels):
        plane = Image.fromarray(values[..., channel].astype(np.float32)).resize(small, Image.Resampling.BOX)
        reduced = Image.fromarray(ndimage.gaussian_filter(np.asarray(plane), sigma / factor, truncate=3))
        blurred[..., channel] = np.asarray(reduced.resize((width, height), Image.Resampling.BICUBIC))
    return blurred
