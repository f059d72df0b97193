"""Images found in files, folders and lists."""

import bz2
import codecs
import io
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archive_files import jpeg, tar, zipped
from noref import Assessment, UnsupportedImage, overlay, sources
from noref.sources import braces
from pictures import make_scene


@pytest.fixture
def tree(tmp_path):
    """Make empty files below a folder and return it."""

    def make(*names: str):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return make


def below(folder, **options) -> list[str]:
    return [os.path.relpath(path, folder) for path in sources.images_below(folder, **options)]


def test_find_keeps_names_and_places(tree):
    root = tree("b.JPG", "a.png", "notes.txt", ".c.png", "sub/d.gif")
    found = list(sources.find([str(root), "-", f"{root}/notes.txt"], io.BytesIO(b"x/y.jpg\n\n")))
    names = [f"{root}/a.png", f"{root}/b.JPG", f"{root}/sub/d.gif", "x/y.jpg", f"{root}/notes.txt"]
    assert [photo.name for photo in found] == names
    assert [photo.place.as_posix() for photo in found] == ["a.png", "b.JPG", "sub/d.gif", "y.jpg", "notes.txt"]


def test_a_folder_that_may_not_be_read_is_not_passed_over(tree, monkeypatch):
    root = tree("a.png", "closed/b.png", "open/c.png")
    listed = os.scandir

    def guarded(path):
        if os.path.basename(path) == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert below(root) == ["a.png", "open/c.png", "closed"]
    assert below(root / "closed") == ["."]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_not_a_photo_is_not_searched(tree):
    root = tree("a.png", ".trash/b.png", "._a.png")
    os.mkfifo(root / "pipe.png")
    (root / "lost.png").symlink_to(root / "gone.png")  # its error comes when it is read
    (root / "elsewhere").symlink_to(root / ".trash")
    skipped = Counter()
    assert below(root, skipped=skipped) == ["a.png", "lost.png"]
    assert skipped == {"special files": 1}


def test_skipped_files_are_counted_by_kind(tree):
    root = tree("a.png", "b.PSD", "c.psd", "deep/d.txt", "README", "ends.", ".hidden.psd", ".dir/x.psd", "out/y.psd")
    skipped = Counter()
    assert below(root, skip=[root / "out"], skipped=skipped) == ["a.png"]
    assert skipped == {".psd": 2, ".txt": 1, "without extension": 2}


def test_drawn_quality_maps_are_not_photos(tmp_path):
    pixels = make_scene()
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    assessment = Assessment("x", 40.0, np.full((4, 4), 50, np.float32), "m 1", "as is", (1, 1))
    overlay.save(overlay.draw(pixels, assessment), tmp_path / "photo.png.png")
    skipped = Counter()
    assert below(tmp_path, skipped=skipped) == ["photo.png"]
    assert skipped == {"quality maps": 1}
    named = str(tmp_path / "photo.png.png")
    assert [found.name for found in sources.find([named], io.BytesIO())] == [named]


NAMES = ["a.jpg", "späte Rose.jpg", "写真.png"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["\n", ""])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_lists_are_read_in_their_encoding(mark, encoding, end, last):
    content = mark + (end.join(["", *NAMES]) + last).encode(encoding)
    assert list(sources.lines(io.BytesIO(content))) == NAMES


class Dripping(io.RawIOBase):
    """Gives a byte at a time."""

    def __init__(self, content: bytes) -> None:
        self.rest = content

    def read(self, _size: int = -1) -> bytes:
        first, self.rest = self.rest[:1], self.rest[1:]
        return first


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_may_come_in_pieces_of_any_size(encoding):
    assert list(sources.lines(Dripping("\n".join(NAMES).encode(encoding)))) == NAMES


def test_only_line_ends_end_a_line():
    assert list(sources.lines(io.BytesIO("a\x85b\u2028c\x0b.jpg\n \n".encode()))) == ["a\x85b\u2028c\x0b.jpg", " "]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes")
def test_names_that_are_not_text_are_preserved():
    assert [os.fsencode(name) for name in sources.lines(io.BytesIO(b"caf\xe9.jpg\n"))] == [b"caf\xe9.jpg"]


