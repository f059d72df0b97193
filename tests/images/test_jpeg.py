"""JPEG: lost data are refused, harmless irregularities of cameras are not, and unsupported kinds are refused by name."""

import base64
import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import simplejpeg
from PIL import Image, ImageCms

from noref import errors, images
from noref.images.jpeg_structure import EOI, SOS, Structure
from pictures import encode, make_scene

END = b"\xff\xd9"
SCENE = make_scene(128, 160)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ARITHMETIC = base64.b64decode(  # 64 x 64 pixels of grey 77, by `cjpeg -arithmetic`; Pillow does not write it
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4z"
    "NDL/yQALCABAAEABAREA/8wABgAQEAX/2gAIAQEAAD8A/wCfd4SA/9k="
)


def jpeg(pixels: npt.NDArray[np.uint8] = SCENE, **options: object) -> bytes:
    return encode(Image.fromarray(pixels), "JPEG", **{"quality": 90, **options})


KINDS = {
    "baseline": jpeg(),
    "progressive": jpeg(progressive=True),
    "restarts": jpeg(restart_marker_rows=1),
    "4:4:4": jpeg(subsampling="4:4:4"),
    "grey": encode(Image.fromarray(SCENE).convert("L"), "JPEG"),
    "simplejpeg 4:4:0": simplejpeg.encode_jpeg(SCENE, 90, colorsubsampling="440"),
    "CMYK": encode(Image.fromarray(SCENE).convert("CMYK"), "JPEG"),
}
every_kind = pytest.mark.parametrize("data", KINDS.values(), ids=KINDS)


def segment(kind: int, parameters: bytes) -> bytes:
    return bytes((0xFF, kind)) + (len(parameters) + 2).to_bytes(2, "big") + parameters


def inserted(data: bytes, *segments: bytes) -> bytes:
    """Segments right after the start marker."""
    return data[:2] + b"".join(segments) + data[2:]


def scans(data: bytes) -> list[bytes]:
    """Header, then each scan with the tables before it, and the end marker."""
    structure = Structure.of(data)
    ends = [0]
    for one, following in zip(structure.segments, [s.marker for s in structure.segments[1:]] + [structure.end], strict=True):
        if one.kind == SOS:
            ends.append(following)
    first = next(s.marker for s in structure.segments if s.kind == SOS)
    ends = [0, first, *ends[1:]]
    return [data[a:b] for a, b in zip(ends, [*ends[1:], len(data)], strict=True)]


def refused(kind: type[errors.ImageError], data: bytes, **options: int) -> errors.ImageError:
    with pytest.raises(kind) as caught:
        images.read(data, **options)
    assert type(caught.value) is kind
    assert caught.value.cure
    return caught.value


def same_with_warning(data: bytes, sound: bytes, word: str) -> None:
    photo = images.read(data)
    np.testing.assert_array_equal(photo.pixels, images.read(sound).pixels)
    assert len(photo.warnings) == 1
    assert word in photo.warnings[0]


