"""A real browser, and the service behind its page."""

import asyncio
import base64
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.responses import JSONResponse

import noref
from browser import CHROMIUM, DRIVER, Browser
from noref.web import app, server

# Drops files on the page as a person does: [name, base64] each.
DROP = """
const transfer = new DataTransfer();
for (const [name, content] of arguments[0]) {
  transfer.items.add(new File([Uint8Array.from(atob(content), (each) => each.charCodeAt(0))], name));
}
for (const kind of ["dragenter", "dragover", "drop"]) {
  document.querySelector("main").dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
}
"""


class Service:
    """The service on a free port, with trouble on demand.

    Attributes:
        address: Of its page.
        busy: Requests for scores that are still answered with 429.
        held: Whether requests for scores wait.
        requests: Requests for scores so far, those that were answered with 429 aside.
    """

    def __init__(self, scorer: noref.Scorer) -> None:
        self.busy, self.held, self.requests = 0, False, 0
        self._app = app.create(scorer)
        self._listener = server.listen("127.0.0.1", 0)
        self._server = uvicorn.Server(
            uvicorn.Config(self._answer, interface="asgi3", log_config=None, lifespan="on", ws="none")
        )
        self._thread = threading.Thread(target=self._server.run, args=[[self._listener]])
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/v1/score":
            if self.busy:
                self.busy -= 1
                await JSONResponse({}, 429, {"Retry-After": "1"})(scope, receive, send)
                return
            self.requests += 1
            while self.held:
                await asyncio.sleep(0.01)
        await self._app(scope, receive, send)

    def stop(self) -> None:
        """End it; may be called again."""
        self.held = False
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


class Page(Browser):
    """The browser with the page of the service, and the few things that the tests do there."""

    def open(self, address: str, width: int = 1280, scheme: str = "light") -> None:
        """Load the page; wait until its model is stated."""
        self.resize(width, 900)
        self.prefer(scheme)
        self.load(address)
        self.wait(lambda: self.text("#model"))

    def drop(self, photos: dict[str, bytes], wait: bool = True) -> None:
        """Drop files on the page, and wait until they are done."""
        self.js(DROP, [[name, base64.b64encode(content).decode()] for name, content in photos.items()])
        if wait:
            self.finish()

    def finish(self) -> None:
        """Wait until all photos are done."""
        idle = "return document.getElementById('bar').hidden && document.querySelectorAll('.card').length > 0"
        self.wait(lambda: self.js(idle))

    def exported(self) -> str:
        """The content of the CSV that the page exports."""
        return self.download("#export", "noref.csv").decode()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The browser, started once."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("chromium or chromedriver is not installed")
    pytest.importorskip("selenium")
    with Page.started(tmp_path_factory.mktemp("downloads")) as page:
        yield page


@pytest.fixture
def browser(chromium: Page) -> Iterator[Page]:
    """The browser; the test must leave no error on its console."""
    chromium.messages()
    yield chromium
    assert chromium.messages("SEVERE") == []


@pytest.fixture
def service(scorer: noref.Scorer) -> Iterator[Service]:
    """A running service."""
    service = Service(scorer)
    yield service
    service.stop()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, a checker of accessibility."""
    path = os.environ.get("NOREF_AXE", "")
    if not Path(path).is_file():
        pytest.skip("NOREF_AXE does not name axe.min.js of the npm package axe-core")
    return Path(path).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def ort() -> Path:
    """The folder of onnxruntime-web."""
    path = os.environ.get("NOREF_ORT", "")
    if not Path(path).is_dir() or not path:
        pytest.skip("NOREF_ORT does not name the folder of the npm package onnxruntime-web")
    return Path(path)
