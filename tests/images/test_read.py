"""Every picture is read by the stated rules, or refused by a typed error that names file, cause and cure."""

import io
import os
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from noref import errors, images
from noref.images import convert
from pictures import encode, make_scene

FLAT = np.full((80, 100, 3), (200, 100, 50), np.uint8)
LOSSLESS = [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})]
LOSSY = [("JPEG", {"quality": 95}), ("AVIF", {"quality": 95}), ("WEBP", {"quality": 95})]


@pytest.mark.parametrize(("form", "options"), LOSSLESS)
def test_lossless_formats_give_the_pixels_back(form, options, scene):
    photo = images.read(encode(Image.fromarray(scene), form, **options))
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == ()


@pytest.mark.parametrize(("form", "options"), LOSSY)
def test_lossy_formats_give_nearly_the_pixels_back(form, options, scene):
    assert np.abs(images.read(encode(Image.fromarray(scene), form, **options)).pixels.astype(int) - scene).mean() < 6


def test_heic_is_read_where_its_decoder_is_installed(scene):
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(scene)).save(stream, quality=95)
    assert np.abs(images.read(stream.getvalue()).pixels.astype(int) - scene).mean() < 6


@pytest.mark.parametrize("length", [20, 200])
def test_heic_that_was_cut_off_is_damaged(length, scene):
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(scene)).save(stream)
    refused(errors.DamagedImage, stream.getvalue()[:length])


def test_heic_without_its_decoder_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(errors.UnsupportedImage, match=r"noref\[heic\]"):
        images.read(b"\x00\x00\x00\x18ftypheic" + bytes(64))


@pytest.mark.parametrize("make", [lambda p: p, str, lambda p: p.read_bytes(), lambda p: p.open("rb"), Image.open])
def test_every_kind_of_source_gives_the_same_pixels(make, save, scene):
    source = make(save("a.b.png", scene))
    np.testing.assert_array_equal(images.read(source).pixels, scene)
    if hasattr(source, "close"):
        source.close()


def test_arrays_pass_through(scene):
    assert images.read(scene).pixels is scene


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation, scene):
    upright = Image.fromarray(scene)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Transpose that a viewer would undo
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(images.read(encode(stored, "PNG", exif=exif)).pixels, scene)


def test_sixteen_bit_grey_is_scaled():
    grey = Image.fromarray(np.full((70, 90), 32896, np.uint16))
    np.testing.assert_array_equal(images.read(encode(grey, "PNG")).pixels, 128)
    white = Image.fromarray(np.full((70, 90), 65535, np.uint16))
    np.testing.assert_array_equal(images.read(encode(white, "TIFF")).pixels, 255)


def test_sixteen_bit_transparency_is_that_value_alone():
    values = np.full((70, 90), 64 * 257, np.uint16)
    values[:, 45:] = 64 * 257 + 1  # the same grey of 8 bits
    stored = encode(Image.fromarray(values), "PNG")
    clear = b"tRNS" + (64 * 257 + 1).to_bytes(2, "big")
    chunk = (2).to_bytes(4, "big") + clear + zlib.crc32(clear).to_bytes(4, "big")
    at = stored.index(b"IDAT") - 4
    pixels = images.read(stored[:at] + chunk + stored[at:]).pixels
    assert (pixels[:, :45] == 64).all()
    assert (pixels[:, 45:] == 255).all()


def test_grey_and_bilevel_fill_all_channels():
    np.testing.assert_array_equal(images.read(encode(Image.new("L", (90, 70), 77), "PNG")).pixels, 77)
    np.testing.assert_array_equal(images.read(encode(Image.new("1", (90, 70), 1), "PNG")).pixels, 255)


@pytest.mark.parametrize(("alpha", "warned"), [(0, True), (1, False)])
def test_an_entirely_transparent_image_has_a_warning(alpha, warned):
    image = Image.new("RGBA", (70, 1200), (10, 20, 30, 0))
    image.putpixel((5, 1100), (10, 20, 30, alpha))
    photo = images.read(encode(image, "PNG"))
    assert photo.warnings == ("entirely transparent: a white frame was scored",) * warned


def test_transparency_is_laid_on_white():
    clear = Image.new("RGBA", (90, 70), (10, 20, 30, 0))
    np.testing.assert_array_equal(images.read(encode(clear, "PNG")).pixels, 255)
    half = images.read(encode(Image.new("LA", (90, 70), (0, 128)), "PNG")).pixels
    np.testing.assert_allclose(half, 127, atol=1)
    palette = Image.fromarray(FLAT).quantize(4)
    palette.info["transparency"] = palette.getpixel((0, 0))
    np.testing.assert_array_equal(images.read(encode(palette, "PNG", transparency=palette.info["transparency"])).pixels, 255)