@every_kind
def test_pixels_are_those_of_pillow(data):
    photo = images.read(data)
    np.testing.assert_array_equal(photo.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    assert (photo.size, photo.reduced, photo.warnings) == ((160, 128), 1, ())


# Lost data


@every_kind
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("end", [b"", END])
def test_lost_data_are_refused(data, kept, end):
    start = data.index(b"\xff\xda")
    refused(errors.DamagedImage, data[: start + int((len(data) - start) * kept)] + end)


def test_data_lost_before_the_first_scan_are_refused():
    for length in range(3, KINDS["baseline"].index(b"\xff\xda"), 7):
        refused(errors.DamagedImage, KINDS["baseline"][:length])
        refused(errors.DamagedImage, KINDS["baseline"][:length] + END)


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize("end", [b"", END])
def test_progressive_without_its_last_scans_is_refused(count, end):
    refused(errors.DamagedImage, b"".join(scans(KINDS["progressive"])[: 1 + count]) + end)


@pytest.mark.parametrize("lost", range(1, 11))
def test_progressive_without_one_scan_is_refused(lost):
    parts = scans(KINDS["progressive"])
    assert len(parts) == 12  # header, ten scans, end marker
    refused(errors.DamagedImage, b"".join(parts[:lost] + parts[lost + 1 :]))


@every_kind
@pytest.mark.parametrize("end", [b"", END])
def test_zeros_in_the_place_of_lost_data_are_refused(data, end):
    half = (data.index(b"\xff\xda") + len(data)) // 2
    refused(errors.DamagedImage, data[:half] + bytes(len(data) - 2 - half) + end)


def test_a_lost_restart_interval_is_refused():
    data = KINDS["restarts"]
    first, second = data.index(b"\xff\xd0"), data.index(b"\xff\xd1")
    refused(errors.DamagedImage, data[:first] + data[second:])


def test_errors_name_cause_and_cure():
    error = refused(errors.DamagedImage, KINDS["baseline"][:-500] + END)
    assert "premature end of data" in error.cause
    assert "again" in error.cure


# Irregularities of real files


@every_kind
@pytest.mark.parametrize("lost", [1, 2])
def test_a_missing_end_marker_is_a_warning(data, lost):
    same_with_warning(data[:-lost], data, "end marker")


@every_kind
@pytest.mark.parametrize("padding", [bytes(20), b"\x7f" * 300, bytes(40) + b"\xff\xff"])
def test_padding_before_the_end_marker_is_a_warning(data, padding):
    same_with_warning(data[:-2] + padding + END, data, "superfluous")


@every_kind
@pytest.mark.parametrize("padding", [b"\0", b"\x7f", b"\x55", bytes(3), b"\xff", b"\xff" * 9])
def test_a_byte_before_the_end_marker_changes_nothing(data, padding):
    """The decoder reports few superfluous bytes only sometimes, and fill bytes, which any marker may have, never."""
    photo = images.read(data[:-2] + padding + END)
    np.testing.assert_array_equal(photo.pixels, images.read(data).pixels)
    assert len(photo.warnings) <= (padding[0] != 0xFF)


def test_data_left_over_are_refused():
    data = KINDS["baseline"]
    refused(errors.DamagedImage, data[:-2] + data[-40:-2].replace(b"\xff", b"\0") + END)


def test_padding_between_segments_is_a_warning():
    data = KINDS["baseline"]
    for one in Structure.of(data).segments[1:]:
        same_with_warning(data[: one.marker] + b"\1\2\3" + data[one.marker :], data, "superfluous")


def test_padding_between_scans_is_a_warning():
    data = KINDS["progressive"]
    parts = scans(data)
    same_with_warning(b"".join([*parts[:3], bytes(20), *parts[3:]]), data, "superfluous")


def odd_scan(data: bytes) -> bytes:
    stop = next(s.stop for s in Structure.of(data).segments if s.kind == SOS)
    return data[: stop - 3] + b"\0\0\0" + data[stop:]


def adobe(transform: int) -> bytes:
    return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes((transform,)))


def profile(*numbers: int, count: int) -> list[bytes]:
    return [segment(0xE2, b"ICC_PROFILE\0" + bytes((number, count)) + PROFILE) for number in numbers]


IRREGULAR: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "SOS": ("scans", odd_scan),
    "JFIF": ("JFIF", lambda data: data.replace(b"JFIF\0\1", b"JFIF\0\7")),
    "Adobe": ("Adobe", lambda data: data[:2] + adobe(9) + data[20:]),  # in the place of JFIF, which takes precedence
    "ICC chunk twice": ("profile", lambda data: inserted(data, *profile(1, 1, count=2))),
    "ICC chunk lost": ("profile", lambda data: inserted(data, *profile(1, count=2))),
    "ICC chunks beyond 255": ("profile", lambda data: inserted(data, *[segment(0xE2, b"ICC_PROFILE\0\1\1?")] * 300)),
    "ICC chunk 0": ("profile", lambda data: inserted(data, *profile(0, count=1))),
}
irregular = pytest.mark.parametrize(("word", "change"), IRREGULAR.values(), ids=IRREGULAR)


@irregular
def test_irregularities_are_warnings(word, change):
    data = KINDS["baseline"]
    assert change(data) != data
    same_with_warning(change(data), data, word)


@irregular
def test_irregularities_never_hide_lost_data(word, change):
    data = change(KINDS["baseline"])
    refused(errors.DamagedImage, data[:-300] + END)
    refused(errors.DamagedImage, data[:-300])


def test_several_irregularities_are_several_warnings():
    data = KINDS["baseline"]
    for name in ("SOS", "JFIF", "ICC chunk lost"):
        data = IRREGULAR[name][1](data)
    photo = images.read(data[:-2])
    np.testing.assert_array_equal(photo.pixels, images.read(KINDS["baseline"]).pixels)
    assert len(set(photo.warnings)) == 4


def film(data: bytes) -> bytes:
    return data + b"\0\0\0\x18ftypmp42" + np.random.default_rng(0).bytes(5000)


