"""Uploaded images, parsed while the body arrives; a body over a limit is refused where it exceeds it."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from noref.web.limits import Limits, Refused, described

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "images"


class Upload(io.BytesIO):
    """An uploaded image, in memory. Its name is a label that the client chose; it is never used as a path."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


async def receive(request: Request, limits: Limits, hold: Callable[[int], None]) -> list[Upload]:
    """The images of a multipart request, in their order.

    Args:
        request: Its body has not been read.
        limits: What is accepted.
        hold: Called with the number of bytes before they are kept; may refuse them.

    Raises:
        Refused: The body is no such form, has no image, or exceeds a limit; or the client has gone.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind == b"multipart/form-data" and b"boundary" not in options:
        raise Refused(415, "NotMultipart", "the Content-Type names no boundary", "let the HTTP library set this header")
    if kind != b"multipart/form-data":
        raise Refused(415, "NotMultipart", "the body is not multipart/form-data", f"send files in the form field {FIELD!r}")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.upload:
        raise _too_large(limits)
    form = _Form(limits)
    received, more = 0, True
    try:
        parser = MultipartParser(options[b"boundary"], form.callbacks())
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise Refused(499, "ClientGone", "the client closed the connection", "send the request again")
            chunk, more = message.get("body", b""), message.get("more_body", False)
            received += len(chunk)
            if received > limits.upload:
                raise _too_large(limits)
            hold(len(chunk))
            parser.write(chunk)
    except FormParserError as error:
        raise _broken(str(error)) from error
    if received and not form.complete:
        raise _broken("it ends before its last boundary")
    if not form.uploads:
        raise Refused(422, "NoImages", "the form holds no file", f"send files in the form field {FIELD!r}")
    return form.uploads


class _Form:
    """Collects the parts of a form; each must be a file in the field `images`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.uploads: list[Upload] = []
        self.complete = False

    def callbacks(self) -> "MultipartCallbacks":
        """What the parser calls."""
        return {
            "on_part_begin": self.on_part_begin,
            "on_header_field": self.on_header_field,
            "on_header_value": self.on_header_value,
            "on_header_end": self.on_header_end,
            "on_headers_finished": self.on_headers_finished,
            "on_part_data": self.on_part_data,
            "on_end": self.on_end,
        }

    def on_part_begin(self) -> None:
        self.header, self.value, self.disposition = b"", b"", b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def on_header_end(self) -> None:
        if self.header.lower() == b"content-disposition":
            self.disposition = self.value
        self.header, self.value = b"", b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self.disposition)
        field = options.get(b"name", b"").decode("utf-8", "replace")
        if field != FIELD:
            raise Refused(422, "UnknownField", f"unknown form field {field!r}", f"send files in the form field {FIELD!r}")
        if b"filename" not in options:
            cure = "send the content of the image; the service opens no paths or URLs"
            raise Refused(422, "NotAFile", f"the form field {FIELD!r} is not a file", cure)
        if len(self.uploads) == self.limits.images:
            cause = f"more than {self.limits.images} images in one request"
            raise Refused(413, "TooManyImages", cause, "send them in several requests")
        name = options[b"filename"].decode("utf-8", "replace")
        self.uploads.append(Upload(name or f"image {len(self.uploads) + 1}"))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        upload = self.uploads[-1]
        if upload.tell() + end - start > self.limits.image:
            cause = f"{upload.name}: more than {described(self.limits.image)}"
            raise Refused(413, "ImageTooLarge", cause, "send a smaller file")
        upload.write(memoryview(data)[start:end])

    def on_end(self) -> None:
        self.complete = True


def _too_large(limits: Limits) -> Refused:
    cause = f"the request has more than {described(limits.upload)}"
    return Refused(413, "UploadTooLarge", cause, "send fewer or smaller images at a time")


def _broken(detail: str) -> Refused:
    return Refused(400, "BrokenForm", f"the body is not a valid form: {detail}", "build it with a library for HTTP")
