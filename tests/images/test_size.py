"""The size of an image is read from its header, upright, without decoding a pixel; errors are those of reading."""

import io
import struct
import warnings

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageFile

pytest.importorskip("resource", reason="the fuzzer measures memory by the resource module")

import fuzz
from fuzz_seeds import SEEDS
from noref import errors, images
from pictures import encode, make_scene
from raw_files import make_dng, mosaic

SCENE = make_scene(60, 100)
FORMS = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "JXL"]


def turned(form: str, turn: int, **options: object) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    return encode(Image.fromarray(SCENE), form, exif=exif.tobytes() if form == "JXL" else exif, **options)


@pytest.mark.parametrize("form", SEEDS)
def test_every_format_has_the_size_that_reading_gives(form):
    assert images.size(SEEDS[form]()) == images.read(SEEDS[form]()).size


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("turn", range(1, 9))
def test_the_size_is_upright(form, turn):
    data = turned(form, turn)
    assert images.size(data) == images.read(data).size
    if form not in ("HEIF", "JXL"):  # whose encoders turn pixels, or keep the orientation in ways of their own
        assert images.size(data) == ((60, 100) if turn >= 5 else (100, 60))


@pytest.mark.parametrize("turn", [1, 6])
def test_the_size_of_a_jpeg_inside_jpeg_xl_is_upright(turn, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(turned("JPEG", turn))
    with Image.open(tmp_path / "photo.jpg") as jpeg:
        data = encode(jpeg, "JXL", lossless_jpeg=True)
    assert images.size(data) == images.read(data).size == ((60, 100) if turn == 6 else (100, 60))


@pytest.mark.parametrize("turn", [1, 3, 5, 6, 8])
def test_the_size_of_camera_raw_is_upright(turn):
    pytest.importorskip("rawpy")
    data = make_dng(mosaic(), extra=((ExifTags.Base.Orientation, "H", 1, turn, True),))
    assert images.size(data) == images.read(data).size == ((96, 128) if turn >= 5 else (128, 96))


@pytest.mark.parametrize("scale", [(1, 1, 3, 2), (3, 2, 1, 1)])
def test_the_size_of_camera_raw_has_square_pixels(scale):
    pytest.importorskip("rawpy")
    data = make_dng(mosaic(), extra=((50718, "2I", 2, scale, True),))  # DefaultScale
    assert images.size(data) == images.read(data).size


def test_the_largest_page_of_a_tiff_counts():
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(SCENE[::4, ::4], photometric="rgb", metadata=None)
        writer.write(SCENE, photometric="rgb", metadata=None)
    assert images.size(stream.getvalue()) == images.read(stream.getvalue()).size == (100, 60)


def test_the_frame_of_a_gif_may_exceed_its_screen():
    data = bytearray(encode(Image.fromarray(SCENE).quantize(8), "GIF"))
    data[6:10] = struct.pack("<HH", 20, 10)
    assert images.size(bytes(data)) == images.read(bytes(data)).size


def test_a_jpeg_with_a_long_header_is_measured():
    plain = encode(Image.fromarray(SCENE), "JPEG")
    padding = b"\xff\xe9\xff\xff" + bytes(0xFFFD)
    assert images.size(plain[:2] + 4 * padding + plain[2:]) == (100, 60)


def test_exif_behind_the_first_scan_counts_for_nothing():
    data = turned("JPEG", 6)
    block = data[data.index(b"\xff\xe1") :][: 2 + int.from_bytes(data[data.index(b"\xff\xe1") + 2 :][:2], "big")]
    late = encode(Image.fromarray(SCENE), "JPEG")[:-2] + block + b"\xff\xd9"
    assert images.size(late) == images.read(late).size == (100, 60)


@pytest.mark.parametrize("make", [lambda p: p, str, lambda p: p.read_bytes(), lambda p: p.open("rb"), Image.open])
def test_every_kind_of_source_is_measured(make, save):
    source = make(save("a.png", turned("PNG", 6)))
    assert images.size(source) == (60, 100)
    if hasattr(source, "close"):
        source.close()


def test_arrays_are_measured():
    assert images.size(SCENE) == (100, 60)


def test_no_pixel_is_decoded(monkeypatch):
    def decode(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    whole = [SEEDS[form]() for form in SEEDS if not form.startswith("jxl")]
    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    monkeypatch.setattr("simplejpeg.decode_jpeg", decode)
    monkeypatch.setattr("noref.images.tiff_samples.decompress", decode)
    for data in whole:
        images.size(data)


@pytest.mark.parametrize(
    "source",
    [
        "nowhere.jpg",
        b"",
        b"no image at all",
        b"%PDF-1.7",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBP",
        b"II*\0\0\0\0\0",
        b"GIF89a",
        b"\xff\x4f\xff\x51",
        b"\0\0\0\x18ftypavif" + bytes(64),
        b"\0\0\0\x18ftypheic" + bytes(64),
        encode(Image.new("RGB", (600, 10)), "PNG"),
        np.zeros((8, 8), np.uint8),
    ],
    ids=repr,
)
def test_errors_are_those_of_reading(source):
    with pytest.raises(errors.ImageError) as read:
        images.read(source)
    with pytest.raises(type(read.value)) as measured:
        images.size(source)
    assert str(measured.value) == str(read.value)


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff", "gif", "bmp", "avif", "heic", "j2k", "jxl"])
def test_too_large_images_are_refused(form):
    with pytest.raises(errors.ImageTooLarge):
        images.size(SEEDS[form](), max_pixels=1000)


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_whatever_is_read_has_the_size_of_its_header(count):
    """And what is damaged raises a typed error, or has a size."""
    for number in range(count):
        compare(number)


def compare(number: int) -> None:
    _, data = fuzz.case(number, list(SEEDS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of metadata
        try:
            found = images.size(data, max_pixels=fuzz.MAX_PIXELS)
        except errors.ImageError:
            found = None
        try:
            read = images.read(data, max_pixels=fuzz.MAX_PIXELS).size
        except errors.ImageError:
            return
    assert found == read, number