@pytest.mark.parametrize("last", ["\0", ""])
def test_null_characters_may_end_names(last):
    content = ("\0".join([*NAMES, "two\nlines.jpg", "cr\r"]) + last).encode()
    for stream in (io.BytesIO(content), Dripping(content)):
        assert list(sources.lines(stream)) == [*NAMES, "two\nlines.jpg", "cr\r"]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_image_instead_of_a_list_is_one_failed_photo(form):
    image = io.BytesIO()
    Image.fromarray(make_scene(64, 64)).save(image, form)
    image.seek(0)
    (photo,) = sources.find(["-"], image)
    with pytest.raises(UnsupportedImage, match=f"standard input is a {form}".replace("WEBP", "WebP")):
        photo.open()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (zipped({"a.jpg": jpeg()}), "a ZIP archive"),
        (tar({"a.jpg": jpeg()}), "a tar archive"),
        (tar({"a.jpg": jpeg()}, "gz"), "gzip data"),
        (bz2.compress(bytes(1000), 1), "bzip2 data"),
        (b"PAR1\x15\x04\x15" + bytes(80), "a Parquet file"),
        (tar({"a.jpg": jpeg()}, "xz"), "xz data"),
        (b"SQLite format 3\0" + bytes(84), "an SQLite file"),
    ],
)
def test_a_file_of_many_photos_on_standard_input_is_no_list(content, what):
    with pytest.raises(UnsupportedImage, match=f"standard input is {what}, not a list of paths; give the name of the file"):
        list(sources.lines(io.BytesIO(content)))


def test_names_with_line_feeds_are_separated_by_null_characters():
    assert list(sources.lines(io.BytesIO(b"new\nline.jpg\0b.jpg\0"))) == ["new\nline.jpg", "b.jpg"]
    assert list(sources.lines(io.BytesIO(b"new\nline.jpg\0"))) == ["new\nline.jpg"]
    assert list(sources.lines(io.BytesIO(b"a.jpg\nb\0.jpg\nc.jpg\n"))) == ["a.jpg", "b\0.jpg", "c.jpg"]  # one is damage
    assert list(sources.lines(io.BytesIO(b"PAR1.jpg\nBZh9.jpg\n"))) == ["PAR1.jpg", "BZh9.jpg"]


def test_an_empty_list_names_nothing():
    for content in (b"", b"\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE):
        assert list(sources.lines(io.BytesIO(content))) == []


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("a-{8..11}.tar", ["a-8.tar", "a-9.tar", "a-10.tar", "a-11.tar"]),
        ("a-{0008..11}.tar", ["a-0008.tar", "a-0009.tar", "a-0010.tar", "a-0011.tar"]),
        ("{2..0}{a,b}.jpg", ["2a.jpg", "2b.jpg", "1a.jpg", "1b.jpg", "0a.jpg", "0b.jpg"]),
        ("{train,,test}/x", ["train/x", "/x", "test/x"]),
        ("{a}{1..x}{}", ["{a}{1..x}{}"]),
    ],
)
def test_braces_stand_for_several_names(name, names):
    assert list(braces.expanded(name)) == names


def test_of_very_many_names_the_first_comes_at_once():
    found = sources.find(["s-{0..999999999999}.jpg"], io.BytesIO())
    assert [next(found).name for _ in range(2)] == ["s-0.jpg", "s-1.jpg"]


def test_a_file_whose_name_has_braces_is_that_file(tree):
    name = f"{tree('a{1,2}.jpg')}/a{{1,2}}.jpg"
    assert [photo.name for photo in sources.find([name, name.replace("a{", "b{")], io.BytesIO())] == [
        name,
        *(name.replace("a{1,2}", f"b{number}") for number in (1, 2)),
    ]


def test_braces_in_a_list_are_names_as_they_are():
    assert [photo.name for photo in sources.find(["-"], io.BytesIO(b"a{1,2}.jpg\n"))] == ["a{1,2}.jpg"]


def test_lasting_names_do_not_depend_on_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    member = sources.Found("deep/../a.zip", Path(), sources.Held(b""), "../../b.jpg")
    assert member.name == "deep/../a.zip::../../b.jpg"
    assert member.lasting == f"{tmp_path}/a.zip::../../b.jpg"
    assert sources.Found("s3://bucket/a/../b.jpg", Path(), sources.Held(b"")).lasting == "s3://bucket/a/../b.jpg"


def test_a_file_url_is_the_path_that_it_names(tree):
    root = tree("spä ce.jpg", "100%.jpg", "a#b?.jpg")
    everything = [photo.name for photo in sources.find([str(root)], io.BytesIO())]
    assert [photo.name for photo in sources.find([f"file://{root}", f"FILE://localhost{root}"], io.BytesIO())] == 2 * everything
    encoded = [Path(name).as_uri() for name in everything]
    plain = [f"file://{name}" for name in everything]
    assert [photo.name for photo in sources.find([*encoded, "-"], io.BytesIO("\n".join(plain).encode()))] == 2 * everything
    assert [photo.name for photo in sources.photos_in(encoded)] == everything
