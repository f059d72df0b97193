"""Connecting to a cluster, and how many of its processors score."""

import contextlib
import logging
import math
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import ray

from noref import capacity
from noref.errors import ClusterError

READERS = 16
"""Processors of scorers for each one that is left to the tasks of Ray Data, such as reading."""

_WAIT = 10.0  # seconds for processors that an earlier run is giving back


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Use the cluster to which this process is connected, or connect to one for as long as the context lasts.

    Args:
        address: As of `ray.init`; None for the environment variable RAY_ADDRESS, and without that for a cluster of this
            machine, which is started and ended here.

    Raises:
        ClusterError: There is no cluster at the address.
    """
    if ray.is_initialized():
        yield
        return
    connect(address)
    try:
        yield
    finally:
        ray.shutdown()


def connect(address: str | None) -> None:
    """Connect to a cluster; see `connected`."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    own: dict[str, Any] = {}
    if address == "local":
        own = {"num_cpus": capacity.available_processors() + 1, "include_dashboard": False}
    try:
        _check(address)
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (OSError, RuntimeError, ValueError) as error:
        cause = str(getattr(error, "strerror", None) or error).strip().split("\n")[0].rstrip(".").lower()
        cure = "check the address, that the cluster runs, and RAY_AUTH_MODE"
        raise ClusterError(f"no Ray cluster at {address}: {cause}; {cure}") from error


def _check(address: str) -> None:
    """Connect once; Ray would try for minutes.

    Raises:
        OSError: Nothing answers at an address of a host and a port.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        with socket.create_connection((host, int(port)), timeout=_WAIT):
            pass


def scorers(wanted: int | None) -> int:
    """How many actors are to score, each on one processor.

    An actor pool on every processor would leave none to the tasks of Ray Data, for which it would wait forever.

    Args:
        wanted: A number; None for all processors that are free, but one for each `READERS` or part of them.

    Raises:
        ClusterError: That would leave no processor, or none is free.
    """
    total = int(ray.cluster_resources().get("CPU", 0))
    if total < 2 or (wanted or 1) >= total:
        most = "1 processor" if total == 1 else f"{total} processors"
        cure = f"use at most {total - 1}" if total > 1 else "add one, as by `ray start --num-cpus 2`"
        needs = "a scorer needs one" if wanted is None else f"{wanted} scorers need one each"
        raise ClusterError(f"the cluster has {most}; {needs}, and Ray Data one for its other tasks; {cure}")
    needed = total if wanted is None else wanted + 1
    deadline = time.monotonic() + _WAIT
    while (free := int(ray.available_resources().get("CPU", 0))) < needed and time.monotonic() < deadline:
        time.sleep(0.2)
    if free < (2 if wanted is None else needed):
        raise ClusterError(f"{free} of the cluster's {total} processors are free, and {needed} are needed; wait, or add nodes")
    return wanted or free - math.ceil(free / (READERS + 1))
