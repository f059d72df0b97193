"""Measurements for Prometheus, over all workers where there are several."""

import os
import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the folder through which workers share measurements; set before prometheus_client is imported."""

disable_created_metrics()  # a time for every counter, which nobody reads

_PATHS = ("/", "/docs", "/healthz", "/metrics", "/openapi.json", "/v1/models", "/v1/score")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The measurements of one worker."""

    def __init__(self) -> None:
        own = CollectorRegistry()
        self._registry = own
        if SHARED in os.environ:
            self._registry = CollectorRegistry()
            MultiProcessCollector(self._registry)
        self.requests = Counter("noref_requests", "Requests answered.", ["path", "status"], registry=own)
        self.request_seconds = Histogram(
            "noref_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=own,
        )
        self.in_progress = Gauge(
            "noref_requests_in_progress", "Requests being received or answered.", registry=own, multiprocess_mode="livesum"
        )
        self.refused = Counter("noref_requests_refused", "Requests refused, by kind of error.", ["kind"], registry=own)
        self.received = Counter("noref_received_bytes", "Bytes of uploads received.", registry=own)
        self.scored = Counter("noref_images_scored", "Images scored.", registry=own)
        self.failed = Counter(
            "noref_images_failed", "Images that could not be scored, by kind of error.", ["kind"], registry=own
        )
        self.image_seconds = Histogram(
            "noref_image_seconds", "Time to decode and score an image.", buckets=_SECONDS, registry=own
        )
        self.queue = Gauge(
            "noref_queue_images", "Images that wait or are being scored.", registry=own, multiprocess_mode="livesum"
        )

    def exposition(self) -> bytes:
        """All measurements as text, those of the other workers included."""
        return generate_latest(self._registry)


class Measured:
    """ASGI middleware that counts and times requests."""

    def __init__(self, app: "ASGIApp", metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Count and time the request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500  # unless an answer begins

        async def noting(message: "Message") -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        begun = time.perf_counter()
        path = _label(scope["path"])
        with self.metrics.in_progress.track_inprogress():
            try:
                await self.app(scope, receive, noting)
            finally:
                self.metrics.requests.labels(path, status).inc()
                self.metrics.request_seconds.labels(path).observe(time.perf_counter() - begun)


def _label(path: str) -> str:
    """The path, or a word for all others, so that clients cannot create measurements."""
    return path if path in _PATHS else "/page" if path.startswith("/page/") else "other"
