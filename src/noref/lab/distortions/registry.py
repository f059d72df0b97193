"""How a distortion is declared and looked up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from noref.lab.distortions.levels import EXTREME_LEVELS, LEVELS
from noref.lab.lookup import lookup

Pixels = npt.NDArray[np.uint8]
Recipe = Callable[[Pixels, Any, np.random.Generator], Pixels]


@dataclass(frozen=True)
class Distortion:
    """A way to make a photo worse by a known amount.

    Calling it is pure: same pixels, level and generator state, same result, and the input is left as it was.

    Attributes:
        name: Its key in the registry and in `LEVELS`.
        family: The defect that a person would name (compression, noise, blur, ...).
        summary: One line for people.
    """

    name: str
    family: str
    summary: str
    recipe: Recipe

    def __call__(self, pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
        """Distort RGB pixels (uint8, H x W x 3) at level 1 (mild) to 5 (severe).

        Raises:
            ValueError: The level is not 1 to 5, or the pixels are not uint8 RGB.
        """
        if level not in (1, 2, 3, 4, 5):
            raise ValueError(f"{self.name}: level must be 1, 2, 3, 4 or 5, not {level!r}")
        return self._at(LEVELS[self.name][level - 1], pixels, rng)

    def extreme(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Distort RGB pixels (uint8, H x W x 3) beyond level 5, log-uniformly up to `EXTREME_LEVELS`.

        Raises:
            ValueError: The distortion ends at level 5, or the pixels are not uint8 RGB.
        """
        if self.name not in EXTREME_LEVELS:
            raise ValueError(f"{self.name} ends at level 5; past it go {', '.join(EXTREME_LEVELS)}")
        first, last = LEVELS[self.name][-1], EXTREME_LEVELS[self.name]
        return self._at(first * (last / first) ** rng.random(), pixels, rng)

    def _at(self, strength: Any, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(f"{self.name}: pixels must be uint8 of shape (H, W, 3), not {pixels.dtype} {pixels.shape}")
        return self.recipe(pixels, strength, rng)


_REGISTRY: dict[str, Distortion] = {}


def distortion(family: str) -> Callable[[Recipe], Recipe]:
    """Register `function(pixels, strength, rng)` under its own name; its docstring's first line becomes the summary."""

    def register(recipe: Recipe) -> Recipe:
        name = recipe.__name__
        summary = (recipe.__doc__ or "").strip().splitlines()[0].rstrip(".")
        _REGISTRY[name] = Distortion(name, family, summary, recipe)
        return recipe

    return register


def names() -> list[str]:
    """Names of all distortions, in the order of the table of levels."""
    return [name for name in LEVELS if name in _REGISTRY]


def get(name: str) -> Distortion:
    """The distortion of that name.

    Raises:
        LabError: There is none; the message suggests near names.
    """
    return lookup("distortion", name, _REGISTRY)
