"""JPEG XL, where its decoder is installed, and what to install."""

import struct
import sys

import numpy as np
import pytest
from PIL import Image

from noref import errors, images
from noref.images import jxl
from pictures import encode, make_scene

CODESTREAM = b"\xff\x0a" + bytes(64)
CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(64)


@pytest.fixture(scope="module")
def plugin():
    return pytest.importorskip("pillow_jxl")


def jxl_of(plugin, pixels, mode="RGB", **options):
    encoder = plugin.Encoder(mode=mode, lossless=True, quality=100, **options)
    return encoder(np.ascontiguousarray(pixels).tobytes(), pixels.shape[1], pixels.shape[0], jpeg_encode=False)


@pytest.mark.parametrize("data", [CODESTREAM, CONTAINER])
def test_without_its_decoder_it_is_named_with_the_cure(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(errors.UnsupportedImage, match=r"JPEG XL.*noref\[jxl\]"):
        images.read(data)


@pytest.mark.parametrize("use_container", [False, True])
def test_lossless_pixels_come_back(plugin, use_container, scene):
    photo = images.read(jxl_of(plugin, scene, use_container=use_container))
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == ()


def test_grey_and_alpha(plugin, scene):
    grey = scene[..., 0]
    np.testing.assert_array_equal(images.read(jxl_of(plugin, grey, "L")).pixels[..., 1], grey)
    beside = np.dstack((grey, np.full_like(grey, 255)))
    photo = images.read(jxl_of(plugin, beside, "LA"))
    np.testing.assert_array_equal(photo.pixels[..., 1], grey)
    assert photo.warnings == ()


def test_a_recompressed_jpeg_is_read_as_the_jpeg(plugin, scene):
    stored = encode(Image.fromarray(scene), "JPEG", quality=90)
    encoder = plugin.Encoder(mode="RGB", lossless=True, quality=100, use_container=True)
    recompressed = encoder(stored, 256, 192, jpeg_encode=True)
    np.testing.assert_array_equal(images.read(recompressed).pixels, images.read(stored).pixels)


def test_float_samples_are_unsupported(plugin):
    with pytest.raises(errors.UnsupportedImage, match="float"):
        images.read(jxl_of(plugin, np.zeros((70, 90), np.float32), "F"))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_damaged(plugin, part, scene):
    whole = jxl_of(plugin, scene)
    with pytest.raises(errors.DamagedImage):
        images.read(whole[: int(part * len(whole))])


@pytest.mark.parametrize("side", [(8, 8), (256, 256), (300, 200), (1600, 900), (37, 800), (600, 500), (120, 100), (1, 3000)])
@pytest.mark.parametrize("use_container", [False, True])
def test_the_size_is_known_before_anything_is_decoded(plugin, side, use_container):
    stored = jxl_of(plugin, np.zeros(side[::-1], np.uint8), "L", use_container=use_container)
    assert jxl._header(jxl._codestream(stored)).size == side


def test_too_large_is_refused_before_it_is_decoded(plugin, monkeypatch):
    stored = jxl_of(plugin, make_scene(100, 200))
    monkeypatch.setattr(plugin, "Decoder", None)
    with pytest.raises(errors.ImageTooLarge):
        images.read(stored, max_pixels=19_999)


def test_a_size_that_only_the_header_claims_is_damage(plugin, scene):
    """A bomb of one gigapixel in a few bytes is refused, a smaller one fails to decode."""
    size = struct.pack("<Q", 0 | 3 << 1 | 29_999 << 3 | 1 << 33)  # 30 bits for the height, as wide as high
    with pytest.raises(errors.ImageTooLarge):
        images.read(b"\xff\x0a" + size + bytes(50))
