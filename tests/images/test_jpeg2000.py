"""JPEG 2000: pixels, colours, and lost data."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from noref import errors, images
from noref.images import jpeg2000
from pictures import encode

KINDS = [{}, {"no_jp2": True}, {"tile_size": (64, 64)}]


@pytest.mark.parametrize("options", KINDS)
def test_lossless_pixels_come_back(options, scene):
    photo = images.read(encode(Image.fromarray(scene), "JPEG2000", **options))
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == ()


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA"])
def test_grey_and_alpha(mode, scene):
    image = Image.fromarray(scene).convert(mode)
    np.testing.assert_array_equal(images.read(encode(image, "JPEG2000")).pixels, np.asarray(image.convert("RGB")))


def test_sixteen_bit_grey_is_scaled():
    grey = Image.fromarray(np.full((70, 90), 128 * 257, np.uint16))
    np.testing.assert_array_equal(images.read(encode(grey, "JPEG2000")).pixels, 128)


def test_an_icc_profile_is_applied():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    whole = encode(Image.new("RGB", (90, 70), (255, 0, 0)), "JPEG2000")
    at = whole.index(b"colr") - 4
    size, header = int.from_bytes(whole[at : at + 4], "big"), whole.index(b"jp2h") - 4
    box = (11 + len(swapped)).to_bytes(4, "big") + b"colr\x02\0\0" + swapped
    total = int.from_bytes(whole[header : header + 4], "big") + len(box) - size
    profiled = whole[:header] + total.to_bytes(4, "big") + whole[header + 4 : at] + box + whole[at + size :]
    np.testing.assert_allclose(images.read(profiled).pixels[0, 0], (0, 0, 255), atol=2)


@pytest.mark.parametrize("options", KINDS)
def test_a_missing_end_marker_is_a_warning(options, scene):
    photo = images.read(encode(Image.fromarray(scene), "JPEG2000", **options)[:-2])
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == ("its end marker is missing",)


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_lost_data_are_damage_even_where_the_end_marker_is_there(options, part, scene):
    whole = encode(Image.fromarray(scene), "JPEG2000", **options)
    for cut in (whole[: int(part * len(whole))], whole[: int(part * len(whole))] + b"\xff\xd9"):
        with pytest.raises(errors.DamagedImage):
            images.read(cut)


@pytest.mark.parametrize("lost", [0, 5, 11])
def test_a_missing_tile_is_damage(lost, scene):
    whole = encode(Image.fromarray(scene), "JPEG2000", no_jp2=True, tile_size=(64, 64))
    at, tiles = whole.index(b"\xff\x90"), []
    while whole[at : at + 2] == b"\xff\x90":
        tiles.append((at, at + int.from_bytes(whole[at + 6 : at + 10], "big")))
        at = tiles[-1][1]
    assert len(tiles) == 12
    start, stop = tiles[lost]
    with pytest.raises(errors.DamagedImage, match="tiles"):
        images.read(whole[:start] + whole[stop:])


def test_more_markers_than_a_photo_has_are_unsupported(scene, monkeypatch):
    whole = encode(Image.fromarray(scene), "JPEG2000", no_jp2=True)
    at = whole.index(b"\xff\x90")
    noted = whole[:at] + b"\xff\x64\0\x05\0\1x" * 100 + whole[at:]  # comments
    np.testing.assert_array_equal(images.read(noted).pixels, scene)
    monkeypatch.setattr(jpeg2000, "_MOST_MARKERS", 50)
    with pytest.raises(errors.UnsupportedImage, match="markers"):
        images.read(noted)


def test_more_components_than_a_photo_has_are_unsupported(scene):
    stored = bytearray(encode(Image.fromarray(scene), "JPEG2000"))
    stored[stored.index(b"\xff\x4f\xff\x51") + 41] = 7
    with pytest.raises(errors.UnsupportedImage, match="7 components"):
        images.read(bytes(stored))
