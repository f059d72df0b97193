"""Choose the JPEG and AVIF quality of each photo so that its score falls by at most two points.

Usage: python examples/compression.py PHOTO.png ... Needs the runtime only. Prints the quality and the bytes of each photo, and
the bytes saved over the lowest quality that suffices for all of them. Give photos that were not compressed, such as PNG files.
"""

import io
import sys
from typing import NamedTuple

from PIL import Image

import noref
from noref import images

POINTS = 2.0  # that a score may fall
QUALITIES = {"JPEG": (95, 90, 85, 80, 70, 60, 50, 40, 30), "AVIF": (90, 80, 70, 60, 50, 40, 30, 20)}
"""Tried in this order."""


class Chosen(NamedTuple):
    """The quality that was chosen for a photo, its bytes and its score."""

    quality: int
    content: bytes
    score: float


def compressed(photo: Image.Image, codec: str, quality: int) -> bytes:
    """A photo as a file."""
    stream = io.BytesIO()
    photo.save(stream, codec, quality=quality)
    return stream.getvalue()


def choose(photo: Image.Image, codec: str, scorer: noref.Scorer) -> Chosen:
    """The lowest quality before the first with which the score falls by more than `POINTS`; the first if there is none."""
    before, chosen = scorer.score(photo).score, None
    for quality in QUALITIES[codec]:
        content = compressed(photo, codec, quality)
        score = scorer.score(content).score
        if chosen is not None and score < before - POINTS:
            break
        chosen = Chosen(quality, content, score)
    assert chosen is not None
    return chosen


def main(paths: list[str]) -> dict[str, float]:
    """The share of bytes that each codec saves, which is printed as well."""
    scorer, saved = noref.Scorer(), {}
    photos = [Image.fromarray(images.read(path).pixels) for path in paths]
    for codec in QUALITIES:
        chosen = [choose(photo, codec, scorer) for photo in photos]
        for path, one in zip(paths, chosen, strict=True):
            print(f"{path}: {codec} {one.quality}, {len(one.content):,} bytes, score {one.score:.1f}")
        one_for_all = max(one.quality for one in chosen)
        before = sum(len(compressed(photo, codec, one_for_all)) for photo in photos)
        after = sum(len(one.content) for one in chosen)
        saved[codec] = 1 - after / before
        print(f"{codec}: {after:,} bytes, with quality {one_for_all} for all {before:,}: {saved[codec]:.0%} saved")
    return saved


if __name__ == "__main__":
    main(sys.argv[1:])
