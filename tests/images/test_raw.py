"""Camera raw is recognised by content and developed by rawpy, or refused by the name of the extra; not scored by a preview."""

import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from noref import errors, images
from noref.images import formats
from raw_files import CFA, HEIGHT, SCENE, WIDTH, linear, make_dng, mosaic


def refused(kind: type[Exception], data: bytes, match: str | None = None) -> None:
    with pytest.raises(kind, match=match) as caught:
        images.read(data)
    assert type(caught.value) is kind


@pytest.fixture
def without_rawpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)


def tiff_of(*, photometric: int = 2, compression: int = 1, make: bytes = b"Maker\0") -> bytes:
    """A TIFF file of one page of 16 x 16 bytes, by hand."""
    tags = [(256, 3, 16), (257, 3, 16), (258, 3, 8), (259, 3, compression), (262, 3, photometric), (273, 4, 200), (279, 4, 256)]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return (b"II*\0" + struct.pack("<I", 8) + directory).ljust(200, b"\0") + make.ljust(256, b"\0")


SIGNATURES = {
    "cr2": b"II*\0\x10\0\0\0CR\2\0" + bytes(4) + struct.pack("<HHHII", 1, 256, 4, 1, 16) + bytes(80),
    "cr3": struct.pack(">I", 24) + b"ftypcrx \0\0\0\1crx isom" + bytes(80),
    "crw": b"II\x1a\0\0\0HEAPCCDR" + bytes(80),
    "orf": b"IIRO\x08\0\0\0" + bytes(80),
    "orf, older": b"IIRS\x08\0\0\0" + bytes(80),
    "orf, big-endian": b"MMOR\0\0\0\x08" + bytes(80),
    "rw2": b"IIU\0\x08\0\0\0" + bytes(80),
    "raf": b"FUJIFILMCCD-RAW 0201" + bytes(80),
    "mrw": b"\0MRM" + bytes(80),
    "x3f": b"FOVb" + bytes(80),
    "iiq": b"II*\0\x10\0\0\0IIII" + bytes(4) + struct.pack("<HHHII", 1, 256, 4, 1, 16) + bytes(80),
    "a page of a colour filter array": tiff_of(photometric=CFA),
    "nef": tiff_of(compression=34713),
    "arw": tiff_of(compression=32767),
    "pef": tiff_of(compression=65535),
}


@pytest.mark.parametrize("data", SIGNATURES.values(), ids=SIGNATURES)
def test_raw_is_recognised_by_its_content_and_names_the_extra(data, without_rawpy):
    refused(errors.UnsupportedImage, data, r"raw.*pip install 'noref\[raw\]'")


@pytest.mark.parametrize("data", SIGNATURES.values(), ids=SIGNATURES)
def test_files_that_libraw_cannot_develop_are_typed_errors(data):
    pytest.importorskip("rawpy")
    with pytest.raises((errors.UnsupportedImage, errors.DamagedImage)):
        images.read(data)


def test_an_ordinary_tiff_is_not_raw(without_rawpy):
    assert images.read(tiff_of(photometric=1)).size == (16, 16)


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("pixels", [linear(), mosaic()], ids=["linear", "mosaic"])
def test_dng_without_rawpy_is_refused_and_not_scored_by_its_preview(pixels, preview, without_rawpy):
    refused(errors.UnsupportedImage, make_dng(pixels, preview=preview), r"noref\[raw\]")


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize(("pixels", "tolerance"), [(linear(), 1), (mosaic(), 9)], ids=["linear", "mosaic"])
def test_dng_is_developed_to_srgb(pixels, tolerance, preview):
    pytest.importorskip("rawpy")
    data = make_dng(pixels, preview=preview)
    photo = images.read(data)
    assert photo.size == (WIDTH, HEIGHT)
    assert np.abs(photo.pixels.astype(int) - SCENE).mean() < tolerance
    np.testing.assert_array_equal(images.read(data).pixels, photo.pixels)


def test_brightness_is_that_of_the_exposure():
    pytest.importorskip("rawpy")
    mean = [images.read(make_dng(linear() // factor)).pixels.mean() for factor in (1, 4)]
    assert mean[1] < 0.6 * mean[0]


def test_dng_is_rotated_upright():
    pytest.importorskip("rawpy")
    upright, turned = (images.read(make_dng(linear(), extra=extra)) for extra in ((), ((274, "H", 1, 6, True),)))
    assert turned.size == (HEIGHT, WIDTH)
    assert np.abs(turned.pixels.astype(int) - np.rot90(upright.pixels, -1)).mean() < 1


def test_a_path_is_developed_like_bytes(tmp_path):
    pytest.importorskip("rawpy")
    path = tmp_path / "photo.dng"
    path.write_bytes(make_dng(linear()))
    np.testing.assert_array_equal(images.read(path).pixels, images.read(path.read_bytes()).pixels)


@pytest.mark.parametrize("lost", [1, 1000, 40_000])
def test_truncated_dng_is_damaged(lost):
    pytest.importorskip("rawpy")
    refused(errors.DamagedImage, make_dng(linear())[:-lost])


def test_corrupt_data_that_libraw_reports_are_damage():
    pytest.importorskip("rawpy")
    encode = pytest.importorskip("imagecodecs").ljpeg_encode
    encoded = encode(mosaic(), bitspersample=16)
    how = {"shape": (HEIGHT, WIDTH), "dtype": np.uint16, "rowsperstrip": HEIGHT, "compression": "jpeg"}
    assert images.read(make_dng(iter([encoded]), **how)).size == (WIDTH, HEIGHT)
    middle = len(encoded) // 2
    corrupt = encoded[:middle] + b"\xff" * 30 + encoded[middle + 30 :]
    refused(errors.DamagedImage, make_dng(iter([corrupt]), **how))


class Undeveloped:
    """A raw file of 500 megapixels."""

    sizes = SimpleNamespace(width=25_000, height=20_000)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def postprocess(self, **_):
        pytest.fail("it was developed")


def test_size_is_checked_before_raw_is_developed(monkeypatch):
    monkeypatch.setattr(pytest.importorskip("rawpy"), "imread", lambda _: Undeveloped())
    refused(errors.ImageTooLarge, SIGNATURES["raf"])


def test_folders_are_searched_for_raw():
    assert {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw", ".x3f"} <= formats.EXTENSIONS
