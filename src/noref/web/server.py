"""Runs the application with uvicorn: sockets, workers, connections of clients that hang, and the end."""

import asyncio
import contextlib
import logging
import math
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from functools import partial
from multiprocessing.synchronize import Event
from typing import Any, TypeAlias

import uvicorn
from fastapi import FastAPI
from prometheus_client import multiprocess as measurements
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from noref.scorer import Scorer
from noref.web import app
from noref.web.limits import Limits
from noref.web.metrics import SHARED

CONNECTIONS = 500
"""Connections of one worker; it answers 503 to further ones."""

PATIENCE = 10
"""Seconds between two looks at a connection; it is closed if nothing has changed while the client had to act."""

Started: TypeAlias = Event | threading.Event

START = 120
"""Seconds for a worker to start when SIGHUP replaces them all; loading a model on a busy machine takes a while."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections; port 0 is any free one.

    Raises:
        OSError: The address is not one of this machine, or is in use.
    """
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def run(listener: socket.socket, scorer: Scorer, workers: int, jobs: int, limits: Limits, hosts: frozenset[str] | None) -> None:
    """Serve until SIGINT or SIGTERM; then finish the running requests and refuse new ones.

    Args:
        listener: As `listen` returns it.
        scorer: Shared by the threads of a worker; with several workers, each loads its model again.
        workers: Processes. One runs in this process; others are restarted if they end, once any could start.
        jobs: Images that each worker scores at a time.
        limits: What each worker accepts.
        hosts: Host names under which the service answers; None for any.

    Raises:
        SystemExit: With another code than 0, no worker could start.
    """
    started = multiprocessing.get_context("spawn").Event() if workers > 1 else threading.Event()
    config = uvicorn.Config(
        partial(_application, scorer, jobs, limits, hosts, started),
        factory=True,
        interface="asgi3",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        workers=workers,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=math.ceil(2 * limits.seconds),
        timeout_worker_healthcheck=START,
    )
    if workers > 1:
        with _shared_measurements():
            running = Workers(config, [listener], started)
            running.run()
        if running.failed:
            sys.exit(STARTUP_FAILURE)  # as one worker does
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)  # uvicorn raises the signal again when it has finished
    uvicorn.Server(config).run([listener])


def _application(scorer: Scorer, jobs: int, limits: Limits, hosts: frozenset[str] | None, started: Started) -> FastAPI:
    """The application, made in the process that runs it; `started` is set when its model is loaded."""
    warnings.filterwarnings("ignore", module="PIL")  # what matters is reported as an error or warning of noref
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    made = app.create(scorer, jobs, limits, hosts)
    started.set()
    return made


def _end_with(parent: Any) -> None:
    """End this worker when its parent was killed, as nobody else would."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _end(*_: object) -> None:
    logging.disable()  # of requests that a second Ctrl-C gave up
    sys.exit(0)


@contextlib.contextmanager
def _shared_measurements() -> Iterator[None]:
    """A folder through which the workers share their measurements."""
    with tempfile.TemporaryDirectory(prefix="noref-") as folder:
        os.environ[SHARED] = folder
        yield


class Workers(Multiprocess):
    """Worker processes that share a socket.

    Args:
        config: The configuration of each worker.
        sockets: The sockets that the workers share.
        started: Set by the first worker that has loaded its model.

    Attributes:
        failed: Whether the workers ended because none could start.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], started: Started) -> None:
        super().__init__(config, sockets)
        self._started, self.failed = started, False

    def terminate_all(self) -> None:
        """Refuse new connections, and let the workers finish."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that ended; their queues no longer count.

        uvicorn's version also waits for a response of each worker, and handles no signal meanwhile.
        """
        for index, worker in enumerate(self.processes):
            if worker.process.is_alive():
                continue
            if worker.exitcode == STARTUP_FAILURE or not self._started.is_set():  # the next one would fail as well
                self.failed = True
                self.should_exit.set()
                return
            worker.kill()  # closes its pipes
            measurements.mark_process_dead(worker.pid)
            self.processes[index] = Process(self.config, self.sockets)
            self.processes[index].start()


class Connection(H11Protocol):
    """A connection that is closed if its client neither sends a request, nor takes the answer, for a while.

    uvicorn's own limit ends with the first byte of a request. While the body of a request arrives, the application has its own
    limit.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look at the connection at intervals."""
        super().connection_made(transport)
        self._resumed = 0
        self._look(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking at the connection."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Note that the client has taken what was buffered: the buffer may soon be as full as before."""
        self._resumed += 1
        super().resume_writing()

    def _look(self, before: tuple[object, ...] | None) -> None:
        unsent = self.transport.get_write_buffer_size()
        waiting = unsent > 0 or self.cycle is None or self.cycle.response_complete
        now = (waiting, self.cycle, unsent, self._resumed)
        if waiting and now == before:
            self.transport.abort()
        else:
            self._next_look = self.loop.call_later(PATIENCE, self._look, now)
