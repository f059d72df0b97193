"""Several distortions of one photo, in the order in which they arise: air and lens, sensor, processing, file.

A chain draws only distortions that show one defect and no other (`chain` in the table of levels).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from noref.lab.arrays import Pixels
from noref.lab.distortions.levels import DEFECTS, VERSION_1
from noref.lab.distortions.registry import get
from noref.lab.errors import LabError

MOST = 3  # distortions of one photo
HIGHEST = 5  # level
_CONTRADICTIONS = ({"under-exposure", "over-exposure"}, {"warm cast", "cold cast"})
_FEWEST_FAMILIES = MOST + len(_CONTRADICTIONS)  # below, some chains cannot be drawn without a contradiction

Levels = npt.NDArray[np.int64]


class Link(NamedTuple):
    """One distortion of a chain: its family, its name, and its level from 1 to 5."""

    family: str
    kind: str
    level: int


def families(types: Sequence[str] = VERSION_1) -> dict[str, tuple[str, ...]]:
    """Each defect with those of these distortions that chains draw for it, in the order of a chain.

    Raises:
        LabError: There is no distortion of one of the names.

    Examples:
        >>> from noref.lab.distortions import chains
        >>> chains.families()["focus blur"]
        ('gaussian_blur', 'lens_blur')
    """
    drawn = [get(name) for name in types]
    return {family: tuple(one.name for one in drawn if one.chain and one.family == family) for family in DEFECTS}


def require(types: Sequence[str]) -> None:
    """Check that chains can be drawn that show every defect.

    Raises:
        LabError: There is no distortion of one of the names, or chains draw none of them for some defect.

    Examples:
        >>> from noref.lab import distortions
        >>> from noref.lab.distortions import chains
        >>> chains.require(distortions.VERSION_1)
    """
    missing = [family for family, kinds in families(types).items() if not kinds]
    if missing:
        raise LabError(f"types has no distortion that chains can draw for {', '.join(missing)}; add one for each")


FAMILIES: Mapping[str, tuple[str, ...]] = families()
"""`families` of `VERSION_1`."""


def draw(rng: np.random.Generator, types: Sequence[str] = VERSION_1) -> list[Link]:
    """Draw a plausible chain of zero to three distortions of different families; each length is equally likely.

    Args:
        rng: The chain depends on its state only.
        types: Names of the distortions to draw from; those that chains do not draw are passed over.

    Returns:
        The chain in the order of `DEFECTS`, without contradictions (both under-exposure and over-exposure, both casts).

    Raises:
        LabError: There is no distortion of one of the names.
        ValueError: The types cover fewer than five families.

    Examples:
        >>> import numpy as np
        >>> from noref.lab.distortions import chains
        >>> chains.draw(np.random.default_rng(1))
        [Link(family='noise', kind='speckle_noise', level=5)]
    """
    available = {family: kinds for family, kinds in families(types).items() if kinds}
    if len(available) < _FEWEST_FAMILIES:
        raise ValueError(f"chains need distortions of {_FEWEST_FAMILIES} families, not {len(available)}")
    count = int(rng.integers(MOST + 1))
    while True:
        chosen = set(rng.choice(list(available), count, replace=False).tolist())
        if not any(chosen >= pair for pair in _CONTRADICTIONS):
            break
    return [
        Link(family, str(rng.choice(kinds)), int(rng.integers(1, HIGHEST + 1)))
        for family, kinds in available.items()
        if family in chosen
    ]


def levels(chain: Sequence[Link]) -> Levels:
    """The level of each family in a chain, int64 of shape (11,) in the order of `DEFECTS`; 0 where the family is absent.

    Examples:
        >>> from noref.lab.distortions import chains
        >>> chains.levels([chains.Link("noise", "white_noise", 2), chains.Link("compression", "jpeg", 4)]).tolist()
        [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 4]
    """
    present = {link.family: link.level for link in chain}
    return np.array([present.get(family, 0) for family in DEFECTS])


def distort(pixels: Pixels, rng: np.random.Generator, types: Sequence[str] = VERSION_1) -> tuple[Pixels, Levels]:
    """Draw a chain and apply it to a photo.

    The levels are those that were applied. They need not all be visible: strong blur hides weak motion blur before it.

    Args:
        pixels: RGB, uint8, H x W x 3; not changed.
        rng: Chain and noise depend on its state only; `draw` with the same state returns the chain.
        types: As in `draw`.

    Returns:
        Pixels of the same shape, and the level of each defect, 0 to 5, as from `levels`.

    Raises:
        LabError: There is no distortion of one of the names.
        ValueError: The types cover fewer than five families, or the pixels are not uint8 RGB.

    Examples:
        >>> import numpy as np
        >>> from noref.lab.distortions import chains
        >>> pixels, levels = chains.distort(np.full((32, 48, 3), 90, np.uint8), np.random.default_rng(0))
        >>> pixels.shape, levels.shape
        ((32, 48, 3), (11,))
    """
    chain = draw(rng, types)
    for link in chain:
        pixels = get(link.kind)(pixels, link.level, rng)
    return pixels, levels(chain)
