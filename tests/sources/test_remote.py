"""Remote sources: over HTTP from a server that breaks connections, and through the interface of fsspec alone."""

import io
import os
import pickle
import re
import subprocess
import sys
import traceback
import uuid
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pytest

from archive_files import PHOTOS, content_of, contents, found, tar, zipped
from noref import DamagedImage, ImageNotFound, ImageTooLarge, UnsupportedImage, sources
from noref.sources import attempts, listing, remote, stream
from noref.urls import redacted
from remote_servers import served

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(attempts, "DELAYS", (0.01, 0.01, 0.01))


@pytest.fixture
def server():
    with served() as files:
        yield files


@pytest.fixture
def bucket():
    """The URL of a folder of fsspec's file system in memory, and what puts files there."""
    system = fsspec.filesystem("memory")
    root = f"/{uuid.uuid4().hex}"

    def put(files: dict[str, bytes]) -> str:
        for name, content in files.items():
            system.pipe_file(f"{root}/{name}", content)
        return f"memory:/{root}/"

    yield put
    if system.exists(root):
        system.rm(root, recursive=True)


def error_of(photo: sources.Found, kind: type[Exception] = ImageNotFound) -> Exception:
    with pytest.raises(kind) as caught:
        photo.open()
    return caught.value


def read(*names: object) -> list[sources.Found]:
    """The photos in sources, read as when they are scored."""
    return list(sources.ahead(sources.find(list(map(str, names)), io.BytesIO())))


def test_a_folder_is_searched_like_one_of_this_machine(bucket):
    files = {
        **PHOTOS,
        "deep/er/späte Rose 1?.png": b"x",
        "deep/b.webp": b"y",
        ".hidden/a.jpg": b"",
        "a/.b.jpg": b"",
        "x.psd": b"",
        "a.tar": b"",
    }
    url = bucket(files)
    skipped = Counter()
    photos = found(url, skipped=skipped)
    names = ["0.jpg", "1.jpg", "2.jpg", "deep/b.webp", "deep/er/späte Rose 1?.png"]
    assert [photo.name for photo in photos] == [url + name for name in names]
    assert [photo.lasting for photo in photos] == [url + name for name in names]
    assert [photo.place.as_posix() for photo in photos] == names
    assert [content_of(photo) for photo in photos] == [files[name] for name in names]
    assert skipped == {".psd": 1, ".tar": 1}
    assert found(url.rstrip("/")) == photos


def test_the_identity_is_that_of_the_listing_and_of_a_named_file(bucket):
    url = bucket(PHOTOS)
    listed = [photo.identity() for photo in found(url)]
    named = [photo.identity() for photo in found(*(url + name for name in PHOTOS))]
    assert listed == named
    assert [one.bytes for one in listed] == [len(content) for content in PHOTOS.values()]
    assert all(one.modified for one in listed)
    bucket({"0.jpg": PHOTOS["0.jpg"]})
    assert found(url)[0].identity() != listed[0]


def test_times_of_all_back_ends_are_understood():
    moment = datetime(2026, 1, 1)
    times = [
        moment,
        moment.replace(tzinfo=timezone.utc),
        1767225600.0,
        "2026-01-01T00:00:00.000Z",
        "Thu, 01 Jan 2026 00:00:00 GMT",
    ]
    assert {remote.identity_of({"size": 5, "mtime": time}) for time in times} == {sources.Identity(5, 1767225600 * 10**9)}
    assert remote.identity_of({"size": None, "mtime": "once", "ETag": '"e"'}) == sources.Identity(0, 0, "e")


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.zip"])
def test_archives_are_read_remotely(bucket, name):
    content = zipped(PHOTOS) if name.endswith("zip") else tar(PHOTOS, name[6:])
    url = bucket({name: content})
    photos = read(url + name)
    assert contents(photos) == PHOTOS
    assert [photo.name for photo in photos] == [f"{url}{name}::{member}" for member in PHOTOS]
    assert all(photo.identity().bytes == len(PHOTOS[photo.member]) for photo in photos)


def test_members_of_a_remote_zip_can_be_read_elsewhere(bucket):
    photos = found(bucket({"a.zip": zipped(PHOTOS)}) + "a.zip")
    assert not photos[0].content.near
    assert contents(pickle.loads(pickle.dumps(photos))) == PHOTOS


