"""A page that shows the photos of every scene, to check by eye which photos are joined."""

import html
import os
from pathlib import Path
from urllib.parse import quote

from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.scenes import natural_order
from noref.lab.files import access

_HEAD = """<!doctype html>
<meta charset="utf-8">
<title>Scenes</title>
<style>
body { font: 14px sans-serif }
section { border-top: 1px solid #bbb; margin: 8px 0; content-visibility: auto }
h2 { font-size: 14px; margin: 4px 0 }
figure { display: inline-block; margin: 2px; width: 160px }
img { width: 160px; height: 120px; object-fit: contain; background: #eee }
figcaption { overflow-wrap: anywhere; font-size: 11px }
</style>
"""


def write_page(rated: RatedImages, file: Path) -> None:
    """Write an HTML page with one row a scene, in the order of file names, so that parts of one series stand near each other.

    The page refers to the photos where they are. Browsers show common formats only, and file names for the rest.

    Raises:
        LabError: The file cannot be written.
    """
    table = rated.table.iloc[natural_order(rated.paths)]
    sections = []
    for content, rows in table.groupby("content", sort=False):
        figures = "".join(_figure(rated.folder / image, file.parent) for image in rows["image"])
        count = "1 photo" if len(rows) == 1 else f"{len(rows)} photos"
        sections.append(f"<section><h2>{html.escape(str(content))}: {count}</h2>{figures}</section>\n")
    with access(file, "choose another file"):
        file.write_text(_HEAD + "".join(sections), encoding="utf-8")


def _figure(photo: Path, folder: Path) -> str:
    address = quote(Path(os.path.relpath(photo, folder)).as_posix())
    name = html.escape(photo.name)
    return f'<figure><img src="{address}" alt="" loading="lazy"><figcaption>{name}</figcaption></figure>'
