"""`noref serve` as processes: clients that hang or lie, the end, several workers."""

import asyncio
import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from click.testing import CliRunner
from uvicorn.server import ServerState

from noref.cli import Exit
from noref.cli.app import app
from noref.web import server

HEAD = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'
POST = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"


class Service:
    """A running `noref serve`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def ask(self, path: str = "/healthz", body: bytes | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "multipart/form-data; boundary=x"} if body else {}
        connection.request("POST" if body else "GET", path, body, headers)
        with contextlib.closing(connection), connection.getresponse() as response:
            return response.status, response.read().decode()

    def metric(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (.*)$", self.ask("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else 0


def form(photo: bytes, count: int = 1) -> bytes:
    return (HEAD + photo + b"\r\n") * count + b"--x--\r\n"


def status(connection: socket.socket) -> int:
    """The status of the answer, or of none, 0."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while b"\r\n" not in answer and (more := connection.recv(1000)):
            answer += more
    return int(answer.split()[1]) if answer else 0


def refused(service: Service) -> bool:
    try:
        return service.ask()[0] != 200
    except (ConnectionError, http.client.HTTPException):
        return True


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    """Start services; each must end well on SIGTERM if it still runs."""
    begun: list[subprocess.Popen[str]] = []

    def start(*options: str) -> Service:
        command = [sys.executable, "-m", "noref.cli", "serve", "--port", "0", *options]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+) ", process.stderr.readline())
        assert found
        service = Service(process, int(found[1]))
        assert service.ask()[0] == 200
        return service

    try:
        yield start
        for process in begun:
            if process.poll() is None:
                process.terminate()
                assert process.wait(120) == 0
    finally:
        for process in begun:
            process.kill()
            process.communicate()


def test_clients_that_hang_or_lie_harm_nobody(serve, photo):
    service = serve("--timeout", "1", "--max-upload", "1", "--max-image", "1")
    body = form(photo)
    length = f"Content-Length: {len(body)}\r\n\r\n".encode()
    huge = b"Content-Length: 9000000000000\r\n\r\n"
    sent = {
        "half a body": (POST + length + body[:200], {408}),
        "half a head": (POST, None),
        "nothing": (b"", None),
        "more than was declared": (POST + b"Content-Length: 50\r\n\r\n" + body, {400}),
        "far more is declared": (POST + huge + body, {413}),
        "no end of chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n" + bytes(1000), {400, 408}),
        "a negative length": (POST + b"Content-Length: -1\r\n\r\n", {400}),
        "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", {400}),
        "no HTTP": (b"\x16\x03\x01" * 50 + b"\r\n\r\n", {400}),
    }
    with contextlib.ExitStack() as stack:
        hanging = []
        for message, expected in list(sent.values()) * 5:
            connection = stack.enter_context(service.connect())
            connection.sendall(message)
            hanging.append((connection, expected))
        assert service.ask("/v1/score", body)[0] == 200
        for connection, expected in hanging:
            assert expected is None or status(connection) in expected
        assert service.ask("/v1/score", body)[0] == 200
    until(lambda: service.metric("noref_requests_in_progress") == 1)
    until(lambda: service.metric("noref_queue_images") == 0)  # once the threads are done with their images


def test_a_client_that_sends_too_much_gets_the_answer_nevertheless(serve, photo):
    service = serve("--max-upload", "1", "--max-image", "1")
    answer = service.ask("/v1/score", form(bytes(3_000_000)))
    assert answer[0] == 413
    assert "UploadTooLarge" in answer[1]
    with service.connect() as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(30):
            connection.sendall(b"186a0\r\n" + bytes(100_000) + b"\r\n")
        assert status(connection) in (400, 413)


