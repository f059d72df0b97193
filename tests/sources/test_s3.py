"""Sources on S3: a local server, with pages, latency, refusals and broken connections."""

import io
import os
import traceback
import uuid
from collections import Counter

import pytest

import s3_server
from archive_files import PHOTOS, content_of, contents, found, tar, zipped
from noref import ImageNotFound, sources
from noref.sources import attempts, listing, stream

s3fs = pytest.importorskip("s3fs")
pytest.importorskip("moto", reason="moto, the local S3 server, is not installed")
pytest.importorskip("flask", reason="moto[server] is not installed")


@pytest.fixture(scope="module")
def server():
    with pytest.MonkeyPatch.context() as patch, s3_server.served() as s3:
        for name, value in {
            "AWS_ENDPOINT_URL": s3.url,
            "AWS_ACCESS_KEY_ID": "accesskey",
            "AWS_SECRET_ACCESS_KEY": "s3cret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield s3
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def bucket(server, monkeypatch):
    """A bucket, and what puts files there and gives its URL."""
    monkeypatch.setattr(attempts, "DELAYS", (0.01, 0.01))
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    server.client.create_bucket(Bucket=name)

    def put(files: dict[str, bytes]) -> str:
        for key, content in files.items():
            server.client.put_object(Bucket=name, Key=key, Body=content)
        server.requests.clear()
        server.users.clear()
        return f"s3://{name}/"

    yield put
    server.refusals.clear()
    server.delay = 0.0


def read(*names: str) -> list[sources.Found]:
    return list(sources.ahead(sources.find(names, io.BytesIO())))


def error_of(photo: sources.Found) -> Exception:
    with pytest.raises(ImageNotFound) as caught:
        photo.open()
    return caught.value


def test_a_prefix_is_listed_page_by_page_and_read(server, bucket, monkeypatch):
    files = {f"photos/{number:02}.jpg": bytes([number]) * 9 for number in range(25)}
    others = {
        "photos/.hidden/a.jpg": b"",
        "photos/notes.txt": b"",
        "photos/": b"",
        "photos/z/": b"",
        "photos/z/ü a::b?.png": b"z",
        "photos2/a.jpg": b"",
    }
    url = bucket({**files, **others})
    monkeypatch.setattr(listing, "_PAGE", 10)
    skipped = Counter()
    photos = sources.find([f"{url}photos/"], io.BytesIO(), skipped=skipped)
    assert next(photos).name == f"{url}photos/00.jpg"
    assert sum("list-type=2" in request for request in server.requests) == 1
    names = [*files, "photos/z/ü a::b?.png"]
    assert [photo.name for photo in photos] == [url + name for name in names[1:]]
    assert sum("list-type=2" in request for request in server.requests) == 3
    assert skipped == {".txt": 1}
    server.requests.clear()
    again = found(f"{url}photos/")
    assert [content_of(photo) for photo in sources.ahead(again)] == [*files.values(), b"z"]
    assert sum("HEAD" in request for request in server.requests) == 0  # sizes are those of the listing
    assert found(f"{url}photos") == again  # a folder without its slash is looked up
    assert [photo.place.as_posix() for photo in again][-1] == "z/ü a::b?.png"


def test_credentials_in_the_url_are_used_and_not_shown(server, bucket):
    url = bucket(PHOTOS).replace("://", "://us3r:s3cret@")
    photos = read(url, f"{url}0.jpg", f"{url}0.zip", "s3://us3r:s3cret@Not_a bucket/a.jpg")
    shown = [photo.name for photo in photos]
    for photo in photos[-2:]:
        shown += traceback.format_exception(error_of(photo))
    assert not [text for text in shown if "s3cret" in text or "us3r" in text]
    assert contents(photos[:4]) == PHOTOS
    assert server.users == {"us3r"}


def test_secret_keys_with_slashes_or_escapes_are_used_and_not_shown(bucket):
    url = bucket(PHOTOS).replace("://", "://us3r%2F1:s3/cr%2Bet@")
    system, _ = attempts.file_system(f"{url}0.jpg")
    assert (system.key, system.secret) == ("us3r/1", "s3/cr+et")
    photos = read(url, f"{url}missing.jpg")
    assert contents(photos[:3]) == PHOTOS
    assert not [text for text in [*map(repr, photos), str(error_of(photos[3]))] if "s3/" in text or "et@" in text]


def test_a_whole_bucket_is_a_source(bucket):
    url = bucket(PHOTOS)
    assert contents(read(url.rstrip("/"))) == PHOTOS


def test_the_identity_of_an_object_changes_with_its_content(bucket):
    url = bucket({"a.jpg": b"first"})
    [listed], [named] = found(url), found(f"{url}a.jpg")
    assert listed.identity() == named.identity()
    assert listed.identity().version
    bucket({"a.jpg": b"other"})
    assert found(url)[0].identity().version != listed.identity().version


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.zip"])
def test_archives_are_read_from_s3(bucket, name):
    url = bucket({name: zipped(PHOTOS) if name == "a.zip" else tar(PHOTOS, name[6:])})
    photos = read(f"{url}{name}")
    assert contents(photos) == PHOTOS
    assert len({photo.identity().version for photo in photos}) == 1
    assert photos[0].identity().version.partition(" ")[2]


def test_braces_name_many_shards(bucket):
    url = bucket({f"shards-{number:04}.tar": tar({f"{number}.jpg": bytes([number])}) for number in (8, 9, 10)})
    assert contents(read(f"{url}shards-{{0008..0010}}.tar")) == {"8.jpg": b"\x08", "9.jpg": b"\x09", "10.jpg": b"\x0a"}


def test_slow_servers_and_cut_answers_are_asked_again(server, bucket):
    url = bucket({"a.jpg": b"a" * 5000, "b.jpg": b"b", "c.tar": tar(PHOTOS)})
    server.refusals[:] = ["SlowDown", "SlowDown"]
    assert [photo.name for photo in found(url)] == [f"{url}a.jpg", f"{url}b.jpg"]
    listed = found(url)
    server.refusals[:] = ["cut", "SlowDown"]
    assert [content_of(photo) for photo in sources.ahead(listed)] == [b"a" * 5000, b"b"]
    server.refusals[:] = ["SlowDown", "cut"]
    assert contents(read(f"{url}c.tar")) == PHOTOS


def test_photos_before_a_page_that_cannot_be_listed_are_kept(server, bucket, monkeypatch):
    url = bucket({f"{number:02}.jpg": b"x" for number in range(25)})
    monkeypatch.setattr(listing, "_PAGE", 10)
    photos = sources.find([url, f"{url}00.jpg"], io.BytesIO())
    first = [next(photos) for _ in range(10)]
    server.refusals[:] = ["AccessDenied"]
    failed, other = photos
    assert [photo.name for photo in first] == [f"{url}{number:02}.jpg" for number in range(10)]
    assert str(error_of(failed)).startswith(f"{url}: access denied")
    assert content_of(other) == b"x"


@pytest.mark.parametrize("compression", ["", "gz"])
def test_of_a_tar_that_can_no_longer_be_read_the_photos_before_are_kept(server, bucket, monkeypatch, compression):
    monkeypatch.setattr(stream, "FIRST", 20_000)
    monkeypatch.setattr(stream, "CHUNK", 20_000)
    noise = {f"{number:02}.jpg": os.urandom(9000) for number in range(60)}
    url = bucket({"a.tar": tar(noise, compression)})
    photos = sources.find([f"{url}a.tar", f"{url}a.tar"], io.BytesIO())
    kept = [next(photos)]
    server.refusals[:] = ["AccessDenied"] * 9
    for failed in photos:
        if failed.content.expected == 0:
            break
        kept.append(failed)
    server.refusals.clear()
    assert contents(kept) == dict(list(noise.items())[: len(kept)])
    assert "access denied" in str(error_of(failed))
    assert contents(list(photos)) == noise  # the next source goes on


def test_what_cannot_be_read_is_an_error_in_its_place(server, bucket):
    url = bucket({"a.jpg": b"a"})
    missing = ["s3://no-such-bucket-here/", "s3://no-such-bucket-here/a.jpg", f"{url}gone.jpg", f"{url}gone/", f"{url}gone.zip"]
    *failed, fine = read(*missing, f"{url}a.jpg")
    for photo, name in zip(failed, missing, strict=True):
        assert str(error_of(photo)).startswith(f"{name}: no such file, folder or bucket")
    assert content_of(fine) == b"a"


@pytest.mark.parametrize("refusal", ["ExpiredToken", "AccessDenied", "InvalidToken"])
def test_refusals_are_errors_in_their_place_and_not_tried_again(server, bucket, refusal):
    url = bucket({"a.jpg": b"a", "b.jpg": b"b"})
    for source, known in ((url, False), (f"{url}a.jpg", False), (url, True)):
        photos = found(source) if known else []
        server.requests.clear()
        server.refusals[:] = [refusal] * (9 if source.endswith("jpg") else 1)  # botocore looks for the region after some
        results = sources.ahead(photos) if known else read(source)
        [failed] = [photo for photo in results if isinstance(photo.content, sources.Failed)]  # either is read first
        shown = [failed.name, *traceback.format_exception(error_of(failed))]
        assert "access denied" in shown[-1]
        assert "renew the credentials" in shown[-1]
        assert not [text for text in shown if "s3cret" in text or "accesskey" in text]
        assert len(server.requests) <= 6
        server.refusals.clear()


def test_without_credentials_there_is_an_error_in_its_place(bucket, monkeypatch, tmp_path):
    url = bucket({"a.jpg": b"a"})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        for photo in (*read(url), *read(f"{url}a.jpg")):
            assert "access denied (Unable to locate credentials)" in str(error_of(photo))
    finally:
        s3fs.S3FileSystem.clear_instance_cache()


def test_latency_does_not_add_up(server, bucket):
    photos = found(bucket({f"{number}.jpg": b"x" for number in range(40)}))
    server.delay, server.most_at_once = 0.1, 0
    assert len([content_of(photo) for photo in sources.ahead(photos)]) == 40
    assert server.most_at_once > 8
