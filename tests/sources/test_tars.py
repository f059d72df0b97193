"""Photos in tar archives: plain and compressed, damaged and hostile."""

import gzip
import io
import os
import pickle
import random
import sys
import tarfile
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from archive_files import PHOTOS, contents, found, tar
from noref import DamagedImage, ImageNotFound, ImageTooLarge, UnsupportedImage, sources
from noref.sources import failures, tars

BLOCK = 512


def member(name: str, content: bytes = b"", **fields: object) -> bytes:
    """A header with its data, filled up to whole blocks."""
    header = tarfile.TarInfo(name)
    header.size = len(content)
    for field, value in fields.items():
        setattr(header, field, value)
    return header.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % BLOCK)


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_photos_of_a_tar_are_those_of_the_standard_library(save, compression, form):
    long = f"{'folder/' * 12}{'x' * 90}/é 写.jpg"
    members = {"./a.jpg": PHOTOS["0.jpg"], "b/c.PNG": PHOTOS["1.jpg"], "b/labels.json": b"{}", "empty.jpg": b""}
    if form != tarfile.USTAR_FORMAT:
        members[long] = PHOTOS["2.jpg"]
    archive = save(f"a.tar{compression and '.'}{compression}", tar(members, compression, form))
    skipped = Counter()
    photos = found(archive, skipped=skipped)
    assert contents(photos) == {name: content for name, content in members.items() if not name.endswith("json")}
    assert [photo.name for photo in photos][:2] == [f"{archive}::./a.jpg", f"{archive}::b/c.PNG"]
    assert photos[1].place == Path(archive.name, "b", "c.PNG")
    assert skipped == {".json": 1}


def test_members_of_a_plain_tar_are_read_where_they_are_wanted(save):
    photos = found(save("a.tar", tar(PHOTOS)))
    assert all(len(pickle.dumps(photo)) < 2000 for photo in photos)
    assert contents(pickle.loads(pickle.dumps(photos))) == PHOTOS


