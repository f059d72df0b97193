"""EXIF orientation transposes pixels, whatever else the EXIF holds."""

import io
import random
import struct

import numpy as np
import pytest
from PIL import Image

from noref import images
from noref.images import orientation
from pictures import encode, make_scene

SCENE = make_scene(72, 96)
STORED = encode(Image.fromarray(SCENE), "JPEG", quality=95)
PIXELS = images.read(STORED).pixels
UNDO = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that a viewer undoes
KINDS = (*range(14), 129, 65_535)  # of EXIF values: all that are defined, and others


def entry(order: str, tag: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack(order + "HHI", tag, kind, count) + value


def block(order: str, entries: list[bytes], start: int = 8, count: int | None = None) -> bytes:
    """An EXIF block whose directory begins at `start`."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", start)
    return head.ljust(start, b"?") + struct.pack(order + "H", len(entries) if count is None else count) + b"".join(entries)


def turned(order: str = "<", value: int = 6, kind: int = 3) -> bytes:
    number = struct.pack(order + {1: "Bxxx", 3: "Hxx", 4: "I"}[kind], value)
    return entry(order, 0x0112, kind, 1, number)


def with_exif(exif: bytes, header: bytes = b"Exif\0\0") -> bytes:
    parameters = header + exif
    return STORED[:2] + b"\xff\xe1" + (len(parameters) + 2).to_bytes(2, "big") + parameters + STORED[2:]


def is_turned(exif: bytes) -> bool:
    photo = images.read(with_exif(exif))
    np.testing.assert_array_equal(photo.pixels, np.rot90(PIXELS, -1) if photo.size == (72, 96) else PIXELS)
    assert photo.warnings == ()
    return photo.size == (72, 96)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("value", range(1, 9))
def test_pixels_are_rotated_upright(form, value):
    upright = Image.fromarray(SCENE)
    stored = upright if value == 1 else upright.transpose(Image.Transpose(UNDO[value]))
    exif = Image.Exif()
    exif[0x0112] = value
    data = encode(stored, form, exif=exif, **({"lossless": True} if form == "WEBP" else {}))
    photo = images.read(data)
    np.testing.assert_array_equal(photo.pixels, SCENE)
    assert photo.size == (96, 72)
    assert photo.pixels.flags.c_contiguous


@pytest.mark.parametrize("value", range(1, 9))
def test_jpeg_is_rotated_as_its_pixels_are(value):
    exif = Image.Exif()
    exif[0x0112] = value
    photo = images.read(encode(Image.fromarray(SCENE), "JPEG", quality=95, exif=exif))
    upright = Image.fromarray(PIXELS)
    redo = {5: 5, 6: 4, 8: 2, 7: 6, 2: 0, 3: 3, 4: 1}
    np.testing.assert_array_equal(
        photo.pixels, PIXELS if value == 1 else np.asarray(upright.transpose(Image.Transpose(redo[value])))
    )
    assert photo.size == photo.pixels.shape[1::-1]


def odd_entry(order: str, rng: random.Random) -> bytes:
    """Any tag, among them those that Pillow interprets: resolution, pointers to other directories, maker notes."""
    known = (0x011A, 0x011B, 0x0128, 0x8769, 0x8825, 0xA005, 0x9286, 0x927C, 0x014A, 0x0201, 0x0202, 0x010F, 0x0132)
    tag = rng.choice((*known, rng.randrange(0x0113, 0x10000)))
    count = rng.choice((0, 1, 2, 5, 1000, 2**31, 2**32 - 1))
    return entry(order, tag, rng.choice(KINDS), count, rng.randbytes(4))


@pytest.mark.parametrize("seed", range(400))
def test_odd_tags_beside_it_change_nothing(seed):
    rng = random.Random(seed)
    order = rng.choice("<>")
    entries = [turned(order), *(odd_entry(order, rng) for _ in range(rng.randint(1, 5)))]
    rng.shuffle(entries)
    assert is_turned(block(order, entries) + rng.randbytes(rng.choice((0, 3, 4, 200))))


def test_resolution_that_is_no_number_changes_nothing():
    for value in (struct.pack("<ii", -72, 1), struct.pack("<ii", 72, 0), struct.pack("<ii", 0, 0)):
        exif = block("<", [turned(), entry("<", 0x011A, 10, 1, struct.pack("<I", 34))]) + value
        assert is_turned(exif)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [1, 3, 4])
def test_every_integer_type_is_read(order, kind):
    assert is_turned(block(order, [turned(order, kind=kind)]))


@pytest.mark.parametrize("value", [0, 9, 255, 65_535])
def test_values_out_of_range_mean_upright(value):
    assert not is_turned(block("<", [turned(value=value)]))


def test_a_directory_further_on_or_longer_than_the_block_is_read():
    assert is_turned(block("<", [turned()], start=500))
    assert is_turned(block("<", [turned()], count=65_535))


def test_a_truncated_block_is_read_as_far_as_it_goes():
    whole = block("<", [turned(), odd_entry("<", random.Random(0))])
    for length in range(len(whole)):
        assert is_turned(whole[:length]) == (length > 18)  # where the value's first byte stands


@pytest.mark.parametrize("exif", [b"", b"?", bytes(40), b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08", b"\xff" * 60])
def test_no_exif_or_another_thing_in_its_place_means_upright(exif):
    assert not is_turned(exif)
    assert orientation.of_exif(exif) == orientation.UPRIGHT


def test_the_header_may_have_any_padding():
    exif = block("<", [turned()])
    assert images.read(with_exif(exif, b"Exif\0\xff")).size == (96, 72)  # no EXIF
    assert images.read(with_exif(exif, b"Exif\0")).size == (72, 96)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # by Pillow, which reads the block as well
def test_a_pil_image_is_rotated_like_its_file():
    data = with_exif(block("<", [turned(), entry("<", 0x8769, 4, 1, b"\xff" * 4)]))
    np.testing.assert_array_equal(images.read(Image.open(io.BytesIO(data))).pixels, images.read(data).pixels)