def test_parquet_is_read_remotely(bucket):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table, paths = io.BytesIO(), io.BytesIO()
    pq.write_table(pa.table({"image": list(PHOTOS.values())}), table, row_group_size=1)
    pq.write_table(pa.table({"path": ["deep/a.jpg", "../a.jpg", "/etc/passwd", "s3://bucket/a.jpg"]}), paths)
    url = bucket({"a.parquet": table.getvalue(), "b.parquet": paths.getvalue(), "deep/a.jpg": b"a"})
    assert [content_of(photo) for photo in read(f"{url}a.parquet")] == list(PHOTOS.values())
    below, *elsewhere = read(f"{url}b.parquet")
    assert below.name == f"{url}deep/a.jpg"
    assert content_of(below) == b"a"
    for photo in elsewhere:
        assert "it names a photo elsewhere" in str(error_of(photo))


def test_paths_in_a_table_of_a_signed_url_are_beside_it(server):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = io.BytesIO()
    pq.write_table(pa.table({"path": ["b c/ä?.jpg"]}), table)
    server.files = {"/x/a.parquet": table.getvalue(), "/x/b c/ä?.jpg": b"a"}
    [photo] = read(f"{server.url}/x/a.parquet?sig=a/b")
    assert content_of(photo) == b"a"
    assert photo.place.as_posix() == "b c/ä?.jpg"


def test_a_list_names_remote_files_too(bucket, save):
    url = bucket({"a.jpg": b"a", "b.zip": zipped({"c.jpg": b"c"})})
    listed = f"{url}a.jpg\n{save('d.jpg', b'd')}\n{url}b.zip\n"
    photos = list(sources.find(["-"], io.BytesIO(listed.encode())))
    assert [content_of(photo) for photo in photos] == [b"a", b"d", b"c"]


def test_what_is_missing_is_an_error_in_its_place(bucket):
    url = bucket({"a.jpg": b"a"})
    missing = [
        f"{url}gone.jpg",
        f"{url}gone/",
        f"{url}gone.zip",
        f"{url}gone.tar",
        "memory://no/such/bucket",
        f"{url}gone.parquet",
    ]
    for photo, name in zip(read(*missing), missing, strict=True):
        assert str(error_of(photo)).startswith(f"{name}: no such file, folder or bucket; check")
    assert content_of(read(*missing, f"{url}a.jpg")[-1]) == b"a"


def test_an_empty_file_is_read_as_such(bucket):
    [photo] = read(bucket({"a.jpg": b""}))
    assert content_of(photo) == b""


def test_an_unknown_kind_of_url_is_an_error_in_its_place():
    [photo] = read("gopher://host/a.jpg")
    assert str(error_of(photo)).startswith("gopher://host/a.jpg: no library reads gopher:// URLs; give a path")