def test_zstandard_is_unpacked_by_pyarrow(save, monkeypatch):
    pa = pytest.importorskip("pyarrow")
    content = pa.compress(tar(PHOTOS), "zstd", asbytes=True)
    assert contents(found(save("a.tar.zst", content))) == PHOTOS
    with pytest.raises(DamagedImage, match="truncated"):
        found(save("cut.tar.zst", content[: len(content) // 2]))[-1].open()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UnsupportedImage, match="pyarrow is not installed"):
        found(save("a.tar.zst", content))[0].open()


def test_compression_is_found_by_content(save):
    assert contents(found(save("a.tar", tar(PHOTOS, "gz")))) == PHOTOS


def test_what_is_no_photo_is_skipped(save):
    members = [
        member("folder/", type=tarfile.DIRTYPE),
        member("link.jpg", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("hard.jpg", type=tarfile.LNKTYPE, linkname="a.jpg", size=700),
        member("pipe.jpg", type=tarfile.FIFOTYPE),
        member("inner.zip", b"PK"),
        member(".hidden.jpg", b"x"),
        member("__MACOSX/a.jpg", b"x"),
        member("folder/.thumbnails/a.jpg", b"x"),
        member("a.jpg", PHOTOS["0.jpg"]),
    ]
    skipped = Counter()
    archive = save("a.tar", b"".join(members) + bytes(1024))
    assert contents(found(archive, skipped=skipped)) == {"a.jpg": PHOTOS["0.jpg"]}
    assert skipped == {"links": 2, "special files": 1, ".zip": 1}


def test_names_that_leave_the_archive_do_not_leave_the_folder_of_maps(save):
    names = ["../../up.jpg", "/etc/root.jpg", "a/../../b.jpg", "C:\\x\\..\\y.jpg", "nul\0.jpg"]
    archive = save("a.tar", b"".join(member(name, b"x") for name in names[:4]) + bytes(1024))
    photos = found(archive)
    assert [photo.member for photo in photos] == names[:4]
    places = [photo.place.as_posix() for photo in photos]
    assert places[:3] == ["a.tar/up.jpg", "a.tar/etc/root.jpg", "a.tar/a/b.jpg"]
    assert not any(photo.place.is_absolute() or ".." in photo.place.parts for photo in photos)


def test_sparse_files_are_refused_and_passed_over(save):
    header = bytearray(member("old.jpg", type=tarfile.GNUTYPE_SPARSE, size=BLOCK)[:BLOCK])
    header[482] = 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    extension = bytearray(BLOCK)
    extension[504] = 1
    old = bytes(header) + bytes(extension) + bytes(BLOCK) + b"d" * BLOCK
    modern = pax({"GNU.sparse.major": "1", "GNU.sparse.name": "new.jpg"}) + member("GNUSparseFile.0/new.jpg", b"1\n0\n1\n" * 99)
    photos = found(save("a.tar", old + modern + member("a.jpg", PHOTOS["0.jpg"]) + bytes(1024)))
    assert [photo.member for photo in photos] == ["old.jpg", "new.jpg", "a.jpg"]
    for photo in photos[:2]:
        with pytest.raises(DamagedImage, match="sparse"):
            photo.open()
    assert contents(photos[2:]) == {"a.jpg": PHOTOS["0.jpg"]}


def pax(records: dict[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    content = b""
    for key, value in records.items():
        record = f" {key}={value}\n".encode("utf-8", "surrogateescape")
        length = len(record) + 1
        length = len(str(length + len(str(length)) - 1)) + len(record)
        content += str(length).encode() + record
    return member("pax", content, type=kind)


def test_pax_headers_state_name_and_size(save):
    wrong = bytearray(member("short.jpg", PHOTOS["0.jpg"]))
    content = (
        pax({"comment": "x" * 200}, tarfile.XGLTYPE) + pax({"path": "dir/ü.jpg", "size": str(len(PHOTOS["0.jpg"]))}) + wrong
    )
    content += member("next.jpg", PHOTOS["1.jpg"])
    assert contents(found(save("a.tar", content + bytes(1024)))) == {"dir/ü.jpg": PHOTOS["0.jpg"], "next.jpg": PHOTOS["1.jpg"]}


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_of_a_truncated_tar_the_photos_before_are_kept(save, compression):
    noise = {f"{number}.jpg": random.Random(number).randbytes(3000) for number in range(4)}
    whole = tar(noise, compression)
    for share in (0.3, 0.5, 0.6):
        photos = found(save("cut.tar", whole[: round(share * len(whole))]))
        *before, last = photos
        assert contents(before) == dict(list(noise.items())[: len(before)])
        with pytest.raises(DamagedImage, match="trunca"):
            last.open()
        assert last.name.startswith(last.file)
    assert before or compression == "bz2"  # which packs all of it as one block


@pytest.mark.parametrize("compression", ["gz", "xz"])
def test_the_checksum_of_the_compression_is_compared(save, compression):
    whole = bytearray(tar(PHOTOS, compression))
    whole[-6 if compression == "gz" else -14] ^= 1
    *photos, last = found(save("a.tar", bytes(whole)))
    assert contents(photos) == PHOTOS
    with pytest.raises(DamagedImage):
        last.open()


def test_a_tar_without_its_end_mark_is_reported(save):
    *photos, last = found(save("cut.tar", member("a.jpg", PHOTOS["0.jpg"])))
    assert contents(photos) == {"a.jpg": PHOTOS["0.jpg"]}
    with pytest.raises(DamagedImage, match="no end mark"):
        last.open()


def test_behind_the_end_mark_nothing_is_read(save):
    assert len(found(save("a.tar", tar(PHOTOS) + tar({"later.jpg": b"x"})))) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"Dear Sir or Madam" * 99, "its beginning is not that of a tar archive"),
        (member("a.jpg", b"x") + b"\xff" * BLOCK, r"it is corrupt \(byte 1024\)"),
        (b"\x1f\x8b" + b"\0" * 600, "amaged|corrupt|unknown|not"),
        (member("pax", b"99 path=a\n", type=tarfile.XHDTYPE) + bytes(BLOCK), "corrupt pax header"),
        (member("pax", b"no record\n", type=tarfile.XHDTYPE) + bytes(BLOCK), "corrupt pax header"),
        (member("pax", b"0 foo=bar\n", type=tarfile.XHDTYPE) + bytes(BLOCK), "corrupt pax header"),
        (member("pax", b"9 path=a\t", type=tarfile.XHDTYPE) + bytes(BLOCK), "corrupt pax header"),
        (member("pax", b"12 size=-99\n", type=tarfile.XHDTYPE) + member("a.jpg"), "no number"),
        (member("pax", b"5007 size=" + b"9" * 4996 + b"\n", type=tarfile.XHDTYPE) + member("a.jpg"), "too long"),
        (member("long", type=tarfile.GNUTYPE_LONGNAME, size=1 << 40), "extended header of 1099511627776 bytes"),
        (member("huge.txt", size=1 << 60), "truncated within huge.txt"),
    ],
)
def test_a_corrupt_tar_is_an_error_in_its_place(save, content, message):
    archive = save("a.tar", content)
    photo = found(archive, save("b.jpg", b"x"))[-2]
    with pytest.raises((DamagedImage, ImageNotFound), match=message) as caught:
        photo.open()
    assert caught.value.name == str(archive)
    assert caught.value.__cause__ is None


def test_a_photo_of_more_bytes_than_the_limit_is_refused_unread(save, monkeypatch):
    monkeypatch.setattr(tars, "LIMIT", 5000)
    large = {"a.jpg": b"a", "large.jpg": bytes(6000), "b.jpg": b"b"}
    for compression in ("", "gz"):
        first, refused, last = found(save(f"a.tar.{compression}".strip("."), tar(large, compression)))
        assert contents([first, last]) == {"a.jpg": b"a", "b.jpg": b"b"}
        with pytest.raises(ImageTooLarge, match=f"6000 bytes, more than {failures.LIMIT}"):
            refused.open()


def test_memory_does_not_grow_with_the_members(tmp_path):
    def peak(count: int) -> int:
        with (tmp_path / "a.tar").open("wb") as file:
            for number in range(count):
                file.write(member(f"{number}.jpg", b"x"))
            file.write(bytes(1024))
        archive = sources.LocalFile(str(tmp_path / "a.tar"))
        tracemalloc.start()
        try:
            assert sum(1 for _ in tars.members(archive, archive.identity())) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(4000) < peak(400) + 20_000


def test_memory_does_not_grow_with_the_keys_of_pax_headers(tmp_path):
    with (tmp_path / "a.tar").open("wb") as file:
        for number in range(200):
            file.write(pax({f"comment.{number}.{key}": "x" * 400 for key in range(20)}, tarfile.XGLTYPE))
        file.write(pax({f"GNU.sparse.{key}": "1" for key in range(99)}) + member("a.jpg", b"x") + bytes(1024))
    archive = sources.LocalFile(str(tmp_path / "a.tar"))
    tracemalloc.start()
    try:
        assert [each.name for each in tars.members(archive, archive.identity())] == ["a.jpg"]
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compression", ["", "gz"])
def test_a_size_that_no_file_has_can_be_stored(save, compression):
    content = member("a.jpg", PHOTOS["0.jpg"]) + pax({"size": str(1 << 63)}) + member("huge.jpg")
    archive = save("a.tar", gzip.compress(content) if compression else content)
    first, huge, last = found(archive)
    assert contents([first]) == {"a.jpg": PHOTOS["0.jpg"]}
    assert huge.identity().bytes == 2**63 - 1
    with pytest.raises(ImageTooLarge):
        huge.open()
    with pytest.raises(DamagedImage, match=r"truncated within huge\.jpg"):
        last.open()


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz", "zst"])
def test_members_are_unpacked_in_one_piece(compression):
    import bz2
    import lzma

    content = random.Random(0).randbytes(1 << 20)
    if compression == "zst":
        packed = pytest.importorskip("pyarrow").compress(content, "zstd", asbytes=True)
    else:
        packed = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[compression](content)
    [unpack] = [unpack for magic, unpack in tars._COMPRESSED.items() if packed.startswith(magic)]
    with unpack(io.BytesIO(packed)) as stream:
        assert len(stream.read(len(content))) == len(content)


def test_xz_is_unpacked_within_a_limit_of_memory(save):
    import lzma

    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}]
    [photo] = found(save("a.tar.xz", lzma.compress(tar(PHOTOS), filters=filters)))
    with pytest.raises(DamagedImage, match="Memory usage limit"):
        photo.open()


def test_a_changed_archive_gives_its_members_another_identity(save):
    archive = save("a.tar", tar(PHOTOS))
    before = [photo.identity() for photo in found(archive)]
    assert before == [photo.identity() for photo in found(archive)]
    assert [one.bytes for one in before] == [len(content) for content in PHOTOS.values()]
    os.utime(archive, ns=(0, 5))
    touched = [photo.identity() for photo in found(archive)]
    save("a.tar", tar({**PHOTOS, "z.jpg": bytes(20_000)}))
    os.utime(archive, ns=(0, 5))
    longer = [photo.identity() for photo in found(archive)]
    assert not {*before} & {*touched}
    assert not {*touched} & {*longer}


def test_a_folder_named_like_an_archive_is_a_folder(save):
    folder = save("a.tar/b.jpg", b"x").parent
    assert [photo.name for photo in found(folder)] == [f"{folder}/b.jpg"]


def test_a_missing_archive_is_an_error_in_its_place(tmp_path):
    [photo] = found(tmp_path / "gone.tar")
    with pytest.raises(ImageNotFound, match=r"gone\.tar: no such file"):
        photo.open()
