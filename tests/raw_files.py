"""Camera raw files made by the tests."""

import io
from typing import Any

import numpy as np
import tifffile

from pictures import make_scene

HEIGHT, WIDTH = 96, 128
SCENE = make_scene(HEIGHT, WIDTH)
SCENE[:4, :4] = 255  # saturated, so that LibRaw takes the declared white for white
PREVIEW = SCENE[::4, ::4]
XYZ_TO_SRGB = (32406, -15372, -4986, -9689, 18758, 415, 557, -2040, 10570)  # in ten thousandths
CFA, LINEAR_RAW = 32803, 34892


def linear() -> np.ndarray:
    """The scene as a sensor measures it, in 16 bits."""
    values = SCENE / 255
    return np.rint(np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4) * 65535).astype(np.uint16)


def mosaic() -> np.ndarray:
    """One colour a pixel: red and green in even rows, green and blue in odd ones."""
    full, pattern = linear(), np.tile([[0, 1], [1, 2]], (HEIGHT // 2, WIDTH // 2))
    return np.take_along_axis(full, pattern[..., None], axis=2)[..., 0]


def make_dng(pixels: Any, *, preview: bool = True, extra: tuple[Any, ...] = (), **how: Any) -> bytes:
    """A DNG with a preview as its first page and the sensor's data as a SubIFD, as cameras write it."""
    about_camera = [
        (50706, "B", 4, (1, 4, 0, 0), True),  # DNGVersion
        (50707, "B", 4, (1, 1, 0, 0), True),  # DNGBackwardVersion
        (50708, "s", 0, "noref test camera", True),
        (50721, "2i", 9, tuple(number for value in XYZ_TO_SRGB for number in (value, 10_000)), True),  # ColorMatrix1
        (50778, "H", 1, 21, True),  # its illuminant is D65
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),  # AsShotNeutral
        *extra,
    ]
    colors = pixels.shape[2] if np.ndim(pixels) == 3 else 1
    about_data: list[Any] = [(50717, "H", colors, (65535,) * colors, True)]  # WhiteLevel
    if colors == 1:
        about_data += [(33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True)]
    photometric = CFA if colors == 1 else LINEAR_RAW
    how = how if colors == 1 else {"planarconfig": "contig", **how}
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        if preview:
            writer.write(PREVIEW, photometric="rgb", subfiletype=1, subifds=1, metadata=None, extratags=about_camera)
            about_camera = []
        writer.write(pixels, photometric=photometric, subfiletype=0, metadata=None, extratags=about_camera + about_data, **how)
    return stream.getvalue()
