"""A local S3 server, moto's, that waits, refuses and breaks connections as tests wish."""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Answer = Callable[..., Iterable[bytes]]


class S3:
    """A server and how it behaves.

    Attributes:
        url: Of the server.
        client: A client of botocore.
        delay: Seconds before each answer.
        refusals: What the next requests for objects get instead of their answer: an error code of S3, or "cut" for half of it.
        requests: Methods and paths of all requests.
        users: Access keys of all requests.
        most_at_once: The largest number of requests that waited at the same time.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.url = ""
        self.client: Any = None
        self.delay = 0.0
        self.refusals: list[str] = []
        self.requests: list[str] = []
        self.users: set[str] = set()
        self.most_at_once = 0
        self._now = 0
        self._guard = threading.Lock()

    def __call__(self, request: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer as WSGI prescribes."""
        with self._guard:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        time.sleep(self.delay)
        with self._guard:
            self._now -= 1
        self.users.update(re.findall(r"Credential=([^/]+)/", request.get("HTTP_AUTHORIZATION", "")))
        self.requests.append(f"{request['REQUEST_METHOD']} {request['PATH_INFO']}?{request['QUERY_STRING']}")
        if request["REQUEST_METHOD"] not in ("GET", "HEAD") or not self.refusals:
            return self.app(request, start)
        refusal = self.refusals.pop(0)
        if refusal == "cut":
            return self._cut(request, start)
        status = {"SlowDown": "503 Slow Down", "AccessDenied": "403 Forbidden"}.get(refusal, "400 Bad Request")
        body = f"<Error><Code>{refusal}</Code><Message>refused</Message></Error>".encode()
        start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [b"" if request["REQUEST_METHOD"] == "HEAD" else body]

    def _cut(self, request: dict[str, Any], start: Any) -> Iterator[bytes]:
        body = b"".join(self.app(request, start))
        yield body[: len(body) // 2]
        raise ConnectionAbortedError


@contextlib.contextmanager
def served() -> Iterator[S3]:
    """A server, while it runs, with the environment of a client that uses it."""
    import botocore.session
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_: object) -> None:
            pass

        def log_request(self, *_: object) -> None:
            pass

    s3 = S3(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, s3, threaded=True, request_handler=Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    s3.url = f"http://127.0.0.1:{server.server_port}"
    session = botocore.session.get_session()
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    s3.client = session.create_client("s3", endpoint_url=s3.url, **keys)
    try:
        yield s3
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