@pytest.mark.parametrize(
    ("library", "url"), [("fsspec", "memory://a/a.jpg"), ("s3fs", "s3://a/a.jpg"), ("aiohttp", "http://a/a.zip")]
)
def test_without_the_library_the_error_names_the_extra(monkeypatch, library, url):
    for name in (library, "fsspec.implementations.http"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setattr(sys.modules["fsspec.registry"], "registry", {})
    for source in (url, url.rpartition("/")[0] + "/"):
        [photo] = read(source)
        assert f"{library} is not installed; pip install 'noref[remote]'" in str(error_of(photo, UnsupportedImage))


def test_files_are_read_over_http(server):
    server.files = {"/a b/ü%41.jpg": b"a", "/c.jpg": b"c" * 3_000_000, "/get": b"g"}
    names = [
        f"{server.url}/a%20b/%C3%BC%2541.jpg",
        f"{server.url}/a b/ü%2541.jpg",
        f"{server.url}/c.jpg",
        f"{server.url}/get?id=7&x=%2F",
    ]
    assert [content_of(photo) for photo in read(*names)] == [b"a", b"a", b"c" * 3_000_000, b"g"]
    assert {request.method for request in server.requests} == {"GET"}


@pytest.mark.parametrize("ranges", [True, False])
def test_archives_over_http_need_ranges(server, ranges):
    server.ranges = ranges
    noise = {f"{number}.jpg": os.urandom(200_000) for number in range(8)}
    server.files = {"/a.tar": tar(noise), "/a.zip": zipped(noise)}
    for name in server.files:
        photos = read(server.url + name)
        if ranges:
            assert contents(photos) == noise
        else:
            assert "does not give parts of files; download the file first" in str(error_of(photos[-1]))


def test_redirects_are_followed(server):
    server.files = {"/b.jpg": b"b", "/b.zip": zipped(PHOTOS)}
    server.redirects = {"/a.jpg": "/b.jpg?Signature=secret", "/a.zip": "/b.zip"}
    assert content_of(read(f"{server.url}/a.jpg")[0]) == b"b"
    photos = read(f"{server.url}/a.zip")
    assert contents(photos) == PHOTOS
    assert photos[0].name == f"{server.url}/a.zip::0.jpg"


def test_a_page_of_links_is_a_folder(server):
    page = b'<a href="?C=N;O=D">Name</a><a href="/">Up</a><a href="../">Up</a><a href="b.jpg">b</a><a href="a%20b.png">a</a>'
    page += b'<a href="http://elsewhere.example/x.jpg">x</a><a href="/photos/sub/">sub</a><a href="notes.txt">n</a>'
    server.files = {"/photos/": page, "/photos": page, "/photos/b.jpg": b"b", "/photos/a b.png": b"a"}
    server.files |= {"/photos/sub/": b'<a href="c.jpg">c</a>', "/photos/sub": b"", "/photos/sub/c.jpg": b"c"}
    skipped = Counter()
    photos = found(f"{server.url}/photos/", skipped=skipped)
    assert [photo.name.removeprefix(server.url) for photo in photos] == [
        "/photos/a%20b.png",
        "/photos/b.jpg",
        "/photos/sub/c.jpg",
    ]
    assert [content_of(photo) for photo in photos] == [b"a", b"b", b"c"]
    assert skipped == {".txt": 1}


def test_a_broken_connection_is_tried_again(server):
    server.files = {"/a.jpg": b"a" * 100_000, "/a.tar": tar(PHOTOS), "/a.zip": zipped(PHOTOS)}
    server.broken = Counter(dict.fromkeys(server.files, 2))
    server.statuses = {"/a.jpg": [503, 429, 500]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempts, "DELAYS", (0.01,) * 5)
        assert content_of(read(f"{server.url}/a.jpg")[0]) == b"a" * 100_000
    assert contents(read(f"{server.url}/a.tar")) == PHOTOS
    assert contents(read(f"{server.url}/a.zip")) == PHOTOS
    assert max(server.broken.values()) < 0


def test_a_tar_goes_on_where_the_connection_broke(server, monkeypatch):
    monkeypatch.setattr(stream, "FIRST", 50_000)
    monkeypatch.setattr(stream, "CHUNK", 50_000)
    noise = {f"{number}.jpg": os.urandom(70_000) for number in range(9)}
    server.files = {"/a.tar": tar(noise)}
    server.broken = Counter({"/a.tar": 3})
    assert contents(read(f"{server.url}/a.tar")) == noise
    spans = [request.span for request in server.requests if request.method == "GET"]
    assert len(spans) == len(set(spans)) + 3


@pytest.mark.parametrize("count", [1, 4])
def test_a_connection_that_stays_broken_is_an_error_in_its_place(server, count):
    server.files = {"/a.jpg": b"a" * 1000, "/b.jpg": b"b", "/a.tar": tar(PHOTOS)}
    server.broken = Counter({"/a.jpg": 99, "/a.tar": 99})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempts, "DELAYS", (0.01,) * (count - 1))
        failed, fine, archive = read(*(server.url + name for name in ("/a.jpg", "/b.jpg", "/a.tar")))
    assert content_of(fine) == b"b"
    assert "check the URL and the connection, and try again" in str(error_of(failed))
    assert str(error_of(archive)).startswith(f"{server.url}/a.tar: ")
    assert sum(request.path == "/a.jpg" for request in server.requests) == count


def test_a_server_that_is_not_there_is_an_error_in_its_place():
    with served() as files:
        gone = files.url
    for source in (f"{gone}/a.jpg", f"{gone}/a.zip", f"{gone}/folder/"):
        assert "check the URL and the connection" in str(error_of(read(source)[-1]))


