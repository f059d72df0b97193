"""An assessment in words: the phrases, and the paragraph made of them."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

GRADES = ("very poor", "poor", "fair", "good", "very good")
"""Fifths of the scale from 0 to 100."""

LOW = GRADES[:3]
"""Grades that call for a cause."""

SEVERITIES = ("slight", "moderate", "marked", "strong", "severe")
"""Levels 1 to 5."""


class Wording(NamedTuple):
    """How a defect is written.

    Attributes:
        noun: What follows the severity.
        remedies: What helps when the photo is taken or saved again: imperatives.
        counted: Whether it takes an article.
    """

    noun: str
    remedies: tuple[str, ...] = ()
    counted: bool = False


WORDINGS = {
    "low contrast": Wording("loss of contrast", ("clean the lens", "avoid backlight")),
    "focus blur": Wording("focus blur", ("focus on the subject",)),
    "motion blur": Wording("motion blur", ("hold the camera still", "use a shorter exposure time")),
    "under-exposure": Wording("under-exposure", ("use more light",)),
    "over-exposure": Wording("over-exposure", ("reduce the exposure",)),
    "noise": Wording("noise", ("use more light", "lower the ISO setting")),
    "warm cast": Wording("warm colour cast", ("set the white balance to the light of the scene",), counted=True),
    "cold cast": Wording("cold colour cast", ("set the white balance to the light of the scene",), counted=True),
    "pixelation": Wording("pixelation", ("save the file at full resolution",)),
    "banding": Wording("banding", ("save the file in full colour, not as a GIF",)),
    "compression": Wording("compression artefacts", ("save the file at a higher JPEG quality",)),
}
"""Every defect that the shipped models predict; other defects are written by their name, without a remedy."""

OPPOSITES = ({"use more light", "reduce the exposure"},)
"""Remedies of which only one, that of the more severe defect, is given."""

TREATED = 2  # the most severe defects, whose remedies are given


def paragraph(
    score: float,
    interval: tuple[float, float],
    levels: Mapping[str, float] | None,
    *,
    place: str | None = None,
    warnings: Sequence[str] = (),
) -> str:
    """What an assessment means, in a few sentences.

    Args:
        score: 0 to 100; NaN if the model predicts none.
        interval: Both ends, 0 to 100; NaN if the model predicts none.
        levels: Likely defects with their level, most likely first: 0 to 5, or NaN if the model predicts no levels. None if it
            predicts no defects.
        place: Where quality is lowest, such as "in the lower left"; None if it is low in no single place.
        warnings: What may affect the score.
    """
    worst_first = _by_severity(levels or {})
    sentences = (
        _score(score),
        _interval(interval),
        "" if levels is None else _defects(worst_first, score),
        f"Quality is lowest {place}." if place else "",
        _advice(list(worst_first)[:TREATED]),
        "Composition and content are not assessed.",
        f"Warning: {'; '.join(warnings)}." if warnings else "",
    )
    return " ".join(filter(None, sentences))


def grade(score: float) -> str:
    """The grade of a score, rounded to whole points as it is written.

    Examples:
        >>> from noref import words
        >>> [words.grade(score) for score in (0, 19.4, 19.6, 100)]
        ['very poor', 'very poor', 'poor', 'very good']
    """
    return GRADES[min(round(score) // 20, len(GRADES) - 1)]


def severity(level: float) -> str:
    """The severity of a likely defect of a level from 0 to 5.

    Examples:
        >>> from noref import words
        >>> [words.severity(level) for level in (0.3, 2.2, 5)]
        ['slight', 'moderate', 'severe']
    """
    return SEVERITIES[max(round(level), 1) - 1]


def _by_severity(levels: Mapping[str, float]) -> dict[str, float]:
    """The most severe first; the order stays where there are no levels."""
    return dict(sorted(levels.items(), key=lambda item: 0 if math.isnan(item[1]) else -item[1]))


def _score(score: float) -> str:
    if math.isnan(score):
        return "The model predicts no score."
    return f"The technical quality is {grade(score)}, with a score of {score:.0f} out of 100."


def _interval(interval: tuple[float, float]) -> str:
    low, high = interval
    if math.isnan(low):
        return ""
    first, last = grade(low), grade(high)
    meaning = f"from {first} to {last}" if first != last else f"{first} throughout"
    return f"The mean opinion score is expected to lie between {low:.0f} and {high:.0f}, {meaning}."


def _defects(levels: Mapping[str, float], score: float) -> str:
    if levels:
        heading = "Likely defect" if len(levels) == 1 else "Likely defects"
        return f"{heading}: {_listed([_defect(name, level) for name, level in levels.items()])}."
    if not math.isnan(score) and grade(score) in LOW:
        return "No defect that the model predicts is likely, so the cause of the low score remains open."
    return "No likely defects."


def _defect(name: str, level: float) -> str:
    wording = WORDINGS.get(name, Wording(name))
    described = wording.noun if math.isnan(level) else f"{severity(level)} {wording.noun}"
    return f"a {described}" if wording.counted else described


def _advice(names: Sequence[str]) -> str:
    remedies: list[str] = []
    for name in names:
        for remedy in WORDINGS.get(name, Wording(name)).remedies:
            opposed = any({remedy, other} in OPPOSITES for other in remedies)
            if remedy not in remedies and not opposed:
                remedies.append(remedy)
    return f"For a better photo, {_listed(remedies)}." if remedies else ""


def _listed(items: Sequence[str]) -> str:
    """Items with commas, and "and" before the last one."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))
