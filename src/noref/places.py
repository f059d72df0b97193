"""Where in a photo its quality is low: the one place, such as the lower left, that a quality map singles out."""

import numpy as np
import numpy.typing as npt
from PIL import Image

GRID = 12  # cells on each side of the grid to which every map is averaged
CONTRAST = 15.0  # points by which the mean quality of the place is below that of the rest, at least
POOR = 70.0  # mean quality of the place, at most
EXPLAINED = 0.5  # share of the variance of the grid between place and rest, more than that; two equal places reach no half

_HALF, _THIRD = GRID // 2, GRID // 3
_FIRST = slice(_HALF), slice(_THIRD)
_LAST = slice(-_HALF, None), slice(-_THIRD, None)
_ALL = slice(None), slice(None)
_MIDDLE = slice(GRID // 4, -GRID // 4)

_BOXES = {
    "on the left": zip(_ALL, _FIRST, strict=True),
    "on the right": zip(_ALL, _LAST, strict=True),
    "at the top": zip(_FIRST, _ALL, strict=True),
    "at the bottom": zip(_LAST, _ALL, strict=True),
    "in the upper left": zip(_FIRST, _FIRST, strict=True),
    "in the upper right": zip(_FIRST, _LAST, strict=True),
    "in the lower left": zip(_LAST, _FIRST, strict=True),
    "in the lower right": zip(_LAST, _LAST, strict=True),
    "in the middle": [(_MIDDLE, _MIDDLE)],
}


def _inside(rows: slice, columns: slice) -> npt.NDArray[np.bool_]:
    mask = np.zeros((GRID, GRID), np.bool_)
    mask[rows, columns] = True
    return mask


PLACES: dict[str, list[npt.NDArray[np.bool_]]] = {
    **{name: [_inside(rows, columns) for rows, columns in boxes] for name, boxes in _BOXES.items()},
    "towards the edges": [~_inside(_MIDDLE, _MIDDLE)],
}
"""Each place with the parts of the grid that it may be: halves or thirds on each axis, the middle, and all but the middle."""


def lowest(quality: npt.NDArray[np.float32]) -> str | None:
    """The place where quality is clearly lower than in the rest of the photo.

    Args:
        quality: A quality map, h x w, on a scale from 0 to 100, to which it is clipped.

    Returns:
        A key of `PLACES`, such as "in the lower left". None for an empty map, and for one that is good throughout, even, or
        low in more than one place.

    Examples:
        >>> import numpy as np
        >>> from noref import places
        >>> quality = np.full((16, 24), 80, np.float32)
        >>> places.lowest(quality)
        >>> quality[8:, :12] = 30
        >>> places.lowest(quality)
        'in the lower left'
    """
    if not quality.size:
        return None
    clipped = Image.fromarray(np.clip(quality, 0, 100).astype(np.float32))
    grid = np.asarray(clipped.resize((GRID, GRID), Image.Resampling.BOX))
    found, most = None, EXPLAINED * float(grid.var())
    for name, parts in PLACES.items():
        for part in parts:
            place, rest, share = float(grid[part].mean()), float(grid[~part].mean()), float(part.mean())
            explained = share * (1 - share) * (rest - place) ** 2  # the variance between the place and the rest
            if rest - place >= CONTRAST and place <= POOR and explained > most:
                found, most = name, explained
    return found