def test_refusals_are_not_tried_again(server):
    server.statuses = {"/a.jpg": [403, 200], "/b.jpg": [401, 200], "/c.zip": [403, 403, 403]}
    for name in server.statuses:
        [photo] = read(server.url + name)
        assert str(error_of(photo)).startswith(f"{server.url}{name}: access denied")
        assert "renew the credentials" in str(error_of(photo))
    assert len([request for request in server.requests if request.path != "/c.zip"]) == 2


SECRETS = ("s3cret", "us3r", "t0ken")


def test_credentials_are_sent_but_not_shown(server):
    login = server.url.replace("://", "://us3r:s3cret@")
    server.files = {"/a.jpg": PHOTOS["0.jpg"], "/a.zip": zipped(PHOTOS), "/b.jpg": b"", "/photos/": b'<a href="a.jpg">'}
    server.statuses = {"/denied.jpg": [403], "/broken.jpg": [500] * 4, "/lost.zip": [500] * 99}
    server.redirects = {"/moved.jpg": f"{server.url}/nowhere.jpg?sig=t0ken"}
    paths = (
        "a.jpg?sig=t0ken",
        "a.zip",
        "denied.jpg?sig=t0ken#t0ken",
        "broken.jpg",
        "moved.jpg",
        "gone/",
        "photos/",
        "lost.zip?t0ken",
    )
    shown = [sources.shown(f"{login}/{path}") for path in paths]
    for path in paths:
        for photo in read(f"{login}/{path}"):
            shown += [photo.name, photo.lasting, repr(photo), str(photo.place), *photo.identity()]
            try:
                photo.open()
            except Exception as error:
                shown += [str(error), repr(error), *traceback.format_exception(error)]
    assert "127.0.0.1" in str(shown)
    assert not [text for text in shown for secret in SECRETS if secret in str(text)]
    assert all(request.user == "Basic dXMzcjpzM2NyZXQ=" for request in server.requests if "nowhere" not in request.path)


def test_a_photo_whose_query_ends_with_a_slash_is_no_folder(server):
    server.files = {"/": b"photo"}
    assert content_of(read(f"{server.url}/?path=/a/")[0]) == b"photo"


def test_names_of_urls():
    assert not sources.is_url("C://folder/a.jpg")
    assert sources.shown("https://u:p@host/a.jpg#f") == "https://host/a.jpg"
    assert sources.shown("s3://key:secret@bucket/what?.jpg") == "s3://bucket/what?.jpg"
    assert sources.shown("s3://bucket/me@home.jpg") == "s3://bucket/me@home.jpg"
    assert sources.shown("s3://AKIA123:abc/def+gh@bucket/photo.jpg") == "s3://bucket/photo.jpg"
    assert sources.shown("s3://key:abc/d@f@bucket/me@home.jpg") == "s3://bucket/me@home.jpg"
    assert sources.shown("s3://bucket/a:b@c.jpg") == "s3://bucket/a:b@c.jpg"
    assert redacted("no s3a://key:abc/def@bucket/photo.jpg") == "no s3a://bucket/photo.jpg"
    assert sources.shown("abfs://container@account.dfs.core.windows.net/a.jpg").startswith("abfs://container@account")
    assert sources.shown("folder/a.jpg?x@y") == "folder/a.jpg?x@y"


def test_photos_that_differ_only_in_their_queries_have_names_of_their_own(server):
    server.files = {"/photo": b"one", "/shards.zip": zipped(PHOTOS)}
    one, other = read(f"{server.url}/photo?id=1", f"{server.url}/photo?id=2")
    assert one.lasting != other.lasting
    assert re.fullmatch(rf"{server.url}/photo#query-[0-9a-f]{{16}}", one.lasting)
    assert one.place == other.place == Path("photo")
    member, *_ = read(f"{server.url}/shards.zip?id=1")
    assert re.fullmatch(rf"{server.url}/shards\.zip#query-[0-9a-f]{{16}}::0\.jpg", member.name)
    assert member.place == Path("shards.zip", "0.jpg")


