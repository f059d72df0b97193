"""Choose the JPEG and AVIF quality of each photo so that its score falls by at most two points.

Usage: python examples/compression.py FOLDER. Needs the runtime only. Prints the chosen quality and the bytes of each photo, and
the bytes saved over one quality for all. The folder must hold photos that were not compressed before, such as PNG files.
"""

import io
import sys
from typing import NamedTuple

from PIL import Image

import noref
from noref import images, sources

POINTS = 2.0  # that a score may fall
QUALITIES = {"JPEG": (95, 90, 85, 80, 70, 60, 50, 40, 30), "AVIF": (90, 80, 70, 60, 50, 40, 30, 20)}
"""Tried in this order; the first is the quality for all that the others are compared with."""


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


def main(folder: str) -> dict[str, float]:
    """The share of bytes saved by each codec, which is printed as well."""
    scorer, saved = noref.Scorer(exact=True), {}
    photos = {path: Image.fromarray(images.read(path).pixels) for path in sources.images_below(folder)}
    for codec, (highest, *_) in QUALITIES.items():
        before = after = 0
        for path, photo in photos.items():
            chosen, fixed = choose(photo, codec, scorer), len(compressed(photo, codec, highest))
            before, after = before + fixed, after + len(chosen.content)
            print(f"{path}: {codec} {chosen.quality}, {len(chosen.content):,} bytes instead of {fixed:,} at {highest}")
        saved[codec] = 1 - after / before
        print(f"{codec}: {saved[codec]:.0%} fewer bytes")
    return saved


if __name__ == "__main__":
    main(sys.argv[1])
