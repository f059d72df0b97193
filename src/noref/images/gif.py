"""GIF: Pillow decodes the first frame; the blocks are walked for further frames and for the end marker.

So the first frame is read, quickly, even if later frames are damaged.
"""

from typing import BinaryIO, NamedTuple

from noref.images import pillow
from noref.images.photo import File, Photo

_HEADER = 13  # bytes, signature and screen descriptor
_EXTENSION, _IMAGE, _END = b"!", b",", b";"
_MOST_BLOCKS = 1 << 20  # a film, rather


class Frames(NamedTuple):
    """Number of complete frames of a GIF, and whether the end marker follows them."""

    whole: int
    ended: bool


def read(file: File) -> Photo:
    """Read the first frame of a GIF, even if others are damaged.

    Raises:
        ImageError: One of its kinds.
    """
    photo = pillow.read(file, "GIF", frames=False)
    found = frames(file.stream)
    notes: tuple[str, ...] = (f"only the first of {found.whole} frames was read",) if found.whole > 1 else ()
    notes += () if found.ended else ("its end marker is missing" if found.whole == 1 else "its end is missing or corrupt",)
    return photo._replace(warnings=(*notes, *photo.warnings))


def frames(stream: BinaryIO) -> Frames:
    """Walk the blocks of a GIF."""
    stream.seek(0)
    header = stream.read(_HEADER)
    _skip_palette(stream, header[10] if len(header) == _HEADER else 0)
    count = 0
    for _ in range(_MOST_BLOCKS):
        kind = stream.read(1)
        if kind == _END:
            return Frames(count, ended=True)
        if kind == _EXTENSION:
            stream.read(1)
        elif kind == _IMAGE:
            descriptor = stream.read(9)
            _skip_palette(stream, descriptor[8] if len(descriptor) == 9 else 0)
            stream.read(1)  # code size
        elif kind:
            continue  # stray bytes between blocks, which decoders pass over
        if not kind or not _skip_blocks(stream):
            break
        count += kind == _IMAGE
    return Frames(count, ended=False)


def _skip_palette(stream: BinaryIO, flags: int) -> None:
    if flags & 128:
        stream.read(3 << ((flags & 7) + 1))


def _skip_blocks(stream: BinaryIO) -> bool:
    """Skip blocks of data; whether the empty one that ends them was there."""
    while size := stream.read(1):
        if size == b"\0":
            return True
        if len(stream.read(size[0])) < size[0]:
            return False
    return False