UNCOMMON: dict[str, Callable[[bytes], bytes]] = {
    "fill bytes": lambda data: data.replace(b"\xff\xdb", b"\xff\xff\xff\xdb").replace(b"\xff\xda", b"\xff\xff\xda"),
    "a film behind": film,
    "a second photo behind": lambda data: data + jpeg(SCENE[::-1]),
    "a cut second photo behind": lambda data: data + jpeg(SCENE[::-1])[:900],
    "a thumbnail": lambda data: inserted(data, segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0" + jpeg(SCENE[::4, ::4]))),
    "two JFIF segments": lambda data: inserted(data, data[2:20]),
    "unknown segments": lambda data: inserted(
        data, segment(0xEB, b"?" * 99), segment(0xFE, b"\xff\xd8\xff\xd9"), segment(0xE1, b"")
    ),
    "metadata after the tables": lambda data: data.replace(b"\xff\xda", segment(0xED, b"notes") + b"\xff\xda", 1),
}


@pytest.mark.parametrize("change", UNCOMMON.values(), ids=UNCOMMON)
def test_what_the_format_allows_is_no_warning(change):
    data = KINDS["baseline"]
    assert change(data) != data
    photo = images.read(change(data))
    np.testing.assert_array_equal(photo.pixels, images.read(data).pixels)
    assert photo.warnings == ()


def test_a_frame_of_a_film_without_huffman_tables_is_read():
    data = jpeg(quality=75)
    frame = b"".join(data[one.marker : one.stop] for one in Structure.of(data).segments if one.kind not in (0xC4, SOS))
    start = next(one.marker for one in Structure.of(data).segments if one.kind == SOS)
    np.testing.assert_array_equal(images.read(data[:2] + frame + data[start:]).pixels, images.read(data).pixels)


# Kinds of JPEG


def with_frame(data: bytes, kind: int | None = None, **fields: int) -> bytes:
    """Another start-of-frame marker, precision or height."""
    at = next(one.marker for one in Structure.of(data).segments if one.kind in (0xC0, 0xC2))
    changed = bytearray(data)
    if kind is not None:
        changed[at + 1] = kind
    if "precision" in fields:
        changed[at + 4] = fields["precision"]
    if "height" in fields:
        changed[at + 5 : at + 7] = fields["height"].to_bytes(2, "big")
    if "luma" in fields:
        changed[at + 11] = fields["luma"]
    if "chroma" in fields:
        changed[at + 14] = fields["chroma"]
    return bytes(changed)


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("lossless", with_frame(KINDS["baseline"], 0xC3)),
        ("lossless", with_frame(KINDS["baseline"], 0xCB)),
        ("hierarchical", with_frame(KINDS["baseline"], 0xC5)),
        ("hierarchical", with_frame(KINDS["baseline"], 0xCF)),
        ("hierarchical", inserted(KINDS["baseline"], segment(0xDE, b"\x08\0\x80\0\xa0\1\1\x11\0"))),
        ("12 bits", with_frame(KINDS["baseline"], 0xC1, precision=12)),
        ("height", with_frame(KINDS["baseline"], height=0)),
        ("65,500", with_frame(KINDS["baseline"], height=65_535)),
        ("subsampling", with_frame(KINDS["baseline"], luma=0x31, chroma=0x21)),
        ("2 components", inserted(KINDS["baseline"], segment(0xC0, b"\x08\0\x80\0\xa0\2\1\x11\0\2\x11\0"))),
        ("scans", KINDS["grey"][:-2] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" * 200 + END),
        ("markers", inserted(KINDS["grey"], b"\xff\xfe\0\2" * 20_000)),
    ],
)
def test_kinds_that_no_decoder_here_reads_are_named(reason, data):
    error = refused(errors.UnsupportedImage, data)
    assert reason in error.cause
    assert "save it" in error.cure


def test_arithmetic_coding_is_read():
    photo = images.read(ARITHMETIC)
    np.testing.assert_array_equal(photo.pixels, np.full((64, 64, 3), 77, np.uint8))
    assert "arithmetically" in photo.warnings[0]


def test_lost_arithmetic_data_never_pass_unnoticed():
    """libjpeg reads them as zeros; only a missing end marker reveals it."""
    start = ARITHMETIC.index(b"\xff\xda") + 10
    for kept in range(start, len(ARITHMETIC)):
        refused(errors.DamagedImage, ARITHMETIC[:kept])
    for kept in range(start, len(ARITHMETIC) - 2):
        assert "lost data would go unnoticed" in images.read(ARITHMETIC[:kept] + END).warnings[0]


@pytest.mark.parametrize("transform", [0, 2])
def test_cmyk_and_ycck_become_rgb(transform):
    """CMYK relabelled as YCCK has other colours, but the same as Pillow's."""
    data = KINDS["CMYK"]
    at = data.index(b"Adobe") + 11
    changed = data[:at] + bytes((transform,)) + data[at + 1 :]
    np.testing.assert_array_equal(images.read(changed).pixels, np.asarray(Image.open(io.BytesIO(changed)).convert("RGB")))
    if transform == 0:
        assert np.abs(images.read(changed).pixels.astype(int) - SCENE).mean() < 8


def test_rgb_without_transform_is_read():
    data = jpeg(keep_rgb=True)
    assert np.abs(images.read(data).pixels.astype(int) - SCENE).mean() < 4


