"""Photos in zip archives, damaged and hostile ones among them."""

import io
import os
import pickle
import stat
import struct
import zipfile
import zlib
from collections import Counter

import pytest

from archive_files import PHOTOS, contents, found, zipped
from noref import DamagedImage, ImageTooLarge, UnsupportedImage
from noref.sources import zips


def entries(content: bytes) -> list[int]:
    """Positions of the entries of the directory."""
    return [place for place in range(len(content)) if content.startswith(b"PK\1\2", place)]


def changed(content: bytes, place: int, form: str, *values: int) -> bytes:
    packed = struct.pack(form, *values)
    return content[:place] + packed + content[place + len(packed) :]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_photos_of_a_zip_are_those_of_the_standard_library(save, method):
    members = {**PHOTOS, "é 写/a::b.png": b"content" * 200, "empty.jpg": b"", "x/labels.csv": b"a,b"}
    archive = save("a.zip", zipped(members, method))
    skipped = Counter()
    photos = found(archive, skipped=skipped)
    del members["x/labels.csv"]
    assert contents(photos) == members
    assert [photo.name for photo in photos] == [f"{archive}::{name}" for name in members]
    assert skipped == {".csv": 1}


def test_members_are_read_where_they_are_wanted(save):
    photos = found(save("a.zip", zipped(PHOTOS)))
    assert all(len(pickle.dumps(photo)) < 2000 for photo in photos)
    assert contents(pickle.loads(pickle.dumps(photos))) == PHOTOS


def test_what_is_no_photo_is_skipped(save):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link.jpg")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        for name in ("folder/", "__MACOSX/._a.jpg", ".a.jpg", "x/.y/a.jpg", "inner.tar"):
            archive.writestr(name, b"")
        archive.writestr("a.jpg", PHOTOS["0.jpg"])
    skipped = Counter()
    assert contents(found(save("a.zip", stream.getvalue()), skipped=skipped)) == {"a.jpg": PHOTOS["0.jpg"]}
    assert skipped == {"links": 1, ".tar": 1}


def test_windows_separators_and_names_that_leave_the_archive(save):
    names = ["../../up.jpg", "/root.jpg", "folder\\.hidden.jpg", "folder\\..\\..\\b.jpg"]
    content = zipped({name.replace("\\", "/"): b"x" for name in names})
    photos = found(save("a.zip", content.replace(b"folder/..", b"folder\\..").replace(b"../b.jpg", b"..\\b.jpg")))
    assert [photo.member for photo in photos] == ["../../up.jpg", "/root.jpg", "folder\\../..\\b.jpg"]
    assert [photo.place.as_posix() for photo in photos] == ["a.zip/up.jpg", "a.zip/root.jpg", "a.zip/folder/b.jpg"]


def test_a_large_archive_and_one_behind_a_program_are_read(save, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 500)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in PHOTOS.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)
    content = stream.getvalue()
    assert b"PK\6\6" in content
    assert contents(found(save("large.zip", content))) == PHOTOS
    assert contents(found(save("program.zip", b"#!/bin/sh\n" * 100 + content))) == PHOTOS
    assert contents(found(save("commented.zip", b"#!" * 99 + zipped(PHOTOS)[:-2] + b"\x05\0PK\5\6!"))) == PHOTOS


def test_a_directory_is_read_in_steps(save, monkeypatch):
    monkeypatch.setattr(zips, "_STEP", 50)
    assert contents(found(save("a.zip", zipped(PHOTOS)))) == PHOTOS


def test_a_longer_local_header_than_the_directory_states_is_read(save, monkeypatch):
    monkeypatch.setattr(zips, "_SPARE", 0)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo("a.jpg")
        entry.extra = struct.pack("<2H", 0xCAFE, 300) + bytes(300)
        archive.writestr(entry, PHOTOS["0.jpg"])
        entry.extra = b""
    assert contents(found(save("a.zip", stream.getvalue()))) == {"a.jpg": PHOTOS["0.jpg"]}


def test_an_encrypted_member_is_an_error_in_its_place(save):
    content = zipped(PHOTOS)
    content = changed(content, entries(content)[1] + 8, "<H", 1)
    first, refused, last = found(save("a.zip", content))
    assert contents([first, last]) == {"0.jpg": PHOTOS["0.jpg"], "2.jpg": PHOTOS["2.jpg"]}
    with pytest.raises(UnsupportedImage, match=r"a\.zip::1\.jpg: it is encrypted; decrypt"):
        refused.open()


def test_an_unknown_compression_is_an_error_in_its_place(save):
    content = zipped(PHOTOS)
    refused = found(save("a.zip", changed(content, entries(content)[1] + 10, "<H", 98)))[1]
    with pytest.raises(UnsupportedImage, match="zip compression 98 is not supported"):
        refused.open()


