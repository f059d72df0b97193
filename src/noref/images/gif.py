"""GIF: Pillow decodes the first frame; the blocks are walked for further frames and for the end marker.

So the first frame is read, quickly, even if later frames are damaged.
"""

from typing import BinaryIO, NamedTuple

from noref.images import pillow
from noref.images.photo import File, Photo, Size

_HEADER = 13  # bytes, signature and screen descriptor
_EXTENSION, _IMAGE, _END = b"!", b",", b";"
_MOST_BLOCKS = 1 << 19  # blocks and sub-blocks that are walked: 128 MiB of full sub-blocks, in half a second


class Frames(NamedTuple):
    """The frames of a GIF.

    Attributes:
        whole: Number of complete frames.
        ended: Whether the end marker follows them.
        counted: Whether all blocks were walked; if not, more frames and the end marker may follow.
    """

    whole: int
    ended: bool
    counted: bool = True


def read(file: File) -> Photo:
    """Read the first frame of a GIF, even if others are damaged.

    Raises:
        ImageError: One of its kinds.
    """
    photo = pillow.read(file, "GIF", frames=False)
    found = frames(file.stream)
    count = f"{'' if found.counted else 'at least '}{found.whole}"
    notes = [f"only the first of {count} frames was read"] if found.whole > 1 else []
    if found.counted and not found.ended:
        notes.append("its end marker is missing" if found.whole == 1 else "its end is missing or corrupt")
    return photo._replace(warnings=(*notes, *photo.warnings))


def size(file: File) -> Size:
    """Width and height of a GIF; raises as `read`."""
    return pillow.size(file, "GIF")


def frames(stream: BinaryIO) -> Frames:
    """Walk the first `_MOST_BLOCKS` blocks and sub-blocks of a GIF."""
    stream.seek(0)
    header = stream.read(_HEADER)
    _skip_palette(stream, header[10] if len(header) == _HEADER else 0)
    count, left = 0, _MOST_BLOCKS
    while left:
        kind, left = stream.read(1), left - 1
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
        remaining = _skip_blocks(stream, left) if kind else None
        if remaining is None:
            return Frames(count, ended=False)
        left = remaining
        count += kind == _IMAGE and left > 0
    return Frames(count, ended=False, counted=False)


def _skip_palette(stream: BinaryIO, flags: int) -> None:
    if flags & 128:
        stream.read(3 << ((flags & 7) + 1))


def _skip_blocks(stream: BinaryIO, most: int) -> int | None:
    """Skip sub-blocks up to the empty one that ends them; returns how many of `most` remain, or None at the end of the file."""
    for left in range(most, 0, -1):
        size = stream.read(1)
        if size == b"\0":
            return left
        if not size or len(stream.read(size[0])) < size[0]:
            return None
    return 0