@pytest.mark.parametrize("factors", [0x21, 0x22, 0x31, 0x44])
def test_sampling_factors_of_grey_mean_nothing(factors):
    np.testing.assert_array_equal(
        images.read(with_frame(KINDS["grey"], luma=factors)).pixels, images.read(KINDS["grey"]).pixels
    )


@pytest.mark.parametrize(("luma", "chroma"), [(0x42, 0x11), (0x31, 0x11), (0x24, 0x11), (0x11, 0x22)])
def test_rare_subsampling_is_read_with_a_warning(luma, chroma):
    """Flat pixels decode whatever the factors are, as long as the file has enough of them."""
    data = jpeg(np.full((128, 160, 3), 119, np.uint8), subsampling="4:4:4")
    changed = with_frame(data, luma=luma, chroma=chroma)
    photo = images.read(changed)
    assert photo.pixels.shape == (128, 160, 3)
    assert "subsampling" in photo.warnings[0]
    reduced = images.read(changed, enough=2000)
    assert (reduced.reduced, reduced.pixels.shape) == (2, (64, 80, 3))


# Metadata


def test_profile_in_several_chunks_is_applied():
    swapped = PROFILE.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")  # its red is our blue
    cut = len(swapped) // 3
    parts = [swapped[:cut], swapped[cut : 2 * cut], swapped[2 * cut :]]
    chunks = [segment(0xE2, b"ICC_PROFILE\0" + bytes((i + 1, 3)) + part) for i, part in enumerate(parts)]
    data = jpeg(np.full((64, 64, 3), (250, 5, 5), np.uint8), subsampling="4:4:4")
    photo = images.read(inserted(data, chunks[2], chunks[0], chunks[1]))
    np.testing.assert_allclose(photo.pixels, np.broadcast_to((5, 5, 250), (64, 64, 3)), atol=6)
    assert photo.warnings == ()


def test_profile_of_another_kind_of_pixels_is_a_warning():
    photo = images.read(inserted(KINDS["grey"], *profile(1, count=1)))
    np.testing.assert_array_equal(photo.pixels, images.read(KINDS["grey"]).pixels)
    assert "colour profile" in photo.warnings[0]


def test_the_first_of_several_exif_blocks_counts():
    blocks = []
    for orientation in (6, 3):
        exif = Image.Exif()
        exif[0x0112] = orientation
        blocks.append(segment(0xE1, exif.tobytes()))
    photo = images.read(inserted(KINDS["baseline"], *blocks), enough=5000)
    assert (photo.size, photo.reduced, photo.pixels.shape) == ((128, 160), 2, (80, 64, 3))


# Reduced decoding


@every_kind
@pytest.mark.parametrize(("enough", "factor"), [(None, 1), (20_000, 1), (5120, 2), (5121, 1), (1280, 4), (320, 8), (1, 8)])
def test_the_smallest_size_with_enough_pixels(data, enough, factor):
    photo = images.read(data, enough=enough)
    assert photo.reduced == factor
    assert photo.size == (160, 128)
    assert photo.pixels.shape == (128 // factor, 160 // factor, 3)


def test_odd_sides_are_rounded_up():
    photo = images.read(jpeg(make_scene(101, 203)), enough=1)
    assert (photo.size, photo.reduced, photo.pixels.shape) == ((203, 101), 8, (13, 26, 3))


def test_reduced_pixels_are_the_photo_but_smaller():
    whole, half = images.read(KINDS["4:4:4"]).pixels, images.read(KINDS["4:4:4"], enough=5120).pixels
    blocks = whole.reshape(64, 2, 80, 2, 3).mean((1, 3))
    assert np.abs(blocks - half).mean() < 3


@every_kind
def test_lost_data_are_refused_at_a_reduced_size(data):
    refused(errors.DamagedImage, data[: len(data) - 100] + END, enough=320)


# Structure


def test_structure_of_hostile_data_is_bounded():
    for data in (b"\xff\xd8" * 10**6, b"\xff\xd8" + b"\xff\xc4\0\2" * 10**6, b"\xff\xd8" + b"\xff\xda\0\2" * 10**6):
        structure = Structure.of(data)
        assert structure.endless
        assert len(structure.segments) <= 10_000


def test_many_scans_of_many_pixels_are_refused():
    """Each costs a pass over all coefficients, however few bytes it has."""
    parts = scans(jpeg(np.full((6000, 8000), 119, np.uint8), progressive=True))
    slow = b"".join(parts[:-1] + parts[-2:-1] * 85 + parts[-1:])
    assert "scans" in refused(errors.UnsupportedImage, slow).cause


def test_structure_ends_at_the_end_marker():
    data = KINDS["baseline"]
    structure = Structure.of(data + data)
    assert structure.end == len(data) - 2
    assert data[structure.end + 1] == EOI
    assert structure.complete