def test_a_bomb_is_never_unpacked(save, monkeypatch):
    honest = zipped({"bomb.jpg": bytes(30_000_000)})
    size = entries(honest)[0] + 24
    lying = changed(honest, size, "<L", 1000)
    unpacked = []
    inflated = zips._inflated
    monkeypatch.setitem(zips._METHODS, zipfile.ZIP_DEFLATED, lambda *of: unpacked.append(inflated(*of)) or unpacked[-1])
    with pytest.raises(DamagedImage, match="size or checksum differ"):
        found(save("lying.zip", lying))[0].open()
    assert [len(content) for content in unpacked] == [1001]
    monkeypatch.setattr(zips, "LIMIT", 20_000_000)
    with pytest.raises(ImageTooLarge, match="30000000 bytes"):
        found(save("honest.zip", honest))[0].open()
    assert len(unpacked) == 1


def zip64(content: bytes, number: int, **fields: int) -> bytes:
    """An archive whose directory states fields of a member in 64 bits."""
    *before, end = [*entries(content), content.index(b"PK\5\6")]
    entry = content[before[number] : [*before, end][number + 1]]
    names = struct.unpack_from("<H", entry, 28)[0]
    places = {"size": (24, "<L"), "start": (42, "<L")}
    for field in fields:
        entry = changed(entry, places[field][0], places[field][1], 0xFFFFFFFF)
    extra = struct.pack(f"<2H{len(fields)}Q", 1, 8 * len(fields), *fields.values())
    entry = changed(entry, 30, "<H", len(extra))
    entry = entry[: 46 + names] + extra + entry[46 + names :]
    directory = content[before[0] : before[number]] + entry + content[[*before, end][number + 1] : end]
    return content[: before[0]] + directory + changed(content[end:], 12, "<L", len(directory))


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [("size", 1 << 63, ImageTooLarge), ("start", 1 << 63, DamagedImage), ("start", (1 << 63) - 1, DamagedImage)],
)
def test_numbers_that_no_file_has_are_an_error_in_their_place(save, field, value, error):
    first, failed, last = found(save("a.zip", zip64(zipped(PHOTOS), 1, **{field: value})))
    assert contents([first, last]) == {"0.jpg": PHOTOS["0.jpg"], "2.jpg": PHOTOS["2.jpg"]}
    assert failed.identity().bytes < 1 << 63
    with pytest.raises(error, match=r"a\.zip::1\.jpg: "):
        failed.open()


@pytest.mark.parametrize("where", ["content", "checksum", "header", "start"])
def test_damage_to_one_member_is_an_error_in_its_place(save, where):
    content = zipped(PHOTOS, zipfile.ZIP_STORED)
    place = content.index(PHOTOS["1.jpg"])
    entry = entries(content)[1]
    damaged = {
        "content": changed(content, place + 300, "<L", 0xABCDEF),
        "checksum": changed(content, entry + 16, "<L", zlib.crc32(b"other")),
        "header": changed(content, content.index(b"PK\3\4", 10), "<L", 0),
        "start": changed(content, entry + 42, "<L", len(content) + 5000),
    }[where]
    first, failed, last = found(save("a.zip", damaged))
    assert contents([first, last]) == {"0.jpg": PHOTOS["0.jpg"], "2.jpg": PHOTOS["2.jpg"]}
    with pytest.raises(DamagedImage, match=r"a\.zip::1\.jpg: .*(corrupt|truncated)"):
        failed.open()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_damaged_compression_is_an_error_in_its_place(save, method):
    content = zipped({"a.jpg": b"text " * 500}, method)
    [photo] = found(save("a.zip", changed(content, 40, "<L", 0xFFFFFFFF)))
    with pytest.raises(DamagedImage, match=r"a\.jpg: "):
        photo.open()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"", "it is empty"),
        (lambda content: b"Dear Sir or Madam", "no directory at its end"),
        (lambda content: content[: len(content) * 2 // 3], "no directory at its end"),
        (lambda content: content[1000:], "corrupt"),
        (lambda content: changed(content, entries(content)[1], "<L", 0), "directory is corrupt"),
        (lambda content: changed(content, len(content) - 18, "<H", 1), "several volumes"),
        (lambda content: changed(content, len(content) - 10, "<L", 10**6), "directory is corrupt"),
        (lambda content: changed(content, entries(content)[2] + 28, "<H", 60_000), "directory is corrupt"),
    ],
)
def test_a_damaged_archive_is_an_error_in_its_place(save, damage, message):
    photos = found(save("a.zip", damage(zipped(PHOTOS))))
    with pytest.raises(DamagedImage, match=message):
        photos[-1].open() if len(photos) < 3 else [photo.open() for photo in photos]


def test_namesakes_are_both_read(save):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.jpg", b"first")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.jpg", b"second")
    photos = found(save("a.zip", stream.getvalue()))
    assert [photo.open().read() for photo in photos] == [b"first", b"second"]


def test_a_changed_archive_gives_its_members_another_identity(save):
    archive = save("a.zip", zipped(PHOTOS))
    before = [photo.identity() for photo in found(archive)]
    assert [one.bytes for one in before] == [len(content) for content in PHOTOS.values()]
    os.utime(archive, ns=(0, 5))
    assert not {*before} & {photo.identity() for photo in found(archive)}
