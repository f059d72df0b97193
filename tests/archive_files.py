"""Archives and photos that the tests of sources make."""

import io
import tarfile
import zipfile
from pathlib import Path

from PIL import Image

from noref import sources
from pictures import make_scene


def jpeg(seed: int = 0, side: int = 48) -> bytes:
    """A small photo, different for each seed."""
    stream = io.BytesIO()
    Image.fromarray(make_scene(seed=seed)[:side, :side]).save(stream, "JPEG")
    return stream.getvalue()


PHOTOS = {f"{number}.jpg": jpeg(number) for number in range(3)}


def tar(members: dict[str, bytes], compression: str = "", form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of members."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}", format=form) as archive:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return stream.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def found(*names: object, **options: object) -> list[sources.Found]:
    """The photos in sources."""
    return list(sources.find(list(map(str, names)), io.BytesIO(), **options))


def contents(photos: list[sources.Found]) -> dict[str, bytes]:
    """Content of each photo by its member, or by the name of its file."""
    return {photo.member or Path(photo.file).name: content_of(photo) for photo in photos}


def content_of(photo: sources.Found) -> bytes:
    """The content of a photo."""
    opened = photo.open()
    return Path(opened).read_bytes() if isinstance(opened, str) else opened.read()
