"""How far a score moves when nothing that matters changes: the photo mirrored, turned, or saved in another size.

    python benchmarks/stability.py PHOTOS [--model NAME_OR_FILE]

PHOTOS is a folder of sharp photos of about 512 x 512 pixels. Sizes are tried on mosaics of 48 of them, about 12 megapixels,
shrunk to 3 and 1 (Lanczos, JPEG of quality 95), since few folders hold photos of 12 megapixels that anybody may have.
"""

import io
import itertools
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageOps

import noref
from noref import images, sources
from noref.card import DEFAULT

TILE, ACROSS, DOWN = 512, 8, 6
MEGAPIXELS = (12.6, 3, 1)


def mosaic(photos: list[Path]) -> Image.Image:
    """Photos side by side, as one scene."""
    sheet = Image.new("RGB", (TILE * ACROSS, TILE * DOWN))
    for place, path in zip(itertools.product(range(DOWN), range(ACROSS)), itertools.cycle(photos)):
        tile = ImageOps.fit(Image.fromarray(images.read(path).pixels), (TILE, TILE))
        sheet.paste(tile, (place[1] * TILE, place[0] * TILE))
    return sheet


def saved(photo: Image.Image, megapixels: float) -> bytes:
    """The photo as a JPEG of at most that many pixels."""
    scale = min(1.0, (megapixels * 1e6 / (photo.width * photo.height)) ** 0.5)
    stream = io.BytesIO()
    size = (round(photo.width * scale), round(photo.height * scale))
    photo.resize(size, Image.Resampling.LANCZOS).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def told(name: str, moves: list[float]) -> None:
    """Print the mean and largest distance from the score of the photo as it is, in points."""
    typer.echo(f"{name:28} mean {np.mean(moves):5.2f}  largest {np.max(moves):5.2f}  of {len(moves)}")


def main(folder: Path, model: Annotated[str, typer.Option()] = DEFAULT, mosaics: int = 6) -> None:
    """Print how far scores move, in points of 0 to 100."""
    scorer = noref.Scorer(model)
    photos = sorted(sources.images_below(folder))
    turned: dict[str, list[float]] = {"mirrored": [], "turned by 180 degrees": []}
    for path in photos:
        pixels = images.read(path).pixels
        score = scorer.score(pixels).score
        for name, other in zip(turned, (pixels[:, ::-1], pixels[::-1, ::-1]), strict=True):
            turned[name].append(abs(scorer.score(np.ascontiguousarray(other)).score - score))
    for name, moves in turned.items():
        told(name, moves)
    rng = np.random.default_rng(0)
    scores = []
    for _ in range(mosaics):
        scene = mosaic([photos[i] for i in rng.permutation(len(photos))])
        scores.append([scorer.score(saved(scene, size)).score for size in MEGAPIXELS])
    for size, column in zip(MEGAPIXELS[1:], np.array(scores).T[1:], strict=True):
        told(f"saved at {size} megapixels", np.abs(column - np.array(scores)[:, 0]).tolist())


if __name__ == "__main__":
    typer.run(main)
