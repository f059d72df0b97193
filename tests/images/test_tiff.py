"""TIFF of every layout is read as tifffile and the tags have it, or refused by name; never wrongly in silence."""

import io
import itertools
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms, TiffImagePlugin

from noref import errors, images
from noref.images import formats, tiff, tiff_directory
from noref.images.photo import File
from pictures import encode, make_scene

HEIGHT, WIDTH = 51, 70
SCENE = make_scene(HEIGHT, WIDTH)
GREY = np.asarray(Image.fromarray(SCENE).convert("L"))
FULL = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
MAX_SAMPLE_VALUE, FILL_ORDER, DNG_VERSION = 281, 266, 50706


def packs_bits() -> bool:
    """Whether the installed imagecodecs packs integers; the last one for Python 3.10 does not."""
    try:
        return bool(imagecodecs.packints_encode(np.zeros(4, np.uint16), 12))
    except NotImplementedError:
        return False


needs_packed_bits = pytest.mark.skipif(not packs_bits(), reason="imagecodecs does not pack integers here")


def write(*pages: tuple[np.ndarray, dict[str, Any]], **options: Any) -> bytes:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, **options) as writer:
        for pixels, how in pages:
            writer.write(pixels, metadata=None, **how)
    return stream.getvalue()


def one(pixels: np.ndarray, *, byteorder: str = "<", bigtiff: bool = False, **how: Any) -> bytes:
    return write((pixels, how), byteorder=byteorder, bigtiff=bigtiff)


def deep(pixels: np.ndarray, dtype: Any = np.uint16, bits: int = 0) -> np.ndarray:
    """The picture in other bits; the low bits hold something too."""
    bits = bits or np.dtype(dtype).itemsize * 8
    return np.rint(pixels / 255 * ((1 << bits) - 1)).astype(dtype)


def refused(kind: type[Exception], data: bytes, match: str | None = None) -> None:
    with pytest.raises(kind, match=match) as caught:
        images.read(data)
    assert type(caught.value) is kind


def near(data: bytes, expected: np.ndarray, tolerance: float = 1, warned: bool = False) -> images.Photo:
    photo = images.read(data)
    expected = np.repeat(expected[..., None], 3, axis=2) if expected.ndim == 2 else expected
    assert photo.pixels.shape == expected.shape
    assert np.abs(photo.pixels.astype(float) - expected).max() <= tolerance
    assert bool(photo.warnings) == warned, photo.warnings
    return photo


def with_tags(data: bytes, **values: int) -> bytes:
    """A little-endian file of one page, some tags of it set to other values (by the names in Pillow's ExifTags)."""
    patched = bytearray(data)
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    left = {ExifTags.Base[name].value: value for name, value in values.items()}
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from("<HH", data, at)
        if tag in left:
            value = left.pop(tag)
            struct.pack_into("<HHII" if kind != 3 else "<HHIHxx", patched, at, tag, kind, 1, value)
    assert not left
    return bytes(patched)


# The matrix


class Layout(NamedTuple):
    name: str
    pixels: np.ndarray
    how: dict[str, Any]


