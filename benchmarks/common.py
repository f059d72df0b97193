"""What the benchmarks of a model's properties share: photos, distorted ones, regions, and tables of results.

Test pictures are made here, independently of the generators that training uses.
"""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, ImageFilter

import noref
from noref import images, sources
from noref.lab import distortions
from noref.lab.tables import as_markdown

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.float32]  # H x W, 0 to 1
Decorator = Callable[[Callable[..., None]], Callable[..., None]]

photos_argument = click.argument("folder", metavar="PHOTOS", type=click.Path(path_type=Path), help="Folder of pristine photos.")


def out_option(content: str) -> Decorator:
    """`--out`: a folder for the tables."""
    return click.option("--out", type=click.Path(path_type=Path), help=f"Folder for the {content} as CSV.")


def photos_of(folder: Path) -> dict[str, Pixels]:
    """Name -> pixels of every photo below a folder, in alphabetical order.

    Raises:
        click.BadParameter: There is none, or two have the same name.
    """
    paths = [Path(path) for path in sorted(sources.images_below(folder))]
    found = {path.stem: images.read(path).pixels for path in paths}
    if not paths or len(found) < len(paths):
        raise click.BadParameter(f"{folder} must hold photos, each with a name of its own")
    return found


def generator(*key: object) -> np.random.Generator:
    """A random generator that depends on nothing but the key."""
    digest = hashlib.sha256(" ".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def distorted(name: str, photo: Pixels, kind: str, level: int) -> Pixels:
    """A photo under a distortion; all levels of one photo and type share their noise."""
    return distortions.get(kind)(photo, level, generator(name, kind))


def rectangle(shape: tuple[int, int], share: float, rng: np.random.Generator) -> Mask:
    """A rectangle at a random place that covers a share of the area."""
    height, width = shape
    aspect = rng.uniform(share, 1 / share) ** 0.5  # so that neither side exceeds the photo's
    tall, wide = round(height * share**0.5 * aspect), round(width * share**0.5 / aspect)
    top, left = rng.integers(height - min(tall, height) + 1), rng.integers(width - min(wide, width) + 1)
    mask = np.zeros(shape, np.float32)
    mask[top : top + tall, left : left + wide] = 1
    return mask


def blob(shape: tuple[int, int], share: float, rng: np.random.Generator) -> Mask:
    """A smooth shape without corners that covers a share of the area: the highest values of blurred noise near a point."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    middle, sigma = rng.uniform(0.3, 0.7, 2), 0.35
    hill = np.exp(-(((y / height - middle[0]) ** 2 + (x / width - middle[1]) ** 2) / (2 * sigma**2)))
    coarse = Image.fromarray(rng.standard_normal((5, 5)).astype(np.float32))
    field = hill + 0.12 * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    return (field > np.quantile(field, 1 - share)).astype(np.float32)


def softened(mask: Mask, radius: float) -> Mask:
    """A mask with a smooth edge."""
    blurred = Image.fromarray((255 * mask).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(blurred, np.float32) / 255


def composed(front: Pixels, back: Pixels, mask: Mask) -> Pixels:
    """`front` where the mask is 1, `back` where it is 0."""
    weight = mask[..., None]
    return np.rint(weight * front + (1 - weight) * back).astype(np.uint8)


def shares_of_cells(mask: Mask, cells: tuple[int, ...]) -> Mask:
    """The share of the mask in each cell of a quality map of that shape."""
    return np.asarray(Image.fromarray(mask).resize(cells[::-1], Image.Resampling.BOX))


def blurred(photo: Pixels, sigma: float) -> Pixels:
    """Gaussian blur."""
    return np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(sigma)))


def resized(photo: Pixels, width: int, height: int, resample: Image.Resampling = Image.Resampling.LANCZOS) -> Pixels:
    """Another size."""
    return np.asarray(Image.fromarray(photo).resize((width, height), resample))


def as_jpeg(photo: Pixels, quality: int) -> Pixels:
    """The photo after JPEG compression."""
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def report(title: str, scorer: noref.Scorer, table: pd.DataFrame, out: Path | None, name: str) -> None:
    """Print a table, and write it to OUT/NAME.csv."""
    click.echo(f"{title}; {scorer.card.label}\n\n{as_markdown(table)}")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        table.to_csv(out / f"{name}.csv", index=False)
