"""The service in this process, without a network."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import noref
from noref import overlay
from noref.web import app
from pictures import encode, make_scene


@pytest.fixture(autouse=True)
def fixed_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wording and colours have tests of their own."""
    monkeypatch.setattr(noref.Assessment, "summary", lambda self: f"{self.score:.0f} in words", raising=False)
    monkeypatch.setattr(overlay, "tint", lambda quality, size: Image.new("RGBA", size), raising=False)


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
