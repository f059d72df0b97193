"""Images made by the tests."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image


def make_scene(height: int = 192, width: int = 256, seed: int = 0) -> npt.NDArray[np.uint8]:
    """A picture with edges, texture and smooth parts: something that a quality model can chew on."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    sky = np.stack([0.4 + 0.4 * y, 0.5 + 0.3 * x, 0.8 - 0.3 * y], axis=-1)
    for _ in range(12):
        cy, cx, r = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.03, 0.2)
        sky[np.hypot(y - cy, x - cx) < r] = rng.uniform(0, 1, 3)
    sky[y > 0.45] *= 0.7 + 0.3 * rng.random((int((y > 0.45).sum()), 1))
    return np.rint(np.clip(sky, 0, 1) * 255).astype(np.uint8)


def encode(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()
