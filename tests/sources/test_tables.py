"""Photos in Parquet files: bytes, Hugging Face's struct, and paths."""

import random
import sys

import pytest

from archive_files import PHOTOS, content_of, found
from noref import DamagedImage, EmptyImage, ImageNotFound, ImageTooLarge, UnsupportedImage
from noref.sources import tables

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

BYTES = list(PHOTOS.values())
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture
def write(tmp_path):
    """Write columns as a Parquet file and return its path."""

    def write(name: str = "a.parquet", rows: int = 2, **columns: object):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path, row_group_size=rows)
        return path

    return write


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary()), STRUCT])
def test_rows_are_photos_in_their_order(write, kind):
    values = [{"bytes": each, "path": None} for each in BYTES] if kind == STRUCT else BYTES
    image = pa.array(values).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(values, kind)
    file = write(label=["a", "b", "c"], image=image, number=[1, 2, 3])
    photos = found(file)
    assert [photo.name for photo in photos] == [f"{file}::{row}" for row in range(3)]
    assert [content_of(photo) for photo in photos] == BYTES
    assert [photo.place.as_posix() for photo in photos] == [f"a.parquet/{row}" for row in range(3)]
    assert [photo.identity().bytes for photo in photos] == [len(each) for each in BYTES]


def test_paths_are_relative_to_the_file(write, save):
    inside, beside, absolute = (save(name, BYTES[0]) for name in ("data/deep/a.jpg", "b.jpg", "c.jpg"))
    file = write("data/a.parquet", file_name=["deep/a.jpg", "../b.jpg", str(absolute), "gone.jpg", None, ""])
    *photos, gone, empty, blank = found(file)
    assert [photo.place.as_posix() for photo in photos] == ["deep/a.jpg", "b.jpg", "c.jpg"]
    assert [content_of(photo) for photo in photos] == [BYTES[0]] * 3
    assert [photo.lasting for photo in photos] == [str(inside), str(beside), str(absolute)]
    assert gone.file == f"{file.parent}/gone.jpg"
    for row, photo in ((4, empty), (5, blank)):
        with pytest.raises(EmptyImage, match=rf"a\.parquet::{row}: the row holds no data"):
            photo.open()


def test_a_table_names_nothing_on_a_network(write):
    [photo] = found(write(path=["https://example.com/a.jpg"]))
    with pytest.raises(ImageNotFound, match="it names a photo elsewhere; give such paths and URLs as a list"):
        photo.open()


def test_a_struct_may_hold_a_path_instead_of_bytes(write, save):
    save("a.jpg", BYTES[1])
    values = [{"bytes": BYTES[0], "path": "unused.jpg"}, {"bytes": None, "path": "a.jpg"}, {"bytes": None, "path": None}, None]
    first, second, *empty = found(write(image=pa.array(values, STRUCT)))
    assert [content_of(first), content_of(second)] == BYTES[:2]
    for photo in empty:
        with pytest.raises(EmptyImage):
            photo.open()


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        ({"png": "bytes", "name": "text"}, "png"),
        ({"Image": "bytes", "mask": "bytes"}, "Image"),
        ({"photo": "bytes", "img": "bytes"}, "img"),
        ({"thumbnail": "bytes", "image": "text"}, "thumbnail"),
        ({"caption": "text", "file_name": "text"}, "file_name"),
        ({"image": "text", "path": "text"}, "image"),
    ],
)
def test_the_column_is_chosen_by_type_and_name(write, columns, chosen):
    schema = pa.schema([(name, pa.binary() if kind == "bytes" else pa.string()) for name, kind in columns.items()])
    assert tables._chosen("a.parquet", schema, None).name == chosen


@pytest.mark.parametrize(
    ("columns", "column", "message"),
    [
        ({"left": [b"x"], "right": [b"x"]}, None, "several columns may hold photos: left, right; choose one with --column"),
        ({"path": ["a"], "file_name": ["a"]}, None, "several columns may hold photos: path, file_name"),
        (
            {"caption": ["a"], "n": [1]},
            None,
            r"no column of image bytes or paths; .*its columns: caption \(string\), n \(int64\)",
        ),
        ({"image": [b"x"]}, "picture", "it has no column 'picture' with bytes or paths; its columns: image"),
        ({"image": [b"x"], "n": [1]}, "n", "it has no column 'n' with bytes or paths"),
    ],
)
def test_a_table_without_a_clear_column_is_an_error_in_its_place(write, columns, column, message):
    file = write(**columns)
    [photo] = found(file, column=column)
    with pytest.raises(UnsupportedImage, match=message) as caught:
        photo.open()
    assert caught.value.name == str(file)


def test_a_chosen_column_is_read(write):
    file = write(image=[b"x"] * 3, other=BYTES)
    assert [content_of(photo) for photo in found(file, column="other")] == BYTES


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-9], lambda content: b"PAR1 no table PAR1"])
def test_a_damaged_file_is_an_error_in_its_place(write, damage):
    file = write(image=BYTES)
    file.write_bytes(damage(file.read_bytes()))
    [photo] = found(file)
    with pytest.raises((DamagedImage, ImageNotFound), match=r"a\.parquet: it is corrupt, or no Parquet file"):
        photo.open()


def test_a_path_that_is_no_text_is_an_error_in_its_place(write):
    file = write(path=pa.array([b"caf\xe9.jpg"]).view(pa.string()))
    [photo] = found(file)
    with pytest.raises(DamagedImage, match="codec can't decode"):
        photo.open()


def test_rows_before_damage_are_kept(write):
    noise = [random.Random(number).randbytes(60_000) for number in range(40)]
    file = write(image=noise, rows=4)
    content = bytearray(file.read_bytes())
    middle = pq.ParquetFile(file).metadata.row_group(5).column(0).data_page_offset
    content[middle : middle + 40] = b"\xff" * 40
    file.write_bytes(content)
    *photos, last = found(file)
    assert [content_of(photo) for photo in photos] == noise[: len(photos)]
    assert len(photos) >= 12
    with pytest.raises(DamagedImage) as caught:
        last.open()
    assert "\n" not in str(caught.value)


def test_a_row_of_more_bytes_than_the_limit_is_refused(write, monkeypatch):
    monkeypatch.setattr(tables, "LIMIT", 1000)
    first, refused = found(write(image=[b"x", bytes(2000)]))
    assert content_of(first) == b"x"
    with pytest.raises(ImageTooLarge, match=r"a\.parquet::1: 2000 bytes"):
        refused.open()


def test_row_groups_are_read_one_after_the_other(write):
    noise = [random.Random(number).randbytes(200_000) for number in range(100)]
    file = write(image=noise, rows=5)
    before = pa.total_allocated_bytes()
    most = 0
    for number, photo in enumerate(found_lazily(file)):
        assert content_of(photo) == noise[number]
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 8_000_000


def found_lazily(file):
    import io

    from noref import sources

    return sources.find([str(file)], io.BytesIO())


def test_without_pyarrow_the_error_names_the_extra(write, monkeypatch):
    file = write(image=BYTES)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    [photo] = found(file)
    with pytest.raises(UnsupportedImage, match=r"pyarrow is not installed; pip install 'noref\[parquet\]'"):
        photo.open()
