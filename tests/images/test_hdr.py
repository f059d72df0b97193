"""HDR becomes SDR with white at 203 cd/m2; other signalled colours become sRGB."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from hdr_signals import TO_BT2020, light_of, to_hlg, to_pq
from noref import images
from noref.images import cicp, hdr, linear
from pictures import encode, make_scene
from png_files import with_chunk


def hdr_png(pixels, transfer, primaries=9):
    matrix = TO_BT2020 if primaries == 9 else np.eye(3)
    signal = {16: to_pq, 18: to_hlg}[transfer](light_of(pixels) @ matrix.T)
    stored = np.rint(np.clip(signal, 0, 1) * 255).astype(np.uint8)
    return with_chunk(encode(Image.fromarray(stored), "PNG"), b"cICP", bytes((primaries, transfer, 0, 1)))


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_an_sdr_photo_stored_as_hdr_comes_back(transfer, name, scene):
    photo = images.read(hdr_png(scene, transfer))
    assert photo.warnings == (f"HDR ({name}, BT.2020) converted to SDR",)
    difference = np.abs(photo.pixels.astype(int) - scene)
    assert difference.mean() < 1.5  # 8 bits of PQ are coarse
    dark = scene.max(axis=2) < 240  # below the knee
    assert np.percentile(difference[dark], 99) <= 5


def test_sdr_white_stays_nearly_white_and_highlights_stay_below():
    grey = np.broadcast_to(np.array([230, 241, 255])[None, :, None], (1, 3, 3)).astype(np.float32)
    light = hdr.roll_off(light_of(grey).reshape(-1, 3).astype(np.float32))
    np.testing.assert_allclose(light[:2], light_of(grey).reshape(-1, 3)[:2], rtol=1e-5)  # untouched up to 0.88 of white
    assert 0.94 < light[2, 0] < 1
    highlights = hdr.roll_off(np.repeat(np.float32([1, 2, 5, 49])[:, None], 3, axis=1))
    assert (np.diff(highlights[:, 0]) > 0).all()
    assert highlights.max() < 1


def test_highlights_keep_their_hue():
    rolled = hdr.roll_off(np.float32([[4, 2, 1]]))[0]
    np.testing.assert_allclose(rolled / rolled[0], (1, 0.5, 0.25), rtol=1e-5)


@pytest.mark.parametrize(("signal", "candela"), [(0.0, 0), (0.508078, 100), (0.580689, 203), (0.751827, 1000), (1.0, 10_000)])
def test_pq_levels(signal, candela):
    assert hdr.pq(np.float32([signal]))[0] * 203 == pytest.approx(candela, rel=1e-3, abs=1e-6)


def test_hlg_reference_white_is_three_quarters_of_the_signal():
    photo = images.read(with_chunk(encode(Image.new("RGB", (70, 70), (191, 191, 191)), "PNG"), b"cICP", bytes((9, 18, 0, 1))))
    assert abs(int(photo.pixels[0, 0, 0]) - 249) <= 1


def test_narrow_range_is_expanded():
    grey = with_chunk(encode(Image.new("RGB", (70, 70), (16, 126, 235)), "PNG"), b"cICP", bytes((1, 13, 0, 0)))
    np.testing.assert_allclose(images.read(grey).pixels[0, 0], (0, 128, 255), atol=1)


def test_alpha_is_kept_beside_hdr(scene):
    clear = np.dstack((scene, np.zeros(scene.shape[:2], np.uint8)))
    stored = with_chunk(encode(Image.fromarray(clear), "PNG"), b"cICP", bytes((9, 16, 0, 1)))
    np.testing.assert_array_equal(images.read(stored).pixels, 255)


def test_sixteen_bits_give_finer_steps_than_eight():
    deep = np.linspace(0, 1, 4096)[None, :, None].repeat(3, axis=2)
    convert = cicp.conversion(cicp.Cicp(9, 16)).to_srgb
    fine = convert.pixels(np.rint(deep * 65535).astype(np.uint16))
    coarse = convert.pixels(np.rint(deep * 255).astype(np.uint8))
    assert len(np.unique(fine)) > len(np.unique(coarse))
    assert np.abs(fine.astype(int) - coarse).max() <= 8


@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (2, 2), (1, 1), (2, 6), (1, 2)])
def test_srgb_code_points_change_nothing(primaries, transfer, scene):
    photo = images.read(with_chunk(encode(Image.fromarray(scene), "PNG"), b"cICP", bytes((primaries, transfer, 0, 1))))
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == ()


@pytest.mark.parametrize("code", [(200, 13), (1, 99), (9, 0), (3, 16)])
def test_unknown_code_points_are_taken_for_srgb_with_a_warning(code, scene):
    photo = images.read(with_chunk(encode(Image.fromarray(scene), "PNG"), b"cICP", bytes((*code, 0, 1))))
    np.testing.assert_array_equal(photo.pixels, scene)
    assert "unknown" in photo.warnings[0]


def test_display_p3_is_converted_without_a_warning():
    green = Image.new("RGB", (70, 70), (117, 251, 76))  # Display P3 of sRGB's pure green
    photo = images.read(with_chunk(encode(green, "PNG"), b"cICP", bytes((12, 13, 0, 1))))
    np.testing.assert_allclose(photo.pixels[0, 0], (0, 255, 0), atol=6)
    assert photo.warnings == ()


def test_linear_light_is_encoded():
    grey = with_chunk(encode(Image.new("RGB", (70, 70), (55, 55, 55)), "PNG"), b"cICP", bytes((1, 8, 0, 1)))
    np.testing.assert_allclose(images.read(grey).pixels, 128, atol=1)


def test_an_icc_profile_with_a_cicp_tag_of_pq_is_hdr(scene):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    count = int.from_bytes(profile[128:132], "big")
    tag = b"cicp" + bytes(4) + bytes((9, 16, 0, 1))
    end = 132 + 12 * count
    moved = b"".join(  # offsets of the other tags grow by the twelve bytes of the new entry
        profile[at : at + 4]
        + (int.from_bytes(profile[at + 4 : at + 8], "big") + 12).to_bytes(4, "big")
        + profile[at + 8 : at + 12]
        for at in range(132, end, 12)
    )
    entry = b"cicp" + (len(profile) + 12).to_bytes(4, "big") + (12).to_bytes(4, "big")
    tagged = profile[:128] + (count + 1).to_bytes(4, "big") + moved + entry + profile[end:] + tag
    tagged = len(tagged).to_bytes(4, "big") + tagged[4:]
    plain = Image.open(io.BytesIO(hdr_png(scene, 16)))
    photo = images.read(encode(Image.fromarray(np.asarray(plain)), "PNG", icc_profile=tagged))
    assert photo.warnings == ("HDR (PQ, BT.2020) converted to SDR",)
    np.testing.assert_array_equal(photo.pixels, images.read(hdr_png(scene, 16)).pixels)


def test_every_set_of_primaries_keeps_white_and_black():
    for _, chromaticities in cicp._PRIMARIES.values():
        matrix = linear.matrix_to_srgb(chromaticities)
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.inv(linear.matrix_to_srgb(cicp._PRIMARIES[9][1])), TO_BT2020, atol=2e-3)


def test_strips_and_blocks_do_not_show(monkeypatch):
    pixels = make_scene(90, 100)
    convert = cicp.conversion(cicp.Cicp(9, 16)).to_srgb
    whole = convert.pixels(pixels)
    monkeypatch.setattr(linear, "_BLOCK", 777)
    np.testing.assert_array_equal(convert.pixels(pixels), whole)
