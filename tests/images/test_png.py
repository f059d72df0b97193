"""PNG: colours by precedence; corrupt pixels are damage, corrupt metadata a warning."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from noref import errors, images
from noref.images import formats, png_chunks
from noref.images.photo import File
from pictures import encode
from png_files import END, SIGNATURE, chunk, chunks, raw_png, with_chunk

SRGB_CHRM = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CHRM = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
GREY = Image.new("RGB", (90, 70), (128, 128, 128))


def gama(value):
    return struct.pack(">I", value)


def swapped_profile():
    """An ICC profile whose red is blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")


def grey_profile():
    """An ICC profile of grey whose values are linear light."""
    curve = b"curv" + bytes(8)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    text = b"desc" + bytes(4) + struct.pack(">I", 2) + b"g\0" + bytes(78)
    start, entries, body = 132 + 12 * 3, b"", b""
    for kind, data in ((b"desc", text), (b"wtpt", white), (b"kTRC", curve)):
        entries += kind + struct.pack(">2I", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    illuminant = struct.pack(">3i", 63190, 65536, 54061)
    head = bytes(4) + struct.pack(">I", 0x02400000) + b"mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28) + illuminant + bytes(48)
    profile = bytes(4) + head + struct.pack(">I", 3) + entries + body
    return len(profile).to_bytes(4, "big") + profile[4:]


def damaged(data):
    with pytest.raises(errors.DamagedImage) as caught:
        images.read(data)
    return caught.value


@pytest.mark.parametrize("value", [45455, 45000, 46000])
def test_the_gamma_of_srgb_changes_nothing(value, scene):
    stored = with_chunk(
        with_chunk(encode(Image.fromarray(scene), "PNG"), b"gAMA", gama(value)), b"cHRM", struct.pack(">8I", *SRGB_CHRM)
    )
    photo = images.read(stored)
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == ()


def test_linear_light_becomes_brighter():
    linear = encode(Image.new("RGB", (90, 70), (55, 55, 55)), "PNG")
    np.testing.assert_allclose(images.read(with_chunk(linear, b"gAMA", gama(100_000))).pixels, 128, atol=1)


def test_gamma_applies_to_grey_and_keeps_alpha():
    grey = with_chunk(encode(Image.new("LA", (90, 70), (55, 255)), "PNG"), b"gAMA", gama(100_000))
    np.testing.assert_allclose(images.read(grey).pixels, 128, atol=1)
    clear = with_chunk(encode(Image.new("RGBA", (90, 70), (55, 55, 55, 0)), "PNG"), b"gAMA", gama(100_000))
    np.testing.assert_array_equal(images.read(clear).pixels, 255)


def test_chromaticities_alone_are_converted():
    green = with_chunk(encode(Image.new("RGB", (90, 70), (117, 251, 76)), "PNG"), b"cHRM", struct.pack(">8I", *P3_CHRM))
    np.testing.assert_allclose(images.read(green).pixels[0, 0], (0, 255, 0), atol=6)


@pytest.mark.parametrize("value", [0, 1, 1_000_001, 2**31])
def test_an_impossible_gamma_is_ignored_with_a_warning(value, scene):
    photo = images.read(with_chunk(encode(Image.fromarray(scene), "PNG"), b"gAMA", gama(value)))
    np.testing.assert_array_equal(photo.pixels, scene)
    assert "gamma" in photo.warnings[0]


@pytest.mark.parametrize("values", [(0,) * 8, (1,) * 8, (2**31,) * 8])
def test_impossible_chromaticities_are_ignored_with_a_warning(values, scene):
    photo = images.read(with_chunk(encode(Image.fromarray(scene), "PNG"), b"cHRM", struct.pack(">8I", *values)))
    np.testing.assert_array_equal(photo.pixels, scene)
    assert "chromaticities" in photo.warnings[0]


def test_precedence_is_cicp_then_iccp_then_srgb_then_gama():
    red = Image.new("RGB", (90, 70), (255, 0, 0))
    with_gamma = with_chunk(encode(GREY, "PNG"), b"gAMA", gama(100_000))
    assert images.read(with_gamma).pixels[0, 0, 0] > 180
    np.testing.assert_array_equal(images.read(with_chunk(with_gamma, b"sRGB", b"\0")).pixels, 128)
    profiled = with_chunk(encode(red, "PNG", icc_profile=swapped_profile()), b"sRGB", b"\0")
    np.testing.assert_allclose(images.read(profiled).pixels[0, 0], (0, 0, 255), atol=2)
    coded = with_chunk(profiled, b"cICP", bytes((1, 13, 0, 1)))
    np.testing.assert_array_equal(images.read(coded).pixels[0, 0], (255, 0, 0))


def test_a_grey_profile_applies_beside_alpha():
    linear = grey_profile()
    for mode, value in (("L", 55), ("LA", (55, 255))):
        photo = images.read(encode(Image.new(mode, (90, 70), value), "PNG", icc_profile=linear))
        np.testing.assert_allclose(photo.pixels, 128, atol=2)
        assert photo.warnings == ()


@pytest.mark.parametrize("bits", [8, 16])
def test_rgb_of_any_depth(bits, scene):
    rows = b"".join(b"\0" + (row.astype(">u2") * 257).tobytes() for row in scene)
    stored = encode(Image.fromarray(scene), "PNG") if bits == 8 else raw_png(rows, 256, 192, depth=16)
    np.testing.assert_array_equal(images.read(stored).pixels, scene)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_is_read_whole(mode, scene):
    image = Image.fromarray(scene).convert(mode)
    photo = images.read(encode(image, "PNG"))
    np.testing.assert_array_equal(photo.pixels, np.asarray(image.convert("RGB")))
    assert photo.warnings == ()


def test_a_wrong_bit_in_the_pixels_is_damage(scene):
    """Stored without compression, so that only the checksum shows it."""
    stored = bytearray(encode(Image.fromarray(scene), "PNG", compress_level=0))
    stored[len(stored) // 2] ^= 1
    assert "IDAT" in damaged(bytes(stored)).cause


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"IDAT"])
def test_a_wrong_checksum_of_a_critical_chunk_is_damage(kind, scene):
    stored = bytearray(encode(Image.fromarray(scene).quantize(16), "PNG"))
    at, size = next((at, size) for found, at, size in chunks(bytes(stored)) if found == kind)
    stored[at + size - 1] ^= 1
    assert kind.decode() in damaged(bytes(stored)).cause