def test_images_of_a_client_that_has_gone_are_dropped(serve, photo):
    service = serve("--jobs", "1")
    body = form(photo, 32)
    with service.connect() as connection:
        connection.sendall(POST + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until(lambda: service.metric("noref_queue_images") == 32)
    until(lambda: service.metric('noref_requests_refused_total{kind="ClientGone"}') == 1)
    until(lambda: service.metric("noref_queue_images") == 0)  # once the threads are done with their images
    assert service.metric("noref_image_seconds_count") < 32


@pytest.mark.parametrize("workers", [1, 2])
def test_running_requests_are_answered_before_the_end_and_new_ones_refused(serve, photo, workers):
    service = serve("--jobs", "1", "--workers", str(workers))
    body = form(photo, 32)
    with service.connect() as connection:
        connection.sendall(POST + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until(lambda: service.metric("noref_queue_images") == 32)
        service.process.terminate()
        until(lambda: refused(service))
        assert status(connection) == 200
    assert service.process.wait(120) == 0


def test_ctrl_c_ends_it_as_well(serve):
    service = serve()
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(120) == 0


def children(pid: int) -> list[int]:
    """Worker processes; not the one that tracks resources."""
    found = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return [child for child in found if b"spawn_main" in command_line(child)]


def command_line(pid: int) -> bytes:
    """Empty for a process that has ended, also between the listing and this call."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.mark.skipif(not Path(f"/proc/{os.getpid()}/task").exists(), reason="processes are listed in /proc on Linux only")
def test_workers_share_metrics_are_replaced_and_end_with_their_parent(serve, photo):
    service = serve("--workers", "2")
    for number in range(1, 11):
        assert service.ask("/v1/score", form(photo))[0] == 200
        assert service.metric("noref_image_seconds_count") == number
    until(lambda: len(children(service.process.pid)) == 2)
    first, second = children(service.process.pid)
    os.kill(first, signal.SIGKILL)
    until(lambda: first not in (now := children(service.process.pid)) and len(now) == 2)
    assert service.ask("/v1/score", form(photo))[0] == 200
    assert service.metric("noref_image_seconds_count") == 11
    workers = children(service.process.pid)
    assert second in workers
    service.process.kill()
    until(lambda: not any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers))


@pytest.mark.parametrize(
    "ending",
    ["os.kill(os.getpid(), 9)", *(pytest.param(code, marks=pytest.mark.slow) for code in ("os._exit(7)", "sys.exit(3)"))],
)
def test_workers_that_cannot_start_end_the_service(tmp_path, ending):
    script = tmp_path / "serving.py"
    script.write_text(f"""
import os, sys
from noref.web import limits, server
class Broken:
    def __reduce__(self):
        return end, ()
def end():
    {ending}
if __name__ == "__main__":
    server.run(server.listen("127.0.0.1", 0), Broken(), 2, 1, limits.DEFAULT, None)
""")
    ended = subprocess.run([sys.executable, script], check=False, capture_output=True, timeout=120)
    assert ended.returncode == 3


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.05)


async def _large(scope, receive, send):
    """An application whose answer is larger than what a connection buffers."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(100):
        await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
    await send({"type": "http.response.body"})


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost:",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",  # and nothing of the answer is read
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n",
    ],
)
def test_connections_of_clients_that_hang_are_closed(impatient, sent):
    closed = asyncio.Event()

    class Watched(server.Connection):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            closed.set()

    async def main() -> None:
        with server.listen("127.0.0.1", 0) as listener:
            config = uvicorn.Config(_large, http=Watched, lifespan="off", log_config=None, interface="asgi3")
            serving = uvicorn.Server(config)
            running = asyncio.ensure_future(serving.serve([listener]))
            with socket.create_connection(listener.getsockname()) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.sendall(sent)
                await closed.wait()
            serving.should_exit = True
            await running

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_slow_client_gets_its_whole_answer(impatient):
    """Time goes by only while the client takes parts of the answer, 30 of them, before each of which the server looks."""
    part = 100_000_000 // 30

    async def main() -> int:
        loop, began = asyncio.get_running_loop(), time.monotonic()
        with server.listen("127.0.0.1", 0) as listener, pytest.MonkeyPatch.context() as clock:
            config = uvicorn.Config(_large, http=server.Connection, lifespan="off", log_config=None, interface="asgi3")
            serving = uvicorn.Server(config)
            running = asyncio.ensure_future(serving.serve([listener]))
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            received = 0

            def now() -> float:
                """After a minute, a leap ends the test."""
                return began + server.PATIENCE * (received // part) + 3600 * (time.monotonic() > began + 60)

            clock.setattr(loop, "time", now)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while some := await reader.read(2_000_000):
                received += len(some)
            clock.undo()
            writer.close()
            serving.should_exit = True
            await running
            return received

    assert asyncio.run(asyncio.wait_for(main(), 600)) > 100_000_000


class Full(asyncio.Transport):
    """Its buffer is always full."""

    aborted = False

    def get_write_buffer_size(self) -> int:
        return 65536

    def abort(self) -> None:
        self.aborted = True


def test_a_buffer_that_was_emptied_and_is_full_again_is_no_reason_to_close(monkeypatch):
    looks = []

    async def main() -> list[bool]:
        config = uvicorn.Config(_large, lifespan="off", log_config=None)
        config.load()
        connection, transport = server.Connection(config, ServerState(), {}), Full()
        monkeypatch.setattr(connection.loop, "call_later", lambda _, look, now: looks.append((look, now)))
        connection.connection_made(transport)
        closed = []
        for emptied in (True, True, False):
            if emptied:
                connection.pause_writing()
                connection.resume_writing()
            look, now = looks[-1]
            look(now)
            closed.append(transport.aborted)
        return closed

    assert asyncio.run(main()) == [False, False, True]


def test_a_port_in_use_is_reported():
    with server.listen("127.0.0.1", 0) as listener:
        result = CliRunner().invoke(app, ["serve", "--port", str(listener.getsockname()[1])])
    assert result.exit_code == Exit.STOPPED
    assert "choose another --port" in result.stderr


def test_a_host_name_that_nobody_knows(monkeypatch):
    def create_server(*_: object, **__: object) -> None:  # raises as socket.create_server does
        try:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror} (while attempting to bind on address)") from None

    monkeypatch.setattr(socket, "create_server", create_server)
    result = CliRunner().invoke(app, ["serve", "--host", "nowhere", "--port", "0"])
    assert result.exit_code == Exit.STOPPED
    assert "cannot listen on nowhere, port 0 (the host name cannot be resolved); choose another" in result.stderr


