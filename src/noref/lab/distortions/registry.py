"""The registry of distortions: declared by a decorator, looked up by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from noref.lab.arrays import Pixels
from noref.lab.distortions.levels import TABLE, VERSION_1
from noref.lab.lookup import lookup

Function = Callable[[Pixels, Any, np.random.Generator], Pixels]


@dataclass(frozen=True)
class Distortion:
    """A function that degrades a photo by a known type and level.

    Calling it is pure: the same pixels, level and generator state give the same result, and the input is not changed.

    Attributes:
        name: Its key in the registry and in the table of levels.
        summary: The first line of the function's docstring.
        function: (pixels, parameter, generator) -> pixels.
        family: One of `levels.DEFECTS` or `levels.OTHER_FAMILIES`.
        levels: The parameter at levels 1 to 5.
        chain: Whether chains draw it (see `levels.Row`).
        extreme_parameter: The most extreme parameter; None where the distortion ends at level 5.

    Examples:
        >>> import numpy as np
        >>> from noref.lab import distortions
        >>> photo = np.zeros((64, 96, 3), np.uint8)
        >>> noise = distortions.get("white_noise")
        >>> noise.family, noise.levels
        ('noise', (0.031, 0.06, 0.11, 0.19, 0.35))
        >>> distorted = noise(photo, level=5, rng=np.random.default_rng(0))
        >>> distorted.shape, distorted.dtype.name, bool(distorted.any()), bool(photo.any())
        ((64, 96, 3), 'uint8', True, False)
    """

    name: str
    summary: str
    function: Function
    family: str
    levels: tuple[Any, Any, Any, Any, Any]
    chain: bool
    extreme_parameter: float | None

    def __call__(self, pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
        """Distort a photo at one of five levels.

        Args:
            pixels: RGB, uint8, H x W x 3, at least 1 x 1; not changed.
            level: 1 (mild) to 5 (severe).
            rng: Source of all that is random, such as noise and directions.

        Returns:
            Pixels of the same shape and type.

        Raises:
            ValueError: The level is not 1, 2, 3, 4 or 5, or the pixels are not as above.
        """
        if level not in range(1, 6):
            raise ValueError(f"{self.name}: level must be 1, 2, 3, 4 or 5, not {level!r}")
        return self._apply(self.levels[int(level) - 1], pixels, rng)

    def extreme(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Distort a photo past level 5: the parameter is drawn log-uniformly from that of level 5 to `extreme_parameter`.

        Args:
            pixels: RGB, uint8, H x W x 3, at least 1 x 1; not changed.
            rng: Source of the parameter and of all else that is random.

        Returns:
            Pixels of the same shape and type.

        Raises:
            ValueError: The distortion ends at level 5, or the pixels are not as above.
        """
        if self.extreme_parameter is None:
            raise ValueError(f"{self.name} ends at level 5; extreme levels exist for {', '.join(extreme_names(names()))}")
        first, last = self.levels[-1], self.extreme_parameter
        return self._apply(first * (last / first) ** rng.random(), pixels, rng)

    def _apply(self, parameter: Any, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
            raise ValueError(f"{self.name}: pixels must be uint8 of shape (H, W, 3), not {pixels.dtype} {pixels.shape}")
        return self.function(pixels, parameter, rng)


_REGISTRY: dict[str, Distortion] = {}


def distortion(function: Function) -> Function:
    """Register `function(pixels, parameter, rng)` under its own name, with its row of the table.

    The function may assume valid RGB pixels (uint8, H x W x 3), must not change them, and draws all that is random from `rng`.

    Raises:
        ValueError: The table has no row of that name, or the function has no docstring.
    """
    name = function.__name__
    if name not in TABLE:
        raise ValueError(f"{name} has no row in the table; add it to noref.lab.distortions.levels")
    if not function.__doc__:
        raise ValueError(f"{name} has no docstring; its first line becomes the summary")
    row = TABLE[name]
    summary = function.__doc__.strip().splitlines()[0].rstrip(".")
    _REGISTRY[name] = Distortion(name, summary, function, row.family, row.levels, row.chain, row.extreme)
    return function


def names() -> list[str]:
    """Names of all distortions, in the order of the table.

    Training draws from a fixed list instead, `VERSION_1` by default, so that a new distortion changes no recipe.

    Examples:
        >>> from noref.lab import distortions
        >>> distortions.names()[:3]
        ['jpeg', 'jpeg2000', 'webp']
    """
    return [name for name in TABLE if name in _REGISTRY]


def extreme_names(types: Sequence[str] = VERSION_1) -> list[str]:
    """Those of these distortions that have extreme levels (`Distortion.extreme`), in the same order.

    Raises:
        LabError: There is no distortion of one of the names.

    Examples:
        >>> from noref.lab import distortions
        >>> distortions.extreme_names(["jpeg", "pixelation", "gaussian_blur"])
        ['pixelation', 'gaussian_blur']
    """
    return [name for name in types if get(name).extreme_parameter is not None]


def get(name: str) -> Distortion:
    """The distortion of that name.

    Raises:
        LabError: There is no distortion of that name; the message suggests similar names.

    Examples:
        >>> from noref.lab import distortions
        >>> distortions.get("motion_blur").family
        'motion blur'
    """
    return lookup("distortion", name, _REGISTRY)
