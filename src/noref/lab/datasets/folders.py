"""Labelled photos in one folder per class: CLASS/PHOTO, or CLASS/CONTENT/PHOTO to state which photos show the same content.

Splits keep all photos of one CONTENT, in any class, in one part. A photo directly in the folder of its class is its own
content; `check` finds near-identical photos among these.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.files import access
from noref.sources import images_below

LAYOUT = "a folder with one folder of photos for each class, such as jpeg/a.png, or jpeg/SCENE/a.png"


def read(folder: str | Path, classes: Sequence[str] | None = None) -> RatedImages:
    """Read photos with their class as `type`. There are no scores: `mos` is 0 for all.

    Args:
        folder: The folder that holds one folder for each class.
        classes: Names of the folders to read; all by default.

    Raises:
        LabError: A folder is missing, or there are no photos.

    Examples:
        >>> import pathlib, tempfile
        >>> from noref.lab.datasets import folders
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("jpeg/a.png", "jpeg/beach/1.png", "noise/beach/2.png"):
        ...         path = pathlib.Path(folder, name)
        ...         path.parent.mkdir(parents=True, exist_ok=True)
        ...         path.touch()
        ...     rated = folders.read(folder)
        >>> rated.table[["type", "content"]].values.tolist()
        [['jpeg', 'jpeg/a.png'], ['jpeg', 'beach'], ['noise', 'beach']]
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise LabError(f"{folder} is missing: expected {LAYOUT}")
    with access(folder, "check its permissions"):
        names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if classes is None else classes
    rows = [
        (path.relative_to(folder).as_posix(), name) for name in names for path in sorted(map(Path, images_below(folder / name)))
    ]
    if not rows:
        raise LabError(f"{folder} holds no photos: expected {LAYOUT}")
    table = pd.DataFrame(rows, columns=["image", "type"])
    content = [_content(Path(image)) for image in table["image"]]
    return RatedImages("folders", folder, table.assign(content=content, mos=0.0), (0, 1))


def _content(image: Path) -> str:
    return "/".join(image.parts[1:-1]) or image.as_posix()
