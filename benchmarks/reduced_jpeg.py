"""How far scores of large JPEGs move when they are decoded at a reduced size, which is several times faster.

    python benchmarks/reduced_jpeg.py PHOTOS [--enough PIXELS] [--each N] [--seed N] [--model NAME_OR_FILE]

PHOTOS is a folder of photos of about 512 x 512 pixels, such as BIQ2021's. Mosaics of them at their native resolution, of 12 to
48 megapixels, stand in for photos of a camera; pages of text and patterns of lines are the hard cases. Each is saved as JPEG
and scored twice by one session: decoded in full, and with `enough` pixels, by default those that the scorer leaves. Nothing is
timed.
"""

import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import click
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import noref
from noref import images, sources
from noref.cli.options import model_option
from noref.scorer import enough_for

TILE = 512
SIZES = ((4000, 3000), (3456, 4608), (6000, 4000), (8000, 6000))  # 12, 16, 24 and 48 megapixels
SAVED = (("4:2:0", False), ("4:4:4", False), ("4:2:0", True), ("4:2:2", False))  # subsampling, progressive

Pixels: TypeAlias = npt.NDArray[np.uint8]
Size: TypeAlias = tuple[int, int]


def mosaic(photos: list[Path], size: Size, rng: np.random.Generator) -> Pixels:
    """Photos in a grid; one in two sheets is a single photo and its mirror images, so that no seams show."""
    width, height = size
    across, down = -(-width // TILE), -(-height // TILE)
    paths = [photos[i] for i in rng.choice(len(photos), 1 if rng.random() < 0.5 else across * down)]
    sheet = Image.new("RGB", size)
    for (y, x), path in zip(itertools.product(range(down), range(across)), itertools.cycle(paths)):
        tile = images.read(path).pixels[:TILE, :TILE]
        if len(paths) == 1:
            tile = tile[:: -1 if y % 2 else 1, :: -1 if x % 2 else 1]
        sheet.paste(Image.fromarray(np.ascontiguousarray(tile)), (x * TILE, y * TILE))
    return np.asarray(sheet)


def clipped(values: npt.NDArray[np.floating]) -> Pixels:
    """To 8 bits."""
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def gaussian_noise(strip: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """Independent in each channel, as after demosaicking at a high sensitivity."""
    return clipped(strip + (8 + 32 * amount) * rng.standard_normal(strip.shape, np.float32))


def poisson_noise(strip: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """Photon noise of 256 to 16 photons at white."""
    photons = 2 ** (8 - 4 * amount)
    return clipped(rng.poisson(strip * (photons / 255)) * (255 / photons))


def sharpened(strip: Pixels, amount: float, _: np.random.Generator) -> Pixels:
    """An unsharp mask that leaves halos."""
    mask = ImageFilter.UnsharpMask(radius=1 + 2 * amount, percent=round(150 + 250 * amount), threshold=0)
    return np.asarray(Image.fromarray(strip).filter(mask))


def textured(strip: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """Noise of every octave, from one pixel to 64."""
    height, width, _ = strip.shape
    texture = np.zeros((height, width), np.float32)
    for cell in (1, 2, 4, 8, 16, 32, 64):
        octave = rng.standard_normal((-(-height // cell), -(-width // cell)), np.float32)
        texture += np.asarray(Image.fromarray(octave).resize((width, height), Image.Resampling.BICUBIC))
    return clipped(strip + (8 + 12 * amount) * texture[..., None])


def lined(strip: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """Lines 2 to 20 pixels apart, as of fabrics, fences and roofs, another direction in each strip."""
    height, width, _ = strip.shape
    angle, distance = rng.uniform(0, np.pi), 2 * 10 ** rng.uniform()
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    lines = np.sin(2 * np.pi / distance * (x * np.cos(angle) + y * np.sin(angle)))
    return clipped(strip * (1 + (0.2 + 0.4 * amount) * lines[..., None]))


def text_page(size: Size, rng: np.random.Generator) -> Pixels:
    """Black letters of 12 to 48 pixels on white or grey."""
    page = Image.new("L", size, int(rng.integers(200, 256)))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(int(rng.integers(12, 48)))
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz     ETAOIN.,"))
    step = int(font.size * 1.4)
    for top in range(step, size[1] - step, step):
        draw.text((step, top), "".join(rng.choice(letters, int(size[0] / font.size * 1.6))), int(rng.integers(0, 60)), font)
    return np.asarray(page.convert("RGB"))


def zone_plate(size: Size, rng: np.random.Generator) -> Pixels:
    """Lines whose frequency rises to the Nyquist frequency at the edges, and nothing else: no photo, but the worst case."""
    width, height = size
    x, y = np.arange(width, dtype=np.float32) - width / 2, np.arange(height, dtype=np.float32)[:, None] - height / 2
    phase = rng.uniform(0.25, 1) * np.pi * (x * x + y * y) / max(width, height)
    return clipped(np.repeat((128 + rng.uniform(40, 127) * np.sin(phase))[..., None], 3, axis=2))


class Kind(NamedTuple):
    """Photos of one kind: JPEG qualities, and what alters each strip of a mosaic or draws a page in its place."""

    qualities: tuple[int, ...]
    alter: Callable[[Pixels, float, np.random.Generator], Pixels] | None = None
    draw: Callable[[Size, np.random.Generator], Pixels] | None = None


KINDS = {
    "as they are": Kind((95, 90, 85, 75)),
    "heavily compressed": Kind((20, 30, 40, 50)),
    "Gaussian noise": Kind((95, 85, 75, 50), gaussian_noise),
    "Poisson noise": Kind((95, 85, 75, 50), poisson_noise),
    "sharpened": Kind((95, 85, 75, 50), sharpened),
    "textured": Kind((95, 85, 75, 50), textured),
    "fine lines": Kind((95, 85, 75, 50), lined),
    "pages of text": Kind((95, 85, 75, 30), draw=text_page),
}
NO_PHOTOS = {"zone plates": Kind((95, 85, 75, 50), draw=zone_plate)}


def saved(pixels: Pixels, quality: int, subsampling: str, progressive: bool) -> bytes:
    """As JPEG."""
    stream = io.BytesIO()
    image = Image.fromarray(pixels)
    image.save(stream, "JPEG", quality=quality, subsampling=subsampling, progressive=progressive)
    return stream.getvalue()


def photos_of(kind: Kind, photos: list[Path], count: int, rng: np.random.Generator) -> Iterator[bytes]:
    """JPEGs that go through the sizes, qualities and ways of saving at different paces, so that they mix."""
    for i in range(count):
        size = SIZES[i % len(SIZES)]
        pixels = kind.draw(size, rng) if kind.draw else mosaic(photos, size, rng)
        if kind.alter:
            amount = rng.uniform()
            pixels = np.concatenate([kind.alter(pixels[top : top + TILE], amount, rng) for top in range(0, size[1], TILE)])
        yield saved(pixels, kind.qualities[(i + i // 4) % len(kind.qualities)], *SAVED[(i + i // 2) % len(SAVED)])


class Moves(NamedTuple):
    """Distances between two answers for one photo, in points, levels and probability; and the factor."""

    score: float
    interval: float
    level: float
    probability: float
    factor: int = 1

    @classmethod
    def between(cls, one: noref.Assessment, other: noref.Assessment, factor: int = 1) -> "Moves":
        """The largest of a kind where there are several."""
        pairs = [(one.defects[name], other.defects[name]) for name in one.defects]
        return cls(
            abs(one.score - other.score),
            max(abs(a - b) for a, b in zip(one.interval, other.interval, strict=True)),
            max((abs(a.level - b.level) for a, b in pairs), default=0.0),
            max((abs(a.probability - b.probability) for a, b in pairs), default=0.0),
            factor,
        )


def report(name: str, moves: list[Moves]) -> None:
    """Print mean and largest move of each column."""
    columns = np.array(moves)[:, :4]
    cells = "".join(f"{mean:8.2f} {most:6.2f}" for mean, most in zip(columns.mean(0), columns.max(0), strict=True))
    factors = ", ".join(f"{sum(m.factor == f for m in moves)} at 1/{f}" for f in sorted({m.factor for m in moves}))
    click.echo(f"{name:20}{cells}   {factors}")


@click.command(context_settings={"show_default": True})
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--enough", type=int, show_default="as the scorer", help="Pixels that a reduced photo must keep.")
@click.option("--each", default=8, help="Photos of each kind.")
@click.option("--seed", default=0)
@model_option()
def main(folder: Path, enough: int | None, each: int, seed: int, model: str) -> None:
    """Print how far score, interval ends, defect levels and probabilities move: mean and largest of each kind of photo."""
    scorer = noref.Scorer(model)
    enough = enough or enough_for(scorer.card)
    if enough is None:
        raise click.BadParameter(f"{scorer.card.label} states no working area; give --enough")
    photos = sorted(sources.images_below(folder))
    click.echo(f"{scorer.card.label} {scorer.card.version}; at least {enough:,} pixels; mean and largest difference")
    click.echo(f"{'':20}{'score':>15}{'interval':>15}{'level':>15}{'probability':>15}   factors")
    everything: list[Moves] = []
    decoders: list[Moves] = []
    for number, (name, kind) in enumerate((KINDS | NO_PHOTOS).items()):
        moves = []
        for data in photos_of(kind, photos, each, np.random.default_rng((seed, number))):
            reduced = images.read(data, enough=enough)
            answer = scorer.score(images.read(data).pixels)
            moves.append(Moves.between(answer, scorer.score(reduced.pixels), reduced.reduced))
            decoders.append(Moves.between(answer, scorer.score(np.asarray(Image.open(io.BytesIO(data))))))
        report(name, moves)
        if name in KINDS:
            everything += moves
    report("all photos", everything)
    report("Pillow, in full", decoders)


if __name__ == "__main__":
    main()
