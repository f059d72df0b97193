"""Forms that are refused, and where."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noref.web import uploads
from noref.web.limits import Limits, Refused

HEAD = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"
PIECES = [b"\r\n--x\r\n", b"\r\n--x--", b"\r\n\r\n", b"--x", b"\r", b"name=", b'"', b";"]


class Sender:
    """A request whose body arrives in chunks; counts those that were read."""

    def __init__(self, chunks: list[bytes], **headers: str) -> None:
        self.headers = {"content-type": "multipart/form-data; boundary=x", **headers}
        self.read = 0
        self._messages = self._all(chunks)

    async def receive(self) -> dict[str, object]:
        return next(self._messages)

    def _all(self, chunks: list[bytes]) -> Iterator[dict[str, object]]:
        for number, chunk in enumerate(chunks, 1):
            self.read += 1
            yield {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        yield {"type": "http.disconnect"}


def receive(sender: Sender, held: list[int] | None = None, **limits: int) -> list[uploads.Upload]:
    return asyncio.run(uploads.receive(sender, Limits(**limits), (held if held is not None else []).append))


def refusal(sender: Sender, **limits: int) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        receive(sender, **limits)
    return caught.value.status, caught.value.kind


def test_files_come_in_order_with_their_content_and_names():
    second = HEAD.replace(b"a.jpg", 'ü;\\"b.jpg'.encode())
    body = HEAD + b"one\r\n--y" + b"\r\n" + second + b"two" + TAIL
    for size in (1, 7, len(body)):  # however the body is cut
        held: list[int] = []
        found = receive(Sender([body[start : start + size] for start in range(0, len(body), size)]), held)
        assert [(upload.name, upload.getvalue()) for upload in found] == [("a.jpg", b"one\r\n--y"), ('ü;"b.jpg', b"two")]
        assert sum(held) == len(body)


def test_a_file_without_a_name_gets_one():
    (found,) = receive(Sender([HEAD.replace(b"a.jpg", b"") + b"one" + TAIL]))
    assert found.name == "image 1"


def test_a_request_that_is_declared_too_large_is_not_read():
    sender = Sender([HEAD + b"one" + TAIL], **{"content-length": "1001"})
    assert refusal(sender, upload=1000) == (413, "UploadTooLarge")
    assert sender.read == 0


def test_a_request_without_a_length_is_refused_where_it_becomes_too_large():
    sender = Sender([HEAD, *[bytes(100)] * 100, TAIL])
    assert refusal(sender, upload=1000) == (413, "UploadTooLarge")
    assert sender.read == 11


def test_an_image_is_refused_where_it_becomes_too_large():
    sender = Sender([HEAD, *[bytes(100)] * 100, TAIL])
    assert refusal(sender, image=500) == (413, "ImageTooLarge")
    assert sender.read <= 8
    assert len(receive(Sender([HEAD, bytes(500), TAIL]), image=500)[0].getvalue()) == 500


def test_images_are_refused_where_there_are_too_many():
    sender = Sender([HEAD + b"one\r\n"] * 5 + [TAIL])
    assert refusal(sender, images=3) == (413, "TooManyImages")
    assert sender.read == 4


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([b""], (422, "NoImages")),
        ([b"--x--\r\n"], (422, "NoImages")),
        ([HEAD + b"one"], (400, "BrokenForm")),
        ([HEAD[:20]], (400, "BrokenForm")),
        ([b"no form at all"], (400, "BrokenForm")),
        ([b"--x\r\n" + b"a: b\r\n" * 100 + b"\r\n" + TAIL], (400, "BrokenForm")),
        ([b"--x\r\na: " + b"b" * 100_000], (400, "BrokenForm")),
        ([HEAD.replace(b"images", b"path") + b"one" + TAIL], (422, "UnknownField")),
        ([HEAD.replace(b"Disposition", b"Dispositio") + b"one" + TAIL], (422, "UnknownField")),
        ([HEAD.replace(b'; filename="a.jpg"', b"") + b"/etc/passwd" + TAIL], (422, "NotAFile")),
        ([HEAD.replace(b'; filename="a.jpg"', b"") + b"http://localhost/a.jpg" + TAIL], (422, "NotAFile")),
    ],
)
def test_forms_that_are_refused(chunks, expected):
    assert refusal(Sender(chunks)) == expected


def test_a_client_that_goes_before_the_end():
    sender = Sender([HEAD, b""])
    sender._messages = iter([{"type": "http.request", "body": HEAD, "more_body": True}, {"type": "http.disconnect"}])
    assert refusal(sender) == (499, "ClientGone")


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "multipart/form-data", "multipart/mixed; boundary=x"])
def test_other_types_of_content(kind):
    assert refusal(Sender([b"{}"], **{"content-type": kind})) == (415, "NotMultipart")


def test_a_form_without_a_boundary_is_told_so():
    with pytest.raises(Refused, match=r"the Content-Type names no boundary.*let the HTTP library set this header"):
        receive(Sender([HEAD], **{"content-type": "multipart/form-data"}))


def test_a_boundary_that_is_too_long():
    assert refusal(Sender([HEAD], **{"content-type": f"multipart/form-data; boundary={'x' * 300}"})) == (400, "BrokenForm")


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_body_of_any_bytes_is_received_or_refused(data):
    body = bytearray(HEAD + b"one\r\n" + HEAD + b"\r\n--x" + TAIL)
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(body)))
        length, new = data.draw(st.integers(0, 9)), data.draw(st.binary(max_size=9) | st.sampled_from(PIECES))
        body[start : start + length] = new
    size = data.draw(st.integers(1, len(body) + 1))
    sender = Sender([bytes(body[start : start + size]) for start in range(0, len(body), size)] or [b""])
    with contextlib.suppress(Refused):
        assert sum(len(upload.getvalue()) for upload in receive(sender)) <= len(body)