def test_missing_rows_are_damage_though_every_checksum_is_right(scene):
    rows = b"".join(b"\0" + row.tobytes() for row in scene)
    np.testing.assert_array_equal(images.read(raw_png(rows, 256, 192)).pixels, scene)
    damaged(raw_png(rows[: len(rows) // 2], 256, 192))
    damaged(raw_png(rows[:-1], 256, 192))
    damaged(raw_png(rows[: len(rows) // 2], 256, 192, interlaced=1))
    damaged(raw_png(b"", 256, 192))
    damaged(SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 256, 192, 8, 2, 0, 0, 0)) + END)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 2), (5, 7), (8, 8), (13, 9)])
@pytest.mark.parametrize(("depth", "color", "channels"), [(1, 0, 1), (4, 0, 1), (8, 2, 3), (16, 6, 4)])
def test_interlaced_rows_are_counted_exactly(width, height, depth, color, channels):
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    counts = ((len(range(left, width, across)), len(range(top, height, down))) for left, top, across, down in passes)
    size = sum(rows * (1 + (columns * depth * channels + 7) // 8) for columns, rows in counts if columns)
    images.read(raw_png(bytes(size), width, height, depth=depth, color=color, interlaced=1))
    damaged(raw_png(bytes(size - 1), width, height, depth=depth, color=color, interlaced=1))


def test_a_missing_palette_is_damage():
    rows = b"".join(b"\0" + bytes(90) for _ in range(70))
    images.read(raw_png(rows, 90, 70, color=3, extra=chunk(b"PLTE", bytes(3))))
    assert "palette" in damaged(raw_png(rows, 90, 70, color=3)).cause


@pytest.mark.parametrize("lost", range(1, 13))
def test_a_missing_end_marker_is_a_warning(lost, scene):
    photo = images.read(encode(Image.fromarray(scene), "PNG")[:-lost])
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == ("its end marker is missing",)


def test_a_cut_in_the_pixels_is_damage(scene):
    damaged(encode(Image.fromarray(scene), "PNG")[:-20])


@pytest.mark.parametrize("kind", [b"tEXt", b"eXIf", b"tIME", b"zTXt", b"iTXt", b"pHYs", b"vpAg"])
def test_a_corrupt_ancillary_chunk_is_a_warning(kind, scene):
    stored = bytearray(with_chunk(encode(Image.fromarray(scene), "PNG"), kind, b"Comment\0something"))
    stored[stored.index(b"something")] ^= 4
    photo = images.read(bytes(stored))
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == (f"corrupt chunks were ignored ({kind.decode()})",)


def test_invalid_metadata_with_correct_checksums_are_ignored(scene):
    stored = encode(Image.fromarray(scene), "PNG")
    for kind in (b"eXIf", b"zTXt", b"iTXt", b"pHYs", b"acTL", b"fcTL", b"tIME"):
        stored = with_chunk(stored, kind, b"\x01\xff")
    np.testing.assert_array_equal(images.read(stored).pixels, scene)


def test_more_text_than_pillow_reads(scene):
    notes = PngInfo()
    notes.add_text("notes", "x" * (1 << 24), zip=True)
    np.testing.assert_array_equal(images.read(encode(Image.fromarray(scene), "PNG", pnginfo=notes)).pixels, scene)


def test_orientation_behind_the_pixels(scene):
    exif = Image.Exif()
    exif[0x0112] = 3
    stored = encode(Image.fromarray(scene[::-1, ::-1]), "PNG")
    tail = chunk(b"eXIf", exif.tobytes()[6:])
    np.testing.assert_array_equal(images.read(stored[: -len(END)] + tail + END).pixels, scene)


def test_ancillary_chunks_beyond_a_limit_are_not_looked_at(scene):
    exif = Image.Exif()
    exif[0x0112] = 3
    stored = encode(Image.fromarray(scene), "PNG")
    turn = chunk(b"eXIf", exif.tobytes()[6:])
    frames = chunk(b"fdAT", bytes(4)) * 5000  # of an animation, which count for themselves
    np.testing.assert_array_equal(images.read(stored[: -len(END)] + frames + turn + END).pixels, scene[::-1, ::-1])
    texts = chunk(b"tEXt", b"note\0x") * 5000
    assert len(png_chunks.walk(io.BytesIO(stored[: -len(END)] + texts + END))) < 4200
    photo = images.read(stored[: -len(END)] + texts + END)
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == ()


@pytest.mark.parametrize("keyword", [b"note", b"XML:com.adobe.xmp"])
def test_metadata_are_read_in_limited_memory(keyword, scene):
    exif = Image.Exif()
    exif[0x0112] = 3
    stored = encode(Image.fromarray(scene), "PNG")
    texts = chunk(b"tEXt", keyword + b"\0" + bytes(1 << 20)) * 64
    data = stored[: -len(END)] + texts + chunk(b"eXIf", exif.tobytes()[6:]) + END
    tracemalloc.start()
    try:
        photo = images.read(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(photo.pixels, scene[::-1, ::-1])


def test_an_unknown_critical_chunk_is_unsupported(scene):
    stored = encode(Image.fromarray(scene), "PNG")
    with pytest.raises(errors.UnsupportedImage, match="CgBI"):
        images.read(SIGNATURE + chunk(b"CgBI", bytes(4)) + stored[len(SIGNATURE) :])


def test_a_signature_after_a_transfer_in_text_mode_is_damage(scene):
    assert "text mode" in damaged(encode(Image.fromarray(scene), "PNG").replace(b"\r\n", b"\n", 1)).cause


def test_what_follows_the_end_is_ignored(scene):
    photo = images.read(encode(Image.fromarray(scene), "PNG") + b"anything" * 100)
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == ()


def test_an_animation_gives_its_first_frame(scene):
    frames = [Image.fromarray(np.roll(scene, by, axis=0)) for by in (20, 50)]
    stored = encode(Image.fromarray(scene), "PNG", save_all=True, append_images=frames)
    photo = images.read(stored)
    np.testing.assert_array_equal(photo.pixels, scene)
    assert photo.warnings == ("only the first of 3 frames was read",)
    still = images.read(encode(Image.fromarray(scene), "PNG", save_all=True, append_images=frames, default_image=True))
    np.testing.assert_array_equal(still.pixels, scene)
    cut = images.read(stored[: int(len(stored) * 0.8)])
    np.testing.assert_array_equal(cut.pixels, scene)
    assert len(cut.warnings) > 1


def test_a_second_header_does_not_evade_the_size_limit(scene):
    larger = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    np.testing.assert_array_equal(images.read(with_chunk(encode(Image.fromarray(scene), "PNG"), b"IHDR", larger)).pixels, scene)


def test_many_small_pixel_chunks(scene):
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in scene))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 256, 192, 8, 2, 0, 0, 0))
    parts = b"".join(chunk(b"IDAT", rows[at : at + 100]) for at in range(0, len(rows), 100))
    np.testing.assert_array_equal(images.read(SIGNATURE + header + parts + END).pixels, scene)


def test_the_file_is_not_read_at_once():
    class Counting(io.BytesIO):
        largest = 0

        def read(self, size=-1, /):
            data = super().read(size)
            self.largest = max(self.largest, len(data))
            return data

    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    stream = Counting(encode(Image.fromarray(noise), "PNG"))
    np.testing.assert_array_equal(formats.read(File("noise.png", stream, images.MAX_PIXELS)).pixels, noise)
    assert stream.largest <= 1 << 16
