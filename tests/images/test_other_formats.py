"""GIF, WebP and BMP; formats that are named and not read; which messages of decoders mean what."""

import inspect
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from noref import errors, images
from noref.images import formats, gif, signatures
from noref.images.decoding import decoding
from pictures import encode

FRAMES = [Image.new("RGB", (90, 70), colour) for colour in ("red", "green", "blue")]


def test_every_format_has_a_module_that_reads_it():
    for form in formats.FORMATS:
        for function in (form.reader.read, form.reader.size):
            assert list(inspect.signature(function).parameters) == ["file"]


def gif_of(count):
    return encode(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:count])


def test_a_gif_without_its_end_marker_is_read_with_a_warning():
    photo = images.read(gif_of(1)[:-1])
    np.testing.assert_array_equal(photo.pixels[0, 0], (255, 0, 0))
    assert photo.warnings == ("its end marker is missing",)


def test_later_frames_never_cost_the_first():
    whole = gif_of(3)
    first = whole.index(b",") + 40
    for cut in range(first, len(whole) - 1):
        try:
            photo = images.read(whole[:cut])
        except errors.DamagedImage:  # within the first frame
            assert cut < whole.index(b"!", first)
            continue
        np.testing.assert_array_equal(photo.pixels[0, 0], (255, 0, 0))
        assert photo.warnings
    for at in range(whole.index(b"!", first), len(whole)):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        np.testing.assert_array_equal(images.read(bytes(broken)).pixels[0, 0], (255, 0, 0))


def test_blocks_of_a_gif_are_looked_at_as_far_as_time_allows(monkeypatch):
    comment = b"!\xfe" + b"\x01x" * 2000 + b"\0"
    long = gif_of(2)[:-1] + comment + b";"
    assert images.read(long).warnings == ("only the first of 2 frames was read",)
    monkeypatch.setattr(gif, "_MOST_BLOCKS", 1000)
    assert images.read(long).warnings == ("only the first of at least 2 frames was read",)
    photo = images.read(gif_of(1)[:-1] + comment)
    np.testing.assert_array_equal(photo.pixels[0, 0], (255, 0, 0))
    assert photo.warnings == ()


def test_a_gif_cut_in_its_first_frame_is_damaged(scene):
    whole = encode(Image.fromarray(scene).quantize(32), "GIF")
    for part in (0.2, 0.5, 0.9):
        with pytest.raises(errors.DamagedImage):
            images.read(whole[: int(part * len(whole))])


def test_webp_whose_metadata_are_cut_off_is_read_with_a_warning(scene):
    whole = encode(Image.fromarray(scene), "WEBP", lossless=True, exif=b"Exif\0\0II*\0" + bytes(60))
    for lost in (1, 20, 60):
        photo = images.read(whole[:-lost])
        np.testing.assert_array_equal(photo.pixels, scene)
        assert "metadata" in photo.warnings[0]


@pytest.mark.parametrize("lossless", [False, True])
def test_webp_whose_pixels_are_cut_off_is_damaged(lossless, scene):
    whole = encode(Image.fromarray(scene), "WEBP", lossless=lossless)
    for lost in (1, 2, 10, len(whole) // 2):
        with pytest.raises(errors.DamagedImage):
            images.read(whole[:-lost])


def rle_bmp(rows, compression=1):
    data = b"".join(bytes((90, row, 0, 0)) for row in range(rows)) + b"\0\1"
    palette = b"".join(bytes((grey, grey, grey, 0)) for grey in range(256))
    header = struct.pack("<IiiHHIIiiII", 40, 90, 70, 1, 8, compression, len(data), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(data), 0, 0, 1078) + header + palette + data


def test_bmp_compressed_by_runs():
    np.testing.assert_array_equal(images.read(rle_bmp(70)).pixels[:, 0, 0], np.arange(70)[::-1])
    with pytest.raises(errors.DamagedImage):
        images.read(rle_bmp(70)[:-100])


def test_an_unknown_compression_of_bmp_is_unsupported():
    with pytest.raises(errors.UnsupportedImage, match="compression"):
        images.read(rle_bmp(70, compression=9))


NAMED = [
    (b"8BPS\0\1", "Photoshop"),
    (b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="x">', "SVG"),
    (b"%PDF-1.7", "PDF"),
    (b"%!PS-Adobe-3.0 EPSF", "PostScript"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE\n", "Radiance"),
    (b"P6\n90 70 255\n", "Netpbm"),
    (b"qoif", "QOI"),
    (b"SDPX", "DPX"),
    (b"SIMPLE  =", "FITS"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"BPG\xfb", "BPG"),
    (bytes((0, 0, 1, 0, 1, 0, 16, 16, 0, 0)), "icon"),
    (b"\0\0\0\x18ftypisom\0\0\2\0isomavc1", "video"),
    (b"\0\0\0\x14ftypqt  \0\0\2\0", "video"),
    (b"RIFF\0\0\0\0AVI LIST", "video"),
    (b"\x1a\x45\xdf\xa3", "video"),
]


@pytest.mark.parametrize(("head", "name"), NAMED)
def test_known_formats_that_are_not_read_are_named(head, name):
    with pytest.raises(errors.UnsupportedImage, match=name) as caught:
        images.read(head + bytes(2000))
    assert "PNG" in caught.value.cure


@pytest.mark.parametrize(
    "data",
    [
        *(b"Dear Sir, the <svg> tag", b"P6 is a gene", b"<!DOCTYPE html><p>404", b"<!DOCTYPE html><HTML><svg>"),
        *(b"RIFF\0\0\0\0WAVEfmt ", bytes(100)),
    ],
)
def test_what_is_no_image_is_not_named_as_one(data):
    with pytest.raises(errors.NotAnImage):
        images.read(data)


@pytest.mark.parametrize(
    ("module", "head"),
    [
        ("pillow_heif", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("pillow_jxl", signatures.JPEG_XL_CODESTREAM),
        ("rawpy", b"FUJIFILMCCD-RAW"),
    ],
)
def test_a_decoder_that_cannot_be_loaded_is_not_called_missing(module, head, tmp_path, monkeypatch):
    (tmp_path / f"{module}.py").write_text("raise ImportError('lib.so.1: undefined symbol')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, module, raising=False)
    for read in (images.read, images.size):
        with pytest.raises(errors.UnsupportedImage, match=r"cannot be loaded \(lib\.so\.1: undefined symbol\)") as caught:
            read(head + bytes(64))
        assert isinstance(caught.value.__cause__, ImportError)


def test_folders_are_searched_for_what_can_be_read():
    assert {".jp2", ".j2k", ".jxl", ".png", ".avif", ".heic"} <= images.EXTENSIONS
    assert not {".psd", ".svg", ".pdf", ".exr", ".mp4"} & images.EXTENSIONS


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Unsupported BMP compression (9)", errors.UnsupportedImage),
        ("Failed to decode image: Not implemented", errors.UnsupportedImage),
        ("Unsupported feature: Unsupported codec", errors.UnsupportedImage),
        ("unrecognized data stream contents when reading image file", errors.DamagedImage),
        ("Invalid input: 'pitm' box references an unsupported or non-existing image", errors.DamagedImage),
        ("Invalid input: Unknown color profile type", errors.DamagedImage),
        ("broken data stream when reading image file", errors.DamagedImage),
    ],
)
def test_what_messages_of_decoders_mean(message, kind):
    with pytest.raises(kind), decoding("x"):
        raise OSError(message)
