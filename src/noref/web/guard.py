"""Keeps other web sites away from a service on this machine, and pages from loading anything from elsewhere."""

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse

from noref.web.limits import Refused
from noref.web.metrics import Metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Headers of every answer."""

_ENCODED = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
_LOCAL = ("localhost", "127.0.0.1", "::1")


def hosts_for(given: str, bound: str, named: Sequence[str]) -> frozenset[str] | None:
    """Host names under which clients may reach the service; None for any.

    Bound to the loopback interface, it answers to the names of this machine only: otherwise a web site could let its own name
    lead to 127.0.0.1 (DNS rebinding) and read the answers.

    Args:
        given: Address or name to listen on, as the user gave it.
        bound: The address that this led to, as the socket states it.
        named: Further names that the user gave.
    """
    names = [name.lower() for name in (given, *named)]
    if _is_loopback(bound):
        return frozenset([*_LOCAL, bound, *names])
    return frozenset(names) if named else None


def _is_loopback(bound: str) -> bool:
    address = ipaddress.ip_address(bound)
    mapped = getattr(address, "ipv4_mapped", None)  # ::ffff:127.0.0.1
    return (mapped or address).is_loopback


class Guard:
    """ASGI middleware that refuses requests under other host names and those that pages of other origins send."""

    def __init__(self, app: "ASGIApp", hosts: frozenset[str] | None, metrics: Metrics) -> None:
        self.app, self.hosts, self.metrics = app, hosts, metrics

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def secured(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_ENCODED]
            await send(message)

        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(headers.get(b"host", ""), headers.get(b"origin"))
        if refusal is None:
            await self.app(scope, receive, secured)
        else:
            self.metrics.refused.labels(refusal.kind).inc()
            await JSONResponse(refusal.content, refusal.status)(scope, receive, secured)

    def _refusal(self, host: str, origin: str | None) -> Refused | None:
        if self.hosts is not None and _name(host) not in self.hosts:
            cure = "use the address that the service printed, or start it with --allow-host"
            return Refused(403, "UnknownHost", f"the service does not answer to the host name {host!r}", cure)
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            cure = "send requests from the page of the service, or from a program"
            return Refused(403, "OtherOrigin", f"a page of {origin} sent the request", cure)
        return None


def _name(host: str) -> str | None:
    """The name in a Host header, without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