@pytest.mark.parametrize(
    "signature",
    [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=us3r&X-Amz-Date=20260101T000000Z&X-Amz-Signature=t0ken",
        "AWSAccessKeyId=us3r&Expires=1767225600&Signature=t0ken",
        "X-Goog-Credential=us3r&X-Goog-Expires=900&x%2Dgoog%2Dsignature=t0ken",
        "GoogleAccessId=us3r&Expires=1767225600&Signature=t0ken",
        "sv=2024-11-04&se=2026-01-01&sr=b&sp=r&spr=https&skoid=us3r&sig=t0ken",
        "Expires=1767225600&Policy=t0ken&Signature=t0ken&Key-Pair-Id=us3r",
        "token=t0ken&&password=s3cret&key=s3cret&api_key=s3cret",
    ],
)
def test_a_url_that_is_signed_again_keeps_its_name(signature):
    url = "https://us3r:s3cret@host/a.jpg?"
    assert sources.shown(f"{url}{signature}#f") == "https://host/a.jpg"
    assert sources.shown(f"{url}id=1&{signature}") == sources.shown(f"{url}{signature}&id=1") == sources.shown(f"{url}id=1")
    assert sources.shown(f"{url}id=1") != sources.shown(f"{url}id=1&sp=r&id=2") != sources.shown(f"{url}id=1&sp=w&id=2")
    assert sources.shown(name := sources.shown(f"{url}id=1")) == name


def test_what_is_larger_than_the_limit_is_refused_without_reading_it_all(server, bucket, monkeypatch):
    monkeypatch.setattr(remote, "LIMIT", 100_000)
    server.files = {"/large.jpg": bytes(50_000_000), "/small.jpg": bytes(100_000)}
    large, small = read(f"{server.url}/large.jpg", f"{server.url}/small.jpg")
    assert "100001 bytes, more than" in str(error_of(large, ImageTooLarge))
    assert len(content_of(small)) == 100_000
    [listed] = read(bucket({"large.jpg": bytes(100_001)}))
    error_of(listed, ImageTooLarge)


def test_a_file_that_became_shorter_is_an_error(bucket):
    url = bucket({"a.jpg": b"long content"})
    photos = found(url)
    bucket({"a.jpg": b"short"})
    [photo] = sources.ahead(photos)
    assert "became shorter" in str(error_of(photo, DamagedImage))


def test_waiting_does_not_add_up(server):
    server.files = {f"/{number}.jpg": b"x" for number in range(64)}
    server.delay = 0.05
    urls = [server.url + name for name in server.files]
    assert [photo.name for photo in read(*urls)] == urls
    assert server.most_at_once > 8
    server.most_at_once = 0
    known = list(sources.looked_up(found(*urls)))
    assert all(photo.content.state.bytes == 1 for photo in known)
    assert server.most_at_once > 8


def test_pages_of_a_listing_come_when_they_are_wanted(monkeypatch):
    """As of S3, whose pages name the next one."""
    wanted = []

    class System:
        def split_path(self, path):
            return "bucket", path.removeprefix("s3://bucket/"), None

        def call_s3(self, method, **options):
            wanted.append(options.get("ContinuationToken"))
            assert (method, options["Bucket"], options["Prefix"]) == ("list_objects_v2", "bucket", "photos/")
            number = int(options.get("ContinuationToken", 0))
            keys = [{"Key": f"photos/{number}-{place}.jpg", "Size": 5, "ETag": '"e"'} for place in range(3)]
            return {"Contents": keys, "IsTruncated": True, "NextContinuationToken": str(number + 1)}

    monkeypatch.setattr(attempts, "file_system", lambda url: (System(), url))
    photos = listing.photos_below("s3://user:password@bucket/photos/", Counter())
    assert [next(photos)[1] for _ in range(4)] == ["0-0.jpg", "0-1.jpg", "0-2.jpg", "1-0.jpg"]
    assert wanted == [None, "1"]


PROGRAM = """
import os, sys
from noref import sources
from archive_files import content_of, found

def length(url):
    return len(content_of(found(url)[0]))

if __name__ == "__main__":
    url = sys.argv[1]
    before = length(url)
    child = os.fork()
    if not child:
        os._exit(0 if length(url) == before else 1)
    assert os.waitpid(child, 0)[1] == 0
    print(before, length(url))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_reads_with_connections_of_its_own(server, tmp_path):
    server.files = {"/a.jpg": b"x" * 1234}
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-W", "ignore", str(tmp_path / "program.py"), f"{server.url}/a.jpg"]
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("1234 1234\n", 0), done.stderr
