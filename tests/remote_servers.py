"""A server of files over HTTP that breaks connections, refuses, redirects and waits as tests wish."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Request(NamedTuple):
    """What a client asked for."""

    method: str
    path: str
    span: str | None
    user: str | None


class Files:
    """What a server holds, and how it behaves.

    Attributes:
        files: Content by path.
        ranges: Whether parts of files are given.
        broken: How often the connection breaks in the middle of the answer, by path.
        statuses: Statuses of the next answers, by path.
        redirects: Where else a file is, by path.
        delay: Seconds before each answer.
        requests: What was asked for.
        most_at_once: The largest number of requests that waited at the same time.
        url: Of the server.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.broken: Counter[str] = Counter()
        self.statuses: dict[str, list[int]] = {}
        self.redirects: dict[str, str] = {}
        self.delay = 0.0
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.now = 0
        self.guard = threading.Lock()
        self.url = ""


@contextlib.contextmanager
def served() -> Iterator[Files]:
    """A server, while it runs."""
    files = Files()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(False)

        def do_GET(self) -> None:
            self.answer(True)

        def answer(self, wanted: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            with files.guard:
                files.now += 1
                files.most_at_once = max(files.most_at_once, files.now)
                files.requests.append(
                    Request(self.command, self.path, self.headers.get("Range"), self.headers.get("Authorization"))
                )
            time.sleep(files.delay)
            with files.guard:
                files.now -= 1
            if files.statuses.get(path):
                self.short(files.statuses[path].pop(0))
            elif path in files.redirects:
                self.send_response(302)
                self.send_header("Location", files.redirects[path])
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif path not in files.files:
                self.short(404)
            else:
                self.whole_or_part(path, wanted)

        def short(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def whole_or_part(self, path: str, wanted: bool) -> None:
            content = files.files[path]
            span = self.headers.get("Range") if files.ranges else None
            first, last = (int(end) for end in span.removeprefix("bytes=").split("-")) if span else (0, len(content) - 1)
            if span and first >= len(content):
                return self.short(416)
            part = content[first : last + 1]
            self.send_response(206 if span else 200)
            self.send_header("Content-Length", str(len(part)))
            self.send_header("Content-Type", "text/html" if path.endswith("/") else "application/octet-stream")
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.send_header("ETag", f'"{hash(content)}"')
            if not files.ranges:
                self.send_header("Accept-Ranges", "none")
            self.end_headers()
            if not wanted:
                return None
            with files.guard:
                files.broken[path] -= 1
                broken = files.broken[path] >= 0
            self.wfile.write(part[: len(part) // 2] if broken else part)
            self.close_connection = self.close_connection or broken
            return None

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that closes its connection is no matter."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    files.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
