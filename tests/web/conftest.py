"""The service in this process, without a network."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import noref
from noref.web import app
from pictures import encode, make_scene


@pytest.fixture
def serving(scorer: noref.Scorer) -> Iterator[Callable[..., TestClient]]:
    """Start an application; arguments are those of `create`."""
    with ExitStack() as stack:

        def start(**options: object) -> TestClient:
            made = app.create(scorer, **options)  # type: ignore[arg-type]
            return stack.enter_context(TestClient(made, raise_server_exceptions=False))

        yield start


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG."""
    return encode(Image.fromarray(make_scene()), "JPEG")