def test_palette_and_gif_give_their_colours():
    for form in ("PNG", "GIF"):
        np.testing.assert_allclose(images.read(encode(Image.fromarray(FLAT).quantize(8), form)).pixels, FLAT, atol=1)


def test_cmyk_becomes_rgb():
    red = images.read(encode(Image.new("CMYK", (90, 70), (0, 255, 255, 0)), "JPEG", quality=95)).pixels[35, 45].astype(int)
    assert red[0] > 200
    assert max(red[1:]) < 60


def test_icc_profile_is_brought_to_srgb():
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = swapped.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")  # its red is our blue
    for mode, red, blue in (("RGB", (255, 0, 0), (0, 0, 255)), ("RGBA", (255, 0, 0, 255), (0, 0, 255))):
        pixels = images.read(encode(Image.new(mode, (90, 70), red), "PNG", icc_profile=swapped)).pixels
        np.testing.assert_allclose(pixels, np.broadcast_to(blue, pixels.shape), atol=2)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    middle = encode(Image.new("LAB", (90, 70), (128, 128, 128)), "TIFF", icc_profile=lab)  # L = 50, a = b = 0
    np.testing.assert_allclose(images.read(middle).pixels, 119, atol=2)


def test_unfit_icc_profile_is_ignored_with_a_warning(scene):
    photo = images.read(encode(Image.fromarray(scene), "PNG", icc_profile=b"this is no profile"))
    np.testing.assert_array_equal(photo.pixels, scene)
    assert any("colour profile" in note for note in photo.warnings)


def test_an_unfit_icc_profile_of_a_transparent_image_is_a_warning():
    clear = Image.new("LA", (90, 70), (77, 255))
    assert any("colour profile" in note for note in images.read(encode(clear, "PNG", icc_profile=b"no profile")).warnings)


def test_avif_that_begins_like_heic_is_read_without_its_decoder(monkeypatch, scene):
    whole = encode(Image.fromarray(scene), "AVIF")
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    renamed = whole[:8] + b"mif1" + whole[12:]
    np.testing.assert_array_equal(images.read(renamed).pixels, images.read(whole).pixels)


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="needs /dev/fd")
def test_a_pipe_is_read(scene):
    reading, writing = os.pipe()
    stored = encode(Image.fromarray(scene), "JPEG")
    threading.Thread(target=lambda: Path(f"/dev/fd/{writing}").write_bytes(stored) and os.close(writing)).start()
    np.testing.assert_array_equal(images.read(f"/dev/fd/{reading}").pixels, images.read(stored).pixels)
    os.close(reading)


