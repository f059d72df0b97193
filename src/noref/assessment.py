"""What comes out: one frozen result type."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

LIKELY = 0.5  # from this probability on, a defect is shown to people


class Defect(NamedTuple):
    """One defect that the model can name.

    Attributes:
        probability: That the photo has it, 0 to 1.
        level: 0 (absent) to 5 (severe); NaN where the model has no levels.
    """

    probability: float
    level: float = math.nan

    def __str__(self) -> str:
        return f"{self.probability:.0%}" if math.isnan(self.level) else f"{self.level:.1f}/5"


class Defects(dict[str, Defect]):
    """Defects by name, read-only."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("the defects of an Assessment are read-only")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:  # copies and pickles would otherwise be filled item by item
        return type(self), (dict(self),)


@dataclass(frozen=True, eq=False, repr=False)
class Assessment:
    """How good a photo looks, why, and where, as far as the model predicts it.

    The score runs from 0 to 100 and higher is always better. It predicts the mean opinion score of people for technical
    quality, not for taste or content. With the shipped model, a photo of 20 is visibly poor (heavy blur, darkness or noise), at
    50 its defects are obvious but the content is clear, and at 80 it is clean and sharp.

    Works with `dataclasses.replace`, `dataclasses.asdict`, `copy` and `pickle`. An assessment equals only itself; compare the
    results of `to_dict()` for equal content.

    Attributes:
        name: What was scored: the path as given, or a stand-in such as "<array>".
        score: 0 to 100, higher is better; NaN where the model only names defects.
        map: float32, h x w, read-only: local quality on the scale of the score, higher is better, not clipped. The model's card
            states its resolution and how it relates to the score. 0 x 0 where the model has no map.
        model: Name and version of the model.
        policy: How the photo's size was handled, in words; also at which size a JPEG was decoded, where not in full.
        size: Width and height of the photo in pixels, upright, at full size.
        warnings: What a careful user would want to know of how this photo was read or scored.
        defects: Every defect that the model can name, likely or not, by name; read-only. Empty where it names none.
        interval: Low and high end, 0 to 100, of the prediction interval for the mean opinion score. It holds for the share of
            photos that the model's card states as `coverage`. That share was calibrated on photos like those of the training
            database, and may be another on photos of another kind. NaN where the model has no interval.
    """

    name: str
    score: float
    map: npt.NDArray[np.float32]
    model: str
    policy: str
    size: tuple[int, int]
    warnings: tuple[str, ...] = ()
    defects: Mapping[str, Defect] = field(default_factory=dict)
    interval: tuple[float, float] = (math.nan, math.nan)

    def __post_init__(self) -> None:
        object.__setattr__(self, "defects", Defects(self.defects))
        quality = self.map.view()
        quality.flags.writeable = False
        object.__setattr__(self, "map", quality)

    def __reduce__(self) -> tuple[Any, ...]:  # through the constructor, since numpy's copies and pickles can be written to
        return type(self), tuple(getattr(self, each.name) for each in fields(self))

    def __repr__(self) -> str:
        likely = ", ".join(f"{name} {defect}" for name, defect in self.likely_defects.items())
        low, high = self.interval
        return (
            f"Assessment(name={self.name!r}, score={self.score:.1f}, interval=({low:.1f}, {high:.1f}),\n"
            f"           likely_defects=[{likely}], map={self.map.dtype} {self.map.shape},\n"
            f"           size={self.size}, model={self.model!r}, warnings={self.warnings})"
        )

    @property
    def likely_defects(self) -> dict[str, Defect]:
        """The defects with a probability of at least one half, most likely first."""
        order = sorted(self.defects, key=lambda name: -self.defects[name].probability)
        return {name: self.defects[name] for name in order if self.defects[name].probability >= LIKELY}

    def to_dict(self) -> dict[str, Any]:
        """Everything but the map, as plain JSON types; what the model does not predict is None."""
        return {
            "image": self.name,
            "score": _known(self.score),
            "interval": None if math.isnan(self.interval[0]) else list(self.interval),
            "defects": {
                name: {"probability": defect.probability, "level": _known(defect.level)}
                for name, defect in self.defects.items()
            },
            "model": self.model,
            "policy": self.policy,
            "width": self.size[0],
            "height": self.size[1],
            "warnings": list(self.warnings),
        }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
