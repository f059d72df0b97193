"""A folder for each class: CLASS/PHOTO, or CLASS/CONTENT/PHOTO where it is known which photos show the same.

Photos of one CONTENT, under whatever classes, must not be split. A photo that lies in its class's folder itself is a content of
its own; `check` finds the near-identical ones among these.
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
    """Read photos with their class as `type`. Nobody was asked: all opinions are 0.

    Args:
        folder: As the module says.
        classes: Names of the folders to read; all by default.

    Raises:
        LabError: A folder is missing, or there are no photos.
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
