"""AVIF and HEIC: their colours, and what is damaged or unsupported."""

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms

from hdr_signals import TO_BT2020, light_of, to_pq
from noref import errors, images
from noref.images import isobmff
from noref.images.cicp import Cicp
from pictures import encode


def pq_of(scene, largest):
    signal = to_pq(light_of(scene) @ TO_BT2020.T)
    return np.rint(signal * largest).astype(np.uint8 if largest == 255 else np.uint16)


def heic_of(pixels, **options):
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    mode = "RGB" if pixels.dtype == np.uint8 else "RGB;16"
    image = pillow_heif.from_bytes(mode, pixels.shape[1::-1], pixels.tobytes())
    image.save(stream, quality=-1, chroma=444, **options)
    return stream.getvalue()


def with_code(avif, primaries, transfer):
    """An AVIF file with other nclx code points."""
    at = avif.index(b"colrnclx") + 8
    return avif[:at] + primaries.to_bytes(2, "big") + transfer.to_bytes(2, "big") + avif[at + 4 :]


def avif_of(pixels, primaries=1, transfer=13, **options):
    return with_code(encode(Image.fromarray(pixels), "AVIF", quality=95, subsampling="4:4:4", **options), primaries, transfer)


def test_code_points_of_avif_and_heic(scene):
    assert isobmff.code_points(avif_of(scene, 9, 16)) == Cicp(9, 16)
    heic = heic_of(scene, color_primaries=12, transfer_characteristics=13, matrix_coefficients=6)
    assert isobmff.code_points(heic) == Cicp(12, 13)


def test_code_points_of_a_sequence_without_a_primary_item(scene):
    frames = encode(Image.fromarray(scene), "AVIF", save_all=True, append_images=[Image.fromarray(scene[::-1])])
    only_track = frames.replace(b"meta", b"free", 1)
    assert isobmff.code_points(only_track) == isobmff.code_points(frames) is not None


@pytest.mark.parametrize("data", [b"", b"\0\0\0\x08meta", b"\0\0\0\x10meta\0\0\0\0\0\0\0\0", b"\0\0\0\0meta" * 10])
def test_senseless_boxes_hold_no_code_points(data):
    assert isobmff.code_points(data) is None


def test_hdr_avif_looks_like_the_sdr_photo(scene):
    photo = images.read(avif_of(pq_of(scene, 255), 9, 16))
    assert photo.warnings == ("HDR (PQ, BT.2020) converted to SDR",)
    assert np.abs(photo.pixels.astype(int) - scene).mean() < 6


def test_hdr_heic_is_converted_with_all_its_bits(scene):
    code = {"color_primaries": 9, "transfer_characteristics": 16, "matrix_coefficients": 9}
    photo = images.read(heic_of(pq_of(scene, 65535), **code))
    coarse = images.read(heic_of(pq_of(scene, 255), **code))
    assert photo.warnings == coarse.warnings == ("HDR (PQ, BT.2020) converted to SDR",)
    error, coarser = (np.abs(read.pixels.astype(int) - scene).mean() for read in (photo, coarse))
    assert error < coarser
    assert error < 2


def test_hdr_heic_with_alpha_is_laid_on_white(scene):
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    clear = np.dstack((pq_of(scene, 255), np.zeros(scene.shape[:2], np.uint8)))
    image = pillow_heif.from_bytes("RGBA", clear.shape[1::-1], clear.tobytes())
    image.save(stream, color_primaries=9, transfer_characteristics=16, matrix_coefficients=9)
    np.testing.assert_allclose(images.read(stream.getvalue()).pixels, 255, atol=1)


def test_sdr_code_points_are_converted_without_a_warning(scene):
    plain, wide = images.read(avif_of(scene)), images.read(avif_of(scene, 12, 13))
    assert plain.warnings == wide.warnings == ()
    assert np.abs(plain.pixels.astype(int) - wide.pixels).max() > 10
    np.testing.assert_array_equal(images.read(avif_of(scene, 2, 2)).pixels, plain.pixels)


def test_an_icc_profile_wins_over_sdr_code_points_and_loses_to_hdr(scene):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    both = encode(Image.fromarray(scene), "AVIF", icc_profile=profile)
    assert both.count(b"colr") == 2
    plain = images.read(both)
    np.testing.assert_allclose(images.read(with_code(both, 12, 13)).pixels, plain.pixels, atol=2)
    assert images.read(with_code(both, 9, 18)).warnings == ("HDR (HLG, BT.2020) converted to SDR",)


def test_unknown_code_points_are_a_warning(scene):
    assert "unknown" in images.read(avif_of(scene, 77, 77)).warnings[0]


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.99])
def test_truncated_avif_and_heic_are_damaged(part, scene):
    for whole in (avif_of(scene), heic_of(scene)):
        with pytest.raises(errors.DamagedImage):
            images.read(whole[: max(40, int(part * len(whole)))])


def test_the_reason_of_the_decoder_is_kept(scene):
    with pytest.raises(errors.DamagedImage, match="Truncated data"):
        images.read(avif_of(scene)[:-5])


def test_heic_under_the_brand_of_its_container_needs_its_decoder(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(errors.UnsupportedImage, match=r"noref\[heic\]"):
        images.read(b"\0\0\0\x18ftypMiHE\0\0\0\0mif1heic" + bytes(64))
