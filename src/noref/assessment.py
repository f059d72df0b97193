"""What comes out: one frozen result type."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

LIKELY = 0.5  # from this probability on, a defect is shown to people


class Defect(NamedTuple):
    """What the model says of one defect that it knows.

    Attributes:
        probability: That the photo has it, 0 to 1.
        level: How strong it is, 0 (not there) to 5 (severe); NaN where the model does not tell.
    """

    probability: float
    level: float = math.nan

    def __str__(self) -> str:
        return f"{self.probability:.0%}" if math.isnan(self.level) else f"{self.level:.1f}/5"


@dataclass(frozen=True, eq=False)
class Assessment:
    """How good a photo looks, why, and where: as much of it as the model tells.

    The score runs from 0 to 100 and higher is always better. It is a prediction of people's mean opinion of the technical
    quality, not of taste or content. With the shipped model, at 20 a photo is plainly spoiled (heavy blur, darkness or noise),
    at 50 its faults are seen at once but the content is clear, and at 80 it is clean and sharp.

    Attributes:
        name: What was scored: the path as given, or a stand-in such as "<array>".
        score: 0 to 100, higher is better; NaN where the model only names defects.
        map: float32, h x w, read-only: local quality on the scale of the score, higher is better, not clipped. The model's card
            says how fine it is and how it relates to the score. 0 x 0 where the model draws none.
        model: Name and version of the model.
        policy: How the photo's size was handled, in words.
        size: Width and height of the photo in pixels, upright.
        warnings: What a careful user would want to know of how this photo was read or scored.
        defects: Every defect that the model knows, likely or not, by name; read-only. Empty where it knows none.
        interval: Low and high end, 0 to 100, of where people's mean opinion lies: between them for the share of photos that the
            model's card states as `coverage`. The share was calibrated on photos like those of the training database, and may
            be another on photos of another kind. NaN where the model gives none.
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
        object.__setattr__(self, "defects", MappingProxyType(dict(self.defects)))

    def __reduce__(self) -> tuple[Any, ...]:  # what travels between processes: a read-only view cannot, what it shows can
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return type(self), tuple({**values, "defects": dict(self.defects)}.values())

    @property
    def likely_defects(self) -> dict[str, Defect]:
        """The defects that are at least as likely there as not, most likely first."""
        order = sorted(self.defects, key=lambda name: -self.defects[name].probability)
        return {name: self.defects[name] for name in order if self.defects[name].probability >= LIKELY}

    def to_dict(self) -> dict[str, Any]:
        """Everything but the map, as plain JSON types; what the model does not tell is None."""
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
