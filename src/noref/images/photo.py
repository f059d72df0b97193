"""The result of reading an image, and the input of the readers of formats."""

import io
from typing import BinaryIO, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""

_BYTES_PER_PIXEL = 4
_LEAST_BYTES = 1 << 26


class Photo(NamedTuple):
    """An image ready to score.

    Attributes:
        name: The path as given, or a placeholder such as `<bytes>`.
        pixels: uint8, H x W x 3, sRGB, upright.
        size: Width and height of the upright photo at full resolution.
        warnings: What was lost, assumed or ignored when the image was read.
        reduced: 1, or the factor (2, 4, 8) by which a JPEG was decoded smaller than it is; `pixels` are that much smaller.
    """

    name: str
    pixels: npt.NDArray[np.uint8]
    size: Size
    warnings: tuple[str, ...] = ()
    reduced: int = 1


class File(NamedTuple):
    """An image file to decode.

    Attributes:
        name: For errors and the result.
        stream: Seekable, at its start, not empty.
        max_pixels: Larger images are refused before they are decoded.
        enough: Number of pixels that suffices; a decoder may reduce the image to no fewer. None: decode in full.
    """

    name: str
    stream: BinaryIO
    max_pixels: int
    enough: int | None = None

    def compressed(self) -> bytes:
        """The content of a compressed file, limited to 4 bytes for each allowed pixel.

        Data beyond this limit are not the photo, but a video or another file that is appended to it.
        """
        size = self.stream.seek(0, io.SEEK_END)
        self.stream.seek(0)
        return self.stream.read(min(size, max(_LEAST_BYTES, _BYTES_PER_PIXEL * self.max_pixels)))