def test_first_frame_of_an_animation_is_read_with_a_warning():
    frames = [Image.new("RGB", (90, 70), colour) for colour in ("red", "green", "blue")]
    photo = images.read(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    np.testing.assert_array_equal(photo.pixels[0, 0], (255, 0, 0))
    assert photo.warnings == ("only the first of 3 frames was read",)


def test_large_photos_are_copied_whole():
    tall = make_scene(convert._STRIP * 2 + 5, 64)
    np.testing.assert_array_equal(images.read(encode(Image.fromarray(tall), "BMP")).pixels, tall)


def refused(kind: type[errors.ImageError], source: images.Source, **options: int) -> errors.ImageError:
    with pytest.raises(kind) as caught:
        images.read(source, **options)
    assert type(caught.value) is kind
    assert caught.value.cause
    assert caught.value.cure
    assert str(caught.value).startswith(caught.value.name)
    return caught.value


def test_missing_file(tmp_path: Path):
    assert refused(errors.ImageNotFound, tmp_path / "none.jpg").name.endswith("none.jpg")
    refused(errors.ImageNotFound, tmp_path)
    refused(errors.ImageNotFound, "a\0b.jpg")


def test_empty_file(save):
    refused(errors.EmptyImage, save("empty.jpg", b""))


def test_a_closed_file(save, scene, tmp_path):
    with save("a.png", scene).open("rb") as stream:
        pass
    refused(errors.ImageNotFound, stream)
    picture = Image.open(tmp_path / "a.png")
    picture.close()
    refused(errors.ImageNotFound, picture)


def test_text_named_like_a_picture(save):
    assert "JPEG" in refused(errors.NotAnImage, save("letter.jpg", b"Dear Sir or Madam, " * 50)).cure


@pytest.mark.parametrize(("form", "options"), LOSSLESS[:3] + LOSSY)
def test_truncated_file(form, options, scene):
    whole = encode(Image.fromarray(scene), form, **options)
    refused(errors.DamagedImage, whole[: int(len(whole) * 0.6)])


def test_a_picture_that_pillow_opened_but_cannot_decode(scene):
    whole = encode(Image.fromarray(scene), "JPEG")
    refused(errors.DamagedImage, Image.open(io.BytesIO(whole[: len(whole) // 2])))


@pytest.mark.parametrize("side", [(64, 3201), (3201, 64), (1, 51)])
def test_strips_are_no_photos(side):
    assert "50 times" in refused(errors.UnsupportedImage, np.zeros((*side, 3), np.uint8)).cause
    refused(errors.UnsupportedImage, encode(Image.new("L", side), "PNG"))


def test_decompression_bomb_is_refused_before_it_is_decoded(save):
    bomb = save("bomb.png", encode(Image.new("1", (20_000, 20_000)), "PNG"))
    assert "200,000,000 pixels" in refused(errors.ImageTooLarge, bomb).cause
    refused(errors.ImageTooLarge, encode(Image.new("L", (200, 100)), "PNG"), max_pixels=19_999)
    assert images.read(encode(Image.new("L", (200, 100)), "PNG"), max_pixels=20_000).pixels.shape == (100, 200, 3)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "GIF", "BMP", "AVIF", "JPEG2000", "JPEG"])
def test_pillows_own_limit_is_not_ours_and_left_as_it_was(form, scene, monkeypatch):
    data = encode(Image.fromarray(scene), form, **({"compression": "tiff_lzw"} if form == "TIFF" else {}))
    expected = images.read(data).pixels
    decoded = Image.open(io.BytesIO(data))
    decoded.load()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    np.testing.assert_array_equal(images.read(data).pixels, expected)
    images.read(decoded)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_pillows_own_limit_on_a_pil_image_is_not_called_damage(scene, monkeypatch):
    image = Image.open(io.BytesIO(encode(Image.fromarray(scene), "TIFF")))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert "Pillow" in refused(errors.ImageTooLarge, image).cause


@pytest.mark.parametrize("array", [np.zeros((70, 90)), np.zeros((70, 90), np.uint8), np.zeros((70, 90, 4), np.uint8)])
def test_arrays_of_another_kind(array):
    refused(errors.UnsupportedImage, array)


def test_empty_array():
    refused(errors.EmptyImage, np.zeros((0, 90, 3), np.uint8))


def test_pixels_without_agreed_meaning():
    refused(errors.UnsupportedImage, encode(Image.new("F", (90, 70), 0.5), "TIFF"))
    refused(errors.UnsupportedImage, encode(Image.fromarray(np.full((70, 90), 70_000, np.int32)), "TIFF"))


def test_wrong_types_are_named():
    assert "int" in refused(errors.UnsupportedImage, 3).cause
    assert "NoneType" in refused(errors.UnsupportedImage, None).cause
    assert "binary" in refused(errors.UnsupportedImage, io.StringIO("text")).cure


def read_or_refuse(data: bytes) -> None:
    try:
        pixels = images.read(data, max_pixels=10**6).pixels
    except errors.ImageError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_random_bytes_never_crash(data):
    read_or_refuse(data)


WHOLE = {
    form + str(options): encode(Image.fromarray(make_scene(72, 96)), form, **options)
    for form, options in [
        *LOSSLESS,
        *LOSSY,
        ("GIF", {}),
        ("JPEG", {"progressive": True}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ]
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")  # Pillow's grumbles over damaged metadata
@given(st.sampled_from(sorted(WHOLE)), st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_randomly_damaged_files_never_crash(form, data):
    broken = bytearray(WHOLE[form])
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(broken)))
    read_or_refuse(bytes(broken[:cut]))


def test_32_bit_grey_that_is_not_of_a_file_is_refused(scene):
    grey = Image.fromarray(scene).convert("L")
    with pytest.raises(errors.UnsupportedImage, match="32-bit pixels of unknown range"):
        images.read(grey.convert("I"))
    stored = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    assert (images.read(stored).pixels == images.read(grey).pixels).all()
    file = io.BytesIO()
    stored.save(file, "PPM")
    opened = Image.open(file)
    assert opened.mode == "I"
    assert (images.read(opened).pixels == images.read(grey).pixels).all()
