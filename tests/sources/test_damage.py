"""Archives and tables with bytes changed at random: whatever they hold, every failure is an error of an image in its place."""

import io
import random

import pytest

from archive_files import PHOTOS, content_of, found, tar, zipped
from noref import ImageError


def parquet(photos: dict[str, bytes]) -> bytes:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    stream = io.BytesIO()
    pq.write_table(pa.table({"image": list(photos.values())}), stream, row_group_size=1)
    return stream.getvalue()


PACKED = {
    "tar": tar,
    "tar.gz": lambda photos: tar(photos, "gz"),
    "tar.bz2": lambda photos: tar(photos, "bz2"),
    "tar.xz": lambda photos: tar(photos, "xz"),
    "zip": zipped,
    "parquet": parquet,
}


def damaged(content: bytes, dice: random.Random) -> bytes:
    """Content with some bytes changed, mostly in headers, or with a part missing or twice."""
    changed = bytearray(content)
    for _ in range(dice.choice([1, 1, 2, 8])):
        start = dice.choice(
            [0, len(content) - 300, dice.randrange(len(content)), content.find(b"PK\1\2"), 512 * dice.randrange(9)]
        )
        place = min(max(0, start + dice.randrange(300)), len(content) - 1)
        changed[place] = dice.choice([0, 0xFF, 0x37, dice.randrange(256)])
    first, last = sorted(dice.randrange(len(content)) for _ in range(2))
    match dice.randrange(6):
        case 0:
            return bytes(changed[:first] + changed[last:])
        case 1:
            return bytes(changed[:last] + changed[first:])
    return bytes(changed)


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("rounds", [60, pytest.param(1500, marks=pytest.mark.slow)])
def test_random_damage_gives_errors_in_their_place(save, kind, rounds):
    dice = random.Random(rounds)
    small = {name: content[:900] for name, content in PHOTOS.items()}
    content = PACKED[kind](small)
    names: list[tuple[str, str]] = []
    for _ in range(rounds):
        archive = save(f"a.{kind}", damaged(content, dice))
        for photo in found(archive):
            try:
                assert len(content_of(photo)) < 1_000_000
            except ImageError as error:
                names.append((error.name, photo.name))
    assert names
    assert all(stated == name for stated, name in names)