def test_an_empty_address_is_not_that_of_every_network():
    result = CliRunner().invoke(app, ["serve", "--host", "", "--port", "0"])
    assert result.exit_code == Exit.STOPPED
    assert result.stderr.startswith("noref: --host is empty; give an address, such as 127.0.0.1")


@pytest.mark.parametrize("name", ["photos.example.org:8443", "https://photos.example.org", "[::1]", "a/b", ""])
def test_what_is_no_host_name_is_refused(name):
    result = CliRunner().invoke(app, ["serve", "--allow-host", name])
    assert result.exit_code == 2
    assert "is not a host name; give it without scheme, brackets, port and path" in " ".join(result.stderr.split())


def test_an_unknown_model_is_reported():
    result = CliRunner().invoke(app, ["serve", "--model", "unifed"])
    assert result.exit_code == Exit.STOPPED
    assert "did you mean 'unified'" in result.stderr


def test_a_missing_extra_is_named():
    program = "import sys; sys.modules['uvicorn'] = None; from noref.cli import main; sys.argv[1:] = ['serve']; main()"
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == Exit.STOPPED
    assert ended.stderr == "noref: the service needs uvicorn; pip install 'noref[web]'\n"


def test_the_command_line_without_it_imports_none_of_its_libraries():
    program = "import noref.cli, sys; sys.exit(bool({'fastapi', 'uvicorn', 'prometheus_client'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
