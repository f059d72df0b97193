"""Scores photos and draws their quality maps, reading each photo once; chooses the file of each map."""

import dataclasses
import errno
import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from noref import sources
from noref.assessment import Assessment
from noref.errors import ImageError
from noref.images import Source
from noref.scorer import Scorer

_UNWRITTEN = "its map could not be written to"
_LONGEST_NAME = 255  # bytes of a file name, on nearly every file system


@dataclasses.dataclass(frozen=True)
class Item(sources.Found):
    """A photo, and the file of its quality map; None for no map."""

    target: Path | None = None

    @classmethod
    def of(cls, photo: sources.Found, target: Path | None = None) -> "Item":
        """A photo that was found, with the file of its map."""
        return cls(
            file=photo.file,
            place=photo.place,
            content=photo.content,
            member=photo.member,
            listed=photo.listed,
            target=target,
        )


class Work:
    """Scores one photo and, if it has a target, draws its quality map."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def __call__(self, item: Item) -> Assessment:
        """Read, score and draw; a map that cannot be written is a warning of the assessment.

        Raises:
            ImageError: The photo cannot be scored.
        """
        return self.with_pixels(item, item.open())[0]

    def with_pixels(self, item: Item, content: Source) -> tuple[Assessment, npt.NDArray[np.uint8]]:
        """The assessment, and the photo's pixels as they were read from its opened content.

        Raises:
            ImageError: The photo cannot be scored.
        """
        photo = self.scorer.read(content)
        assessment = self.scorer.assess(photo)
        if item.target is None:
            return assessment, photo.pixels
        from noref import overlay  # it imports much of Pillow

        drawing = overlay.draw(photo.pixels, assessment)
        try:
            item.target.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(item.target) and not overlay.is_overlay(item.target):
                raise FileExistsError(errno.EEXIST, "a file that is no quality map has this name; choose another folder")
            overlay.save(drawing, item.target)
        except OSError as error:
            warning = f"{_UNWRITTEN} {item.target}: {error.strerror or error}"
            assessment = dataclasses.replace(assessment, warnings=(*assessment.warnings, warning))
        return assessment, photo.pixels


def lacks_map(result: Assessment | ImageError) -> bool:
    """Whether a photo was scored, but its map could not be written."""
    return isinstance(result, Assessment) and any(warning.startswith(_UNWRITTEN) for warning in result.warnings)


def with_targets(found: Iterator[sources.Found], maps: Path | None) -> Iterator[Item]:
    """Choose the file of each quality map; photos of the same name from different folders get a number."""
    if maps is None:
        yield from map(Item.of, found)
        return
    next_number: Counter[Path] = Counter()
    taken: set[Path] = set()
    for photo in found:
        place = photo.place
        target = _map_name(place)
        while target in taken:
            next_number[place] += 1
            target = _map_name(place, f".{next_number[place] + 1}")
        taken.add(target)
        yield Item.of(photo, maps / target)


def _map_name(place: Path, suffix: str = "") -> Path:
    """The photo's name with a suffix and .png; the end of a name too long for that becomes a hash of the whole."""
    suffix += ".png"
    name = place.name
    if len(os.fsencode(name + suffix)) > _LONGEST_NAME:
        suffix = f"~{hashlib.sha256(os.fsencode(name)).hexdigest()[:12]}{suffix}"
        while len(os.fsencode(name + suffix)) > _LONGEST_NAME:
            name = name[:-1]
    return place.parent / (name + suffix)
