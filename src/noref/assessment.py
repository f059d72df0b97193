"""What comes out: one frozen result type."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Assessment:
    """How good a photo looks, and where.

    The score runs from 0 to 100 and higher is always better. It is a prediction of people's mean opinion of the technical
    quality, not of taste or content. With the shipped model, at 20 a photo is plainly spoiled (heavy blur, darkness or noise),
    at 50 its faults are seen at once but the content is clear, and at 80 it is clean and sharp.

    Attributes:
        name: What was scored: the path as given, or a stand-in such as "<array>".
        score: 0 to 100, higher is better.
        map: float32, h x w, read-only: local quality on the scale of the score, higher is better, not clipped. The model's card
            says how fine it is and how it relates to the score.
        model: Name and version of the model.
        policy: How the photo's size was handled, in words.
        size: Width and height of the photo in pixels, upright.
        warnings: What a careful user would want to know of how this photo was read or scored.
    """

    name: str
    score: float
    map: npt.NDArray[np.float32]
    model: str
    policy: str
    size: tuple[int, int]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Everything but the map, as plain JSON types."""
        return {
            "image": self.name,
            "score": self.score,
            "model": self.model,
            "policy": self.policy,
            "width": self.size[0],
            "height": self.size[1],
            "warnings": list(self.warnings),
        }