def reference(data: bytes) -> np.ndarray:
    """RGB from the samples that tifffile reads, by the definitions of TIFF 6.0; transparency on white."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        samples = page.asarray().astype(float)
        if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            samples = np.moveaxis(samples, 0, -1)
        samples = samples.reshape(page.imagelength, page.imagewidth, -1)
        white = page.tags[MAX_SAMPLE_VALUE].value if MAX_SAMPLE_VALUE in page.tags else (1 << page.bitspersample) - 1
        values, extras, photometric = samples / white, page.extrasamples, page.photometric
        colormap = page.colormap
    colors = values[..., : values.shape[2] - len(extras)]
    if photometric == tifffile.PHOTOMETRIC.PALETTE:
        colors = colormap.T[samples[..., 0].astype(int)] / 65535
    if photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        colors = 1 - colors
    if photometric == tifffile.PHOTOMETRIC.SEPARATED:
        colors = (1 - colors[..., :3]) * (1 - colors[..., 3:])
    for index, extra in enumerate(extras):
        if extra in (tifffile.EXTRASAMPLE.ASSOCALPHA, tifffile.EXTRASAMPLE.UNASSALPHA):
            alpha = values[..., index - len(extras)][..., None]
            colors = colors * (1 if extra == tifffile.EXTRASAMPLE.ASSOCALPHA else alpha) + 1 - alpha
            break
    return 255 * np.broadcast_to(colors, (*colors.shape[:2], 3))


def compressed() -> Iterator[Layout]:
    """Depth x colours x planes x byte order x strips or tiles x compression x predictor."""
    cmyk = np.dstack([255 - SCENE, GREY // 3])
    kinds = [(GREY, "minisblack", None), (GREY, "miniswhite", None)]
    kinds += [(pixels, name, plan) for pixels, name in ((SCENE, "rgb"), (cmyk, "separated")) for plan in ("contig", "separate")]
    codecs = [(codec, None) for codec in (None, "packbits", "lzw", "deflate", "zstd", "lzma")]
    codecs += [(codec, True) for codec in ("lzw", "deflate", "zstd", "lzma")]
    shapes = [{"rowsperstrip": 16}, {"tile": (32, 16)}]
    combinations = itertools.product((np.uint8, np.uint16), kinds, codecs, shapes, "<>")
    for dtype, (pixels, photometric, planar), (codec, predictor), shape, order in combinations:
        how = {"photometric": photometric, "compression": codec, "predictor": predictor, "byteorder": order, **shape}
        if planar:
            how["planarconfig"] = planar
        arranged = np.moveaxis(pixels, -1, 0) if planar == "separate" else pixels
        yield Layout(f"{np.dtype(dtype)} {how}", deep(arranged, dtype), how)


def packed() -> Iterator[Layout]:
    """Every depth from 1 to 16 bits without padding."""
    for bits, order, (pixels, photometric) in itertools.product(range(1, 17), "<>", ((GREY, "minisblack"), (SCENE, "rgb"))):
        how = {"photometric": photometric, "byteorder": order}
        if bits not in (8, 16):
            how["bitspersample"] = bits
        yield Layout(f"{bits} bits {how}", deep(pixels, np.uint8 if bits <= 8 else np.uint16, bits), how)


def with_extras() -> Iterator[Layout]:
    """Transparency, and channels that are nothing."""
    alpha = np.tile(np.linspace(0, 255, WIDTH), (HEIGHT, 1))
    kinds = ((GREY[..., None], "minisblack"), (SCENE, "rgb"))
    for dtype, (colors, photometric), planar in itertools.product((np.uint8, np.uint16), kinds, ("contig", "separate")):
        for extras in (["unassalpha"], ["assocalpha"], ["unspecified"], ["unassalpha", "unspecified"], ["unspecified"] * 2):
            shown = colors * (alpha[..., None] / 255) if extras[0] == "assocalpha" else colors
            pixels = deep(np.dstack([shown, *[alpha] * len(extras)]), dtype)
            how = {"photometric": photometric, "planarconfig": planar, "extrasamples": extras}
            yield Layout(f"{np.dtype(dtype)} {how}", np.moveaxis(pixels, -1, 0) if planar == "separate" else pixels, how)


def palettes() -> Iterator[Layout]:
    rng = np.random.default_rng(0)
    for bits, order in itertools.product((8, 16), "<>"):
        colormap = rng.integers(0, 65536, (3, 1 << bits), dtype=np.uint16)
        how = {"photometric": "palette", "colormap": colormap, "byteorder": order}
        yield Layout(f"palette of {bits} bits", deep(GREY, np.uint8 if bits == 8 else np.uint16), how)


def large_offsets() -> Iterator[Layout]:
    for order, dtype in itertools.product("<>", (np.uint8, np.uint16)):
        yield Layout(
            f"BigTIFF {order} {np.dtype(dtype)}",
            deep(SCENE, dtype),
            {"photometric": "rgb", "byteorder": order, "bigtiff": True},
        )


def with_a_maximum() -> Iterator[Layout]:
    for bits, photometric, order in itertools.product((9, 10, 12, 14), ("minisblack", "miniswhite", "rgb"), "<>"):
        pixels = deep(SCENE if photometric == "rgb" else GREY, np.uint16, bits)
        maximum = [(MAX_SAMPLE_VALUE, "H", 1, (1 << bits) - 1, True)]
        yield Layout(
            f"{bits} of 16 bits {photometric}", pixels, {"photometric": photometric, "extratags": maximum, "byteorder": order}
        )


@pytest.mark.parametrize(
    "layouts", [compressed, pytest.param(packed, marks=needs_packed_bits), palettes, large_offsets, with_a_maximum]
)
def test_layouts_are_read_as_tifffile_reads_them(layouts):
    wrong, warned = [], []
    for layout in layouts():
        data = one(layout.pixels, **layout.how)
        photo = images.read(data)
        difference = np.abs(photo.pixels - reference(data)).max()
        wrong += [] if difference <= 1 else [(layout.name, difference)]
        warned += [(layout.name, photo.warnings)] if photo.warnings else []
    assert wrong == []
    assert warned == []


def test_extra_channels_are_transparency_or_ignored_with_a_warning():
    for layout in with_extras():
        data = one(layout.pixels, **layout.how)
        photo = images.read(data)
        assert np.abs(photo.pixels - reference(data)).max() <= 2, layout.name
        assert bool(photo.warnings) == ("unspecified" in layout.how["extrasamples"]), layout.name


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "u4", "u8", "f2", "f4", "f8", "c8"])
@pytest.mark.parametrize("planar", [None, "contig", "separate"])
def test_samples_that_have_no_agreed_white_are_refused_by_name(dtype, planar):
    pixels = {None: GREY, "contig": SCENE, "separate": np.moveaxis(SCENE, -1, 0)}[planar]
    how = {"photometric": "rgb", "planarconfig": planar} if planar else {"photometric": "minisblack"}
    bits = 8 * np.dtype(dtype).itemsize
    refused(errors.UnsupportedImage, one((pixels // 2).astype(dtype), **how), f"TIFF with {bits}-bit .* samples")


@pytest.mark.parametrize(
    ("codec", "name"),
    [("jpeg2000", "JPEG 2000"), ("jpegxl", "JPEG XL"), ("lerc", "LERC"), ("jpegxr", "JPEG XR"), ("png", "PNG")],
)
@pytest.mark.parametrize("pixels", [GREY, SCENE], ids=["grey", "rgb"])
def test_compressions_that_are_not_read_are_named(codec, name, pixels):
    pytest.importorskip("imagecodecs")
    photometric = "rgb" if pixels.ndim == 3 else "minisblack"
    refused(errors.UnsupportedImage, one(pixels, photometric=photometric, compression=codec), f"TIFF compressed with {name};")


@pytest.mark.parametrize("shape", [{"rowsperstrip": 16}, {"tile": (32, 32)}, {}], ids=["strips", "tiles", "whole"])
@pytest.mark.parametrize(
    ("pixels", "how"),
    [
        (GREY, {"photometric": "minisblack"}),
        (SCENE, {"photometric": "rgb", "subsampling": (1, 1)}),
        (SCENE, {"photometric": "rgb", "subsampling": (2, 1)}),
        (SCENE, {"photometric": "rgb", "subsampling": (2, 2)}),
        (SCENE, {"photometric": "rgb", "compressionargs": {"outcolorspace": "rgb"}}),
        (np.moveaxis(SCENE, -1, 0), {"photometric": "rgb", "planarconfig": "separate"}),
    ],
    ids=["grey", "444", "422", "420", "rgb", "planes"],
)
def test_jpeg_inside_is_read(pixels, how, shape):
    pytest.importorskip("imagecodecs")
    how = {**how, "compressionargs": {**how.get("compressionargs", {}), "level": 95}}
    data = one(pixels, compression="jpeg", **how, **shape)
    expected = tifffile.imread(io.BytesIO(data))
    expected = np.moveaxis(expected, 0, -1) if len(expected) == 3 else expected.reshape(HEIGHT, WIDTH, -1)
    assert np.abs(images.read(data).pixels.astype(int) - expected).mean() < 0.5


def test_tables_of_jpeg_may_be_in_the_page():
    data = encode(Image.fromarray(SCENE), "TIFF", compression="jpeg", quality=95, strip_size=WIDTH * 16 * 3)
    assert b"\x01\x5b" in data or b"\x5b\x01" in data  # JPEGTables, which libtiff writes
    assert np.abs(images.read(data).pixels.astype(int) - SCENE).mean() < 3


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_inside_is_read(lossless):
    pytest.importorskip("imagecodecs")
    data = one(
        SCENE, photometric="rgb", compression="webp", rowsperstrip=16, compressionargs={"lossless": lossless, "level": 95}
    )
    assert np.abs(images.read(data).pixels.astype(int) - SCENE).mean() < (0.01 if lossless else 6)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw", "raw"])
def test_bilevel_scans_are_read(compression):
    bilevel = Image.fromarray(GREY > 110)
    near(
        encode(bilevel, "TIFF", compression=compression),
        (GREY > 110) * 255.0,
        0,
        compression[0] in "g" or "ccitt" in compression,
    )


# Colours


def lab_to_srgb(lightness: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """By the definitions: L*a*b* of white D50, to XYZ, to linear sRGB (Bradford), to sRGB."""
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * (0.9642, 1, 0.8249)
    to_rgb = np.array([[3.1339, -1.6169, -0.4906], [-0.9788, 1.9161, 0.0335], [0.0719, -0.2290, 1.4052]])
    linear = np.clip(xyz @ to_rgb.T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize(("photometric", "dtype"), [*itertools.product(["cielab", "icclab"], ["u1", "u2"])])
def test_lab_is_converted_from_either_encoding(photometric, dtype, planar):
    lightness = np.tile(np.linspace(30, 80, WIDTH), (HEIGHT, 1))
    a, b = np.tile(np.linspace(-15, 15, HEIGHT)[:, None], (1, WIDTH)), np.full((HEIGHT, WIDTH), 12.0)
    unit = 1 if dtype == "u1" else 256
    white = {("u1", "cielab"): 255, ("u2", "cielab"): 65535, ("u1", "icclab"): 255, ("u2", "icclab"): 0xFF00}[
        dtype, photometric
    ]
    offset = 128 * unit if photometric == "icclab" else 0
    chroma = [np.rint(one * unit + offset).astype(int) & (256 * unit - 1) for one in (a, b)]
    pixels = np.dstack([np.rint(lightness / 100 * white), *chroma]).astype(dtype)
    arranged = np.moveaxis(pixels, -1, 0) if planar == "separate" else pixels
    near(one(arranged, photometric=photometric, planarconfig=planar), lab_to_srgb(lightness, a, b), 3)


def test_luma_and_chroma_without_subsampling_is_read_and_with_it_refused():
    image = Image.fromarray(SCENE).convert("YCbCr")
    data = encode(image, "TIFF")
    near(data, np.asarray(image.convert("RGB")))
    refused(errors.UnsupportedImage, with_tags(data, YCbCrSubSampling=2), "chroma")


def test_cmyk_of_other_inks_or_ranges_is_refused():
    cmyk = np.dstack([SCENE, GREY])
    for tag, value, match in ((332, (2,), "inks"), (336, (10, 240), "range")):
        data = one(cmyk, photometric="separated", extratags=[(tag, "H", len(value), value, True)])
        refused(errors.UnsupportedImage, data, match)


@pytest.mark.parametrize(("maximum", "warned"), [(4095, False), (4000, True), (65535, False), (0, False)])
def test_a_maximum_of_samples_is_white_unless_it_cannot_be(maximum, warned):
    pixels = np.rint(GREY / 255 * (maximum or 65535)).astype(np.uint16)
    near(one(pixels, photometric="minisblack", extratags=[(MAX_SAMPLE_VALUE, "H", 1, maximum, True)]), GREY, 1, warned)


def test_a_maximum_that_samples_exceed_is_ignored_with_a_warning():
    data = one(deep(GREY), photometric="minisblack", extratags=[(MAX_SAMPLE_VALUE, "H", 1, 4095, True)])
    near(data, GREY, 1, warned=True)


def test_palettes_of_8_bits_are_understood():
    colormap = np.stack([np.arange(256)] * 3).astype(np.uint16)
    near(one(GREY, photometric="palette", colormap=colormap), GREY, 0)


def test_an_undeclared_fourth_channel_is_transparency_with_a_warning():
    data = encode(Image.fromarray(np.dstack([SCENE, np.full_like(GREY, 255)])), "TIFF")
    near(data, SCENE, 0)
    undeclared = bytearray(data)
    at = data.index(struct.pack("<HHI", 338, 3, 1), 8)
    struct.pack_into("<H", undeclared, at, 60000)  # a private tag
    near(bytes(undeclared), SCENE, 0, warned=True)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_fill_order_2_is_read(compression):
    data = encode(Image.fromarray(SCENE), "TIFF", compression=compression)
    with TiffImagePlugin.TiffImageFile(io.BytesIO(data)) as image:
        start, size = image.tag_v2[273][0], sum(image.tag_v2[279])
        assert len(image.tag_v2[273]) == 1
    turned = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
    data = data[:start] + data[start : start + size].translate(turned) + data[start + size :]
    near(data[:8] + fill_order(data, 8), SCENE, 0)


def fill_order(data: bytes, start: int) -> bytes:
    """From the directory on, with PlanarConfiguration (which says nothing else than by default) replaced by FillOrder 2."""
    at = data.index(struct.pack("<HHI", 284, 3, 1), start)
    entries = [struct.pack("<HHIHxx", FILL_ORDER, 3, 1, 2)]
    return data[start:at] + entries[0] + data[at + 12 :]


@pytest.mark.parametrize("missing", ["PhotometricInterpretation", "ImageWidth", "StripOffsets"])
def test_pages_that_lack_what_they_need_are_refused(missing):
    tags = {"PhotometricInterpretation": 262, "ImageWidth": 256, "StripOffsets": 273}
    data = bytearray(one(SCENE, photometric="rgb"))
    at = data.index(struct.pack("<H", tags[missing]), 8)
    struct.pack_into("<H", data, at, 60000)
    kind = errors.UnsupportedImage if missing.startswith("Photo") else errors.DamagedImage
    refused(kind, bytes(data))


def test_colour_profile_and_orientation_are_those_of_the_page():
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    upright = one(SCENE, photometric="rgb", iccprofile=wide)
    near(upright, SCENE, 2)
    turned = one(SCENE, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    near(turned, np.rot90(SCENE, -1), 0)
    assert images.read(turned).size == (HEIGHT, WIDTH)
    assert images.read(one(SCENE, photometric="rgb", iccprofile=b"rubbish" * 20)).warnings


# Pages

SMALL = SCENE[::4, ::4]
RGB: dict[str, Any] = {"photometric": "rgb"}


def test_the_first_of_several_pages_is_read_with_a_warning():
    photo = near(write((SCENE, RGB), (255 - SCENE, RGB), (SCENE[:40], RGB)), SCENE, 0, warned=True)
    assert photo.warnings == ("only the first of 3 frames was read",)


@pytest.mark.parametrize("tag", [(254, "I", 1, 1), (254, "I", 1, 4), (255, "H", 1, 2)], ids=["reduced", "mask", "old reduced"])
def test_a_preview_or_mask_before_the_photo_is_passed_over(tag):
    near(write((SMALL, RGB | {"extratags": [(*tag, True)]}), (SCENE, RGB)), SCENE, 0)


def test_an_unmarked_preview_is_recognised_by_its_size():
    photo = near(write((SMALL, RGB), (SCENE, RGB)), SCENE, 0, warned=True)
    assert photo.warnings == ("only the largest of 2 frames was read",)


def test_reduced_pages_after_the_photo_are_not_frames():
    near(write((SCENE, RGB), (SMALL, RGB | {"subfiletype": 1})), SCENE, 0)


def test_the_photo_may_be_a_child_of_its_preview():
    turn = [(274, "H", 1, 3, True)]
    data = write((SMALL, RGB | {"subfiletype": 1, "subifds": 1, "extratags": turn}), (SCENE, RGB | {"subfiletype": 0}))
    near(data, SCENE[::-1, ::-1], 0)


def test_reduced_children_are_passed_over():
    near(write((SCENE, RGB | {"subifds": 1}), (SMALL, RGB | {"subfiletype": 1})), SCENE, 0)


@pytest.mark.parametrize("pointer", [8, 9, 0x7FFFFFFF, 0xFFFFFFFF, "end", "self"])
def test_an_invalid_pointer_to_a_further_page_is_at_most_a_warning(pointer):
    data = bytearray(one(SCENE, photometric="rgb"))
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * count, {"end": len(data) - 1, "self": start}.get(pointer, pointer))
    np.testing.assert_array_equal(images.read(bytes(data)).pixels, SCENE)


def test_thousands_of_pages_are_counted_and_not_decoded(monkeypatch):
    head = one(SCENE, photometric="rgb")
    (start,) = struct.unpack_from("<I", head, 4)
    (count,) = struct.unpack_from("<H", head, start)
    directory = head[start : start + 2 + 12 * count]
    data, length, pages = bytearray(head), len(directory) + 4, 3000
    link = start + 2 + 12 * count
    for _ in range(pages):
        data += b"\0" * (len(data) % 2)
        struct.pack_into("<I", data, link, len(data))
        link = len(data) + length - 4
        data += directory + bytes(4)
    assert images.read(bytes(data)).warnings == (f"only the first of {pages + 1} frames was read",)
    monkeypatch.setattr("noref.images.tiff_directory._BUDGET", 1000)
    assert "at least" in images.read(bytes(data)).warnings[0]


def chained(*tags: tuple[int, int, int], pages: int, repeated: int = 1) -> bytes:
    """A little-endian file of pages with these entries (tag, type, count), whose values begin at the start of the file."""
    entries = b"".join(struct.pack("<HHII", *tag, 0) for tag in tags) * repeated
    length = 2 + len(entries) + 4
    starts = [*range(8, 8 + pages * length, length), 0]
    count = struct.pack("<H", len(tags) * repeated)
    return (
        b"II*\0\x08\0\0\0"
        + b"".join(count + entries + struct.pack("<I", following) for following in starts[1:])
        + bytes(1 << 22)
    )


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


@pytest.mark.parametrize(
    ("tags", "pages"),
    [
        ([(tag, 1, 1 << 22) for tag in (254, 256, 257, 259, 262, 274, 277)], 20),  # of which one value is used
        ([(330, 4, 1 << 20)], 500),  # pointers to SubIFDs
        ([(50706, 1, 4), (324, 4, 1 << 20), (325, 4, 1 << 20)], 200),  # tiles of a DNG
    ],
    ids=["single", "children", "tiles"],
)
def test_values_without_use_are_not_read(tags, pages):
    stream = Counting(chained(*tags, pages=pages))
    with pytest.raises(errors.ImageError):
        tiff.size(File("photo.tif", stream, images.MAX_PIXELS))
    assert stream.count < 1 << 28  # in full, they are more than twice as many


def test_repeated_entries_end_the_chain_as_others_do():
    chain = tiff_directory.read_chain(io.BytesIO(chained((256, 4, 1), pages=110, repeated=4000)))
    assert not chain.whole


# Damage

CHECKED = ["deflate", "lzma"]
COMPRESSED = [*CHECKED, "lzw", "packbits", "zstd", "jpeg", "webp"]


@pytest.mark.parametrize("shape", [{"rowsperstrip": 16}, {"tile": (16, 32)}, {}], ids=["strips", "tiles", "whole"])
@pytest.mark.parametrize("compression", [None, *COMPRESSED])
def test_truncated_files_are_damaged(compression, shape):
    data = one(SCENE, photometric="rgb", compression=compression, **shape)
    for kept in (len(data) - 1, len(data) - 40, len(data) * 2 // 3):
        refused(errors.DamagedImage, data[:kept])


def spans(data: bytes) -> list[tuple[int, int]]:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        return list(zip(page.dataoffsets, page.databytecounts, strict=True))


@pytest.mark.parametrize("compression", COMPRESSED)
def test_segments_that_end_early_are_damaged(compression):
    data = one(SCENE, photometric="rgb", compression=compression, rowsperstrip=64)
    ((_, size),) = spans(data)
    refused(errors.DamagedImage, with_tags(data, StripByteCounts=size // 2))


@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("size", [0, 1, 1 << 30])
def test_wrong_sizes_of_segments_are_damaged(compression, size):
    data = one(SCENE, photometric="rgb", compression=compression, rowsperstrip=64)
    refused(errors.DamagedImage, with_tags(data, StripByteCounts=size))


@pytest.mark.parametrize("compression", CHECKED)
def test_every_changed_byte_of_checked_compressions_is_damage(compression):
    data = one(SCENE, photometric="rgb", compression=compression, rowsperstrip=64)
    ((start, size),) = spans(data)
    for at in np.linspace(start, start + size - 1, 40).astype(int):
        changed = bytearray(data)
        changed[at] ^= 0x55
        with pytest.raises((errors.DamagedImage, errors.UnsupportedImage)):
            images.read(bytes(changed))


@pytest.mark.parametrize("compression", ["lzw", "packbits", "zstd", "jpeg", "webp"])
def test_lost_data_within_a_segment_are_damage(compression):
    data = one(SCENE, photometric="rgb", compression=compression, rowsperstrip=64)
    ((start, size),) = spans(data)
    middle = start + size // 2
    nothing = b"\x80" if compression == "packbits" else b"\xff"
    refused(errors.DamagedImage, data[:middle] + nothing * (start + size - middle) + data[start + size :])


@pytest.mark.parametrize("compression", CHECKED)
def test_a_last_strip_may_be_padded(compression):
    data = one(SCENE, photometric="rgb", compression=compression, rowsperstrip=64)
    near(with_tags(data, ImageLength=10), SCENE[:10], 0)


def test_strips_that_are_missing_are_damage():
    data = one(SCENE, photometric="rgb")
    refused(errors.DamagedImage, with_tags(data, RowsPerStrip=16), "3 of its 4 strips are missing")
    refused(errors.DamagedImage, with_tags(data, RowsPerStrip=0), "no rows")


@pytest.mark.parametrize("length", [4, 8, 10, 100])
def test_headers_that_end_early_are_damaged(length):
    refused(errors.DamagedImage, one(SCENE, photometric="rgb")[:length])


def test_declared_sizes_are_refused_before_anything_is_decoded():
    data = one(SCENE, photometric="rgb", compression="deflate", rowsperstrip=64)
    refused(errors.ImageTooLarge, with_tags(data, ImageWidth=30_000, ImageLength=30_000))
    refused(errors.ImageTooLarge, with_tags(one(SCENE, photometric="rgb", tile=(32, 32)), TileWidth=65_520, TileLength=65_520))
    refused(errors.EmptyImage, with_tags(data, ImageWidth=0))
    with pytest.raises(errors.ImageTooLarge):
        images.read(data, max_pixels=WIDTH * HEIGHT - 1)
    preview_first = write((SCENE, RGB), (np.repeat(np.repeat(SCENE, 4, 0), 4, 1), RGB))
    with pytest.raises(errors.ImageTooLarge):
        images.read(preview_first, max_pixels=WIDTH * HEIGHT)


def test_large_pages_are_read_in_several_bands(monkeypatch):
    monkeypatch.setattr("noref.images.tiff_samples._BAND", 2000)
    monkeypatch.setattr("noref.images.tiff_samples._UNPACKED", 500)
    for how in (
        {},
        {"rowsperstrip": 16},
        {"tile": (16, 16)},
        {"compression": "deflate", "rowsperstrip": 5},
        {"compression": "lzw", "rowsperstrip": 5},
    ):
        near(one(SCENE, photometric="rgb", **how), SCENE, 0)
        near(one(np.moveaxis(deep(SCENE), -1, 0), photometric="rgb", planarconfig="separate", **how), SCENE)


@needs_packed_bits
def test_large_pages_of_packed_samples_are_read_in_several_bands(monkeypatch):
    monkeypatch.setattr("noref.images.tiff_samples._BAND", 2000)
    monkeypatch.setattr("noref.images.tiff_samples._UNPACKED", 500)
    near(one(deep(SCENE, np.uint16, 12), photometric="rgb", bitspersample=12), SCENE)


def test_old_style_jpeg_is_read_where_it_is_a_whole_file():
    jpeg = encode(Image.fromarray(SCENE), "JPEG", quality=95)
    tags = [(256, 3, WIDTH), (257, 3, HEIGHT), (258, 3, 8), (259, 3, 6), (262, 3, 6), (277, 3, 3)]
    places = [(513, 4, 8 + 2 + 12 * 8 + 4), (514, 4, len(jpeg))]
    for interchange in (True, False):
        entries = tags + (places if interchange else [(60000, 4, 0), (60001, 4, 0)])
        directory = struct.pack("<H", 8) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
        data = b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + jpeg
        if interchange:
            np.testing.assert_array_equal(images.read(data).pixels, images.read(jpeg).pixels)
        else:
            refused(errors.UnsupportedImage, data, "old-style JPEG")


def test_folders_are_searched_for_tiff():
    assert {".tif", ".tiff"} <= formats.EXTENSIONS


def test_more_tiles_than_a_photo_has_are_refused():
    tiled = one(np.zeros((32, 32), np.uint8), tile=(16, 16))
    refused(errors.UnsupportedImage, with_tags(tiled, ImageWidth=14_000, ImageLength=14_000), match="765,625 tiles")


def test_arithmetic_and_slow_jpeg_within_tiff_is_refused():
    """What a JPEG file is refused or warned of, a segment is refused of."""
    data = one(np.zeros((64, 64), np.uint8), compression="jpeg")
    for old, new, words in ((b"\xff\xc0", b"\xff\xc9", "arithmetic"), (b"\xff\xc0", b"\xff\xc3", "lossless")):
        refused(errors.UnsupportedImage, data.replace(old, new), match=words)
