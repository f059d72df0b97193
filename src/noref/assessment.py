"""The result of scoring an image: score, prediction interval, defects and quality map."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from noref import places, words

_STEPS = 255 / 100  # of a map in bytes, for each point of quality
LIKELY = 0.5  # the lowest probability of a likely defect


class Defect(NamedTuple):
    """One defect that the model predicts.

    Attributes:
        probability: That the photo has it, 0 to 1.
        level: 0 (absent) to 5 (severe); NaN if the model predicts no levels.

    Examples:
        >>> import noref
        >>> probability, level = noref.Defect(0.9, 3.2)
        >>> print(noref.Defect(probability, level))
        3.2/5
        >>> print(noref.Defect(probability))
        90%
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
    """How good an image looks, why, and where, as far as the model predicts it.

    The score runs from 0 to 100; higher is always better. It predicts the mean opinion score (MOS) for technical quality, not
    for aesthetics or content. With the shipped model, a photo with a score of 20 is visibly poor (heavy blur, darkness or
    noise), at 50 its defects are obvious but the content is clear, and at 80 it is clean and sharp.

    Works with `dataclasses.replace`, `dataclasses.asdict`, `copy` and `pickle`. An assessment equals only itself; compare the
    results of `to_dict()` for equal content.

    Attributes:
        name: The path as given, or below the folder that was given; for other sources a URL without credentials and query, a
            member (`photos.zip::a.jpg`), a row (`photos.parquet::17`), or a placeholder such as `<array>`.
        score: 0 to 100, higher is better; NaN if the model predicts defects only.
        map: The quality map, float32, h x w, read-only: local quality on the scale of the score, higher is better, not clipped.
            The model's card states its resolution and its relation to the score. 0 x 0 if the model predicts no map.
        model: Name and version of the model.
        policy: How the size of the image was handled, in words: the model's policy, that the image was not enlarged if the view
            is native, and the scale at which a JPEG was decoded if it was reduced.
        size: Width and height of the image in pixels, upright, at full size.
        warnings: What may affect the score: how the image was read, what could not be read, or that the image is unlike the
            photos that the model was trained on.
        defects: Every defect that the model predicts, likely or not, by name; read-only. Empty if the model predicts none.
        interval: Low and high end, 0 to 100, of the prediction interval for the MOS; its coverage is on the model's card. The
            interval was calibrated on photos like those of the training database; on other photos the coverage may differ. It
            does not cover individual ratings, which vary more. NaN if the model predicts no interval.

    Examples:
        >>> import noref
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).integers(0, 256, (256, 384, 3), dtype=np.uint8)
        >>> assessment = noref.score(noise)
        >>> low, high = assessment.interval
        >>> low <= assessment.score <= high
        True
        >>> "noise" in assessment.likely_defects
        True
        >>> assessment.size
        (384, 256)
        >>> sorted(assessment.to_dict())[:3]
        ['defects', 'height', 'image']
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

    def summary(self) -> str:
        """A short paragraph that a person can act on.

        It states the score with its interval, both in words; the likely defects, most severe first; where in the photo quality
        is lowest, if the map shows one such place; what would help when the photo is taken or saved again, for the two most
        severe defects; that composition and content are not assessed; and the warnings. What the model does not predict is
        left out. The same assessment always gives the same text.

        Examples:
            >>> import noref
            >>> import numpy as np
            >>> dark = noref.score(np.zeros((256, 384, 3), np.uint8))
            >>> print(dark.summary().split(". ")[2])
            Likely defect: severe under-exposure
        """
        levels = {name: defect.level for name, defect in self.likely_defects.items()} if self.defects else None
        place = places.lowest(self.map)
        return words.paragraph(self.score, self.interval, levels, place=place, warnings=self.warnings)

    def to_dict(self) -> dict[str, Any]:
        """Everything except the map, as plain JSON types; what the model does not predict is None."""
        return {
            "image": self.name,
            "score": _number(self.score),
            "interval": None if math.isnan(self.interval[0]) else list(self.interval),
            "defects": {
                name: {"probability": defect.probability, "level": _number(defect.level)}
                for name, defect in self.defects.items()
            },
            "model": self.model,
            "policy": self.policy,
            "width": self.size[0],
            "height": self.size[1],
            "warnings": list(self.warnings),
        }


def map_in_bytes(quality: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """A quality map, h x w, clipped to 0 to 100 and rounded to 256 steps, for storage and pages.

    Examples:
        >>> import numpy as np
        >>> from noref.assessment import map_in_bytes
        >>> map_in_bytes(np.array([[-3, 40, 100]], np.float32)).tolist()
        [[0, 102, 255]]
    """
    return np.rint(np.clip(quality, 0, 100) * _STEPS).astype(np.uint8)


def map_from_bytes(content: bytes, height: int, width: int) -> npt.NDArray[np.float32]:
    """The quality map, h x w, whose `map_in_bytes` has this content.

    Examples:
        >>> from noref.assessment import map_from_bytes
        >>> map_from_bytes(bytes([0, 102, 255]), 1, 3).tolist()
        [[0.0, 40.0, 100.0]]
    """
    return np.frombuffer(content, np.uint8).reshape(height, width) / np.float32(_STEPS)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
