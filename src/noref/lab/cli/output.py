"""Writing the images and figures of commands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from matplotlib.figure import Figure
from PIL import Image

from noref.lab.errors import LabError
from noref.lab.files import access


def save(image: Image.Image | Figure, out: Path, **options: Any) -> None:
    """Write an image or a figure, in the format that the file name's extension names, and print the file name.

    Raises:
        LabError: The format cannot be written, or the file cannot.
    """
    write: Callable[..., None]
    if isinstance(image, Image.Image):
        formats = {
            extension.removeprefix(".") for extension, name in Image.registered_extensions().items() if name in Image.SAVE
        }
        write = image.save
    else:
        formats = set(image.canvas.get_supported_filetypes())
        write = image.savefig
    if out.suffix.lower().removeprefix(".") not in formats:
        raise LabError(f"{out}: images of this type cannot be written; choose a name that ends in .png")
    with access(out, "choose another --out"):
        write(out, **options)
    click.echo(f"wrote {out}")
