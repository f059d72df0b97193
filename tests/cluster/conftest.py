"""A Ray cluster of this machine and a server of S3, which start once for a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import ray_cluster
import s3_server
from ray_cluster import Cluster


@pytest.fixture(scope="module")
def s3() -> Iterator[s3_server.S3]:
    for module in ("s3fs", "moto", "flask"):
        pytest.importorskip(module, reason=f"{module} is not installed")
    with s3_server.served() as server:
        yield server


@pytest.fixture(scope="module")
def keys(s3) -> dict[str, str]:
    """What the nodes of a cluster need to read from the server."""
    return {
        "AWS_ENDPOINT_URL": s3.url,
        "AWS_ACCESS_KEY_ID": "accesskey",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="module")
def cluster(keys) -> Iterator[Cluster]:
    """A cluster to which this process is not connected."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("processes are found through /proc")
    with ray_cluster.running(environment=keys) as started:
        yield started


@pytest.fixture(scope="module")
def connected(cluster) -> Iterator[Cluster]:
    """The cluster, with this process connected to it."""
    import ray

    from noref.ray.cluster import connect

    connect(cluster.address)
    yield cluster
    ray.shutdown()
