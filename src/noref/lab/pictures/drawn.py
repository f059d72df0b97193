"""All kinds of drawn pictures."""

from collections.abc import Callable, Sequence

import numpy as np

from noref.lab.arrays import Pixels
from noref.lab.pictures import pages, plain, scenes, screens
from noref.lab.pictures.plain import Shape

_KINDS: dict[str, Callable[[Shape, np.random.Generator], Pixels]] = {
    "sky": plain.sky,
    "color": plain.color,
    "drawing": plain.drawing,
    "panels": plain.panels,
    "code": plain.code,
    "words": plain.words,
    "clouds": plain.clouds,
    "hills": scenes.hills,
    "night": scenes.night,
    "chart": pages.chart,
    "document": pages.document,
    "screenshot": screens.screenshot,
}
DRAWN = tuple(_KINDS)
"""The kinds that `draw` draws from."""


def draw(shape: Shape, rng: np.random.Generator, kinds: Sequence[str] = DRAWN) -> Pixels:
    """Draw a picture of one of these kinds, each equally likely.

    Args:
        shape: Height and width in pixels.
        rng: The picture depends on its state.
        kinds: Names from `DRAWN`.

    Returns:
        RGB, uint8, H x W x 3.

    Raises:
        ValueError: There is no kind of one of the names.
    """
    if unknown := set(kinds) - set(DRAWN):
        raise ValueError(f"no picture is called {', '.join(sorted(unknown))}; there are {', '.join(DRAWN)}")
    return np.array(_KINDS[kinds[int(rng.integers(len(kinds)))]](shape, rng))
