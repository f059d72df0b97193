"""A stand-in for the service behind the page: real scores, and trouble on demand."""

import base64
import email
import email.policy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

import noref
from noref.errors import ImageError

PAGE = Path(noref.__file__).parent / "web" / "page"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Service(ThreadingHTTPServer):
    """Serves the page and answers `POST /v1/score` for it.

    Attributes:
        busy: Requests that are still answered with 429.
        open: Cleared, requests wait until it is set.
        uploads: Names of the uploaded photos, in the order of their requests.
    """

    daemon_threads = True

    def __init__(self, scorer: noref.Scorer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scorer = scorer
        self.busy = 0
        self.open = threading.Event()
        self.open.set()
        self.uploads: list[str] = []

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.server_port}/"

    def result(self, name: str, content: bytes) -> dict[str, Any]:
        """The answer for one photo."""
        try:
            found = self.scorer.score(content)
        except ImageError as error:
            return {"image": name, "error": {"kind": type(error).__name__, "cause": error.cause, "cure": error.cure}}
        grid = np.rint(np.clip(found.map, 0, 100) * 2.55).astype(np.uint8)
        values = base64.b64encode(grid.tobytes()).decode()
        quality = {"width": grid.shape[1], "height": grid.shape[0], "values": values}
        return {**found.to_dict(), "image": name, "summary": found.summary(), "map": quality}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Service

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/v1/models":
            self.answer({"models": [asdict(self.server.scorer.card)]})
            return
        file = PAGE / ("index.html" if path == "/" else path.removeprefix("/page/"))
        if file.is_file():
            self.reply(200, file.read_bytes(), TYPES[file.suffix])
        else:
            self.reply(404, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.busy:
            self.server.busy -= 1
            self.reply(429, b"{}", "application/json", ("Retry-After", "1"))
            return
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        photos = {part.get_filename(): part.get_payload(decode=True) for part in parts.iter_parts()}
        self.server.uploads.extend(photos)
        self.server.open.wait(30)
        self.answer({"results": [self.server.result(name, content) for name, content in photos.items()]})

    def answer(self, content: dict[str, Any]) -> None:
        self.reply(200, json.dumps(content).encode(), "application/json")

    def reply(self, status: int, content: bytes, kind: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Type", kind), ("Content-Length", str(len(content)))):
            self.send_header(name, value)
        with suppress(ConnectionError):  # of a request that the page has cancelled
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[ThreadingHTTPServer]:
    """Serve in a thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
