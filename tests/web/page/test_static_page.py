"""The static folder: what is in it, and scores in the browser against those of Python."""

import csv
import functools
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageFilter

import noref
from noref.cli.app import app
from noref.errors import ExportError
from noref.web.export import RUNTIME, export
from pictures import encode, make_scene

TOLERANCE = 0.5  # points


class Quiet(SimpleHTTPRequestHandler):
    """A static file server that logs nothing."""

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder at the address that is yielded."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder with the names of onnxruntime-web's files."""
    folder = tmp_path / "package" / "dist"
    folder.mkdir(parents=True)
    for name in RUNTIME:
        (folder / name).write_text(name)
    return folder.parent


def test_the_folder_holds_page_model_and_runtime(tmp_path: Path, stand_in: Path, scorer: noref.Scorer):
    folder = tmp_path / "site"
    export(folder, stand_in)
    assert 'data-scoring="browser"' in (folder / "index.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in (folder / "ort").iterdir()) == sorted(RUNTIME)
    settings = json.loads((folder / "model" / "model.json").read_text(encoding="utf-8"))
    assert settings["card"]["sha256"] == scorer.card.sha256
    assert (folder / "page" / "app.js").is_file()


def test_a_folder_in_use_is_left_alone(tmp_path: Path, stand_in: Path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine.txt").write_text("mine")
    with pytest.raises(ExportError, match="not empty; give a new or an empty folder"):
        export(tmp_path / "site", stand_in)
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["mine.txt"]


def test_a_missing_runtime_is_named(tmp_path: Path):
    with pytest.raises(ExportError, match=r"has no ort\.wasm\.bundle\.min\.mjs; give the folder"):
        export(tmp_path / "site", tmp_path)
    assert not (tmp_path / "site").exists()


def test_the_command_writes_the_folder_and_names_what_is_missing(tmp_path: Path, stand_in: Path):
    run = functools.partial(CliRunner().invoke, app)
    site = tmp_path / "site"
    done = run(["serve", "--export", str(site), "--ort", str(stand_in)])
    assert done.exit_code == 0
    assert "ready for any static file server" in done.stderr
    assert (site / "index.html").is_file()
    assert "needs --ort" in run(["serve", "--export", str(site)]).stderr
    assert "needs --export" in run(["serve", "--ort", str(stand_in)]).stderr
    again = run(["serve", "--export", str(site), "--ort", str(stand_in)])
    assert again.exit_code == 2
    assert "not empty" in again.stderr


def photos() -> dict[str, bytes]:
    """Ten photos in the ways in which PNG and JPEG files differ."""

    def scene(seed: int, width: int, height: int) -> Image.Image:
        return Image.fromarray(make_scene(height, width, seed))

    blurred = scene(2, 640, 480).filter(ImageFilter.GaussianBlur(3))
    noisy = np.clip(make_scene(480, 480, 3) + np.random.default_rng(0).normal(0, 25, (480, 480, 3)), 0, 255)
    clear = scene(4, 400, 300)
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
        "plain.png": encode(scene(0, 384, 256), "PNG"),
        "full.jpg": encode(scene(1, 1152, 864), "JPEG", quality=90),
        "blurred.png": encode(blurred, "PNG"),
        "noisy.png": encode(Image.fromarray(noisy.astype(np.uint8)), "PNG"),
        "transparent.png": encode(clear, "PNG"),
        "grey.jpg": encode(scene(5, 500, 333).convert("L"), "JPEG", quality=85),
        "turned.jpg": encode(scene(6, 640, 400), "JPEG", quality=92, exif=turned),
        "subsampled.jpg": encode(scene(7, 512, 512), "JPEG", quality=30, subsampling=2),
        "progressive.jpg": encode(scene(8, 600, 450), "JPEG", quality=75, progressive=True),
        "palette.png": encode(scene(9, 320, 240).quantize(64), "PNG"),
    }


def test_the_browser_scores_as_python_does_without_any_server(browser, tmp_path: Path, ort: Path, scorer: noref.Scorer):
    folder = tmp_path / "site"
    export(folder, ort)
    given = photos()
    with serving(folder) as address:
        browser.open(address)
    browser.drop({**given, "notes.jpg": b"not an image", "small.png": encode(Image.new("RGB", (12, 12)), "PNG")})
    found = {row["image"]: row for row in csv.DictReader(io.StringIO(browser.exported()))}
    assert {name for name, row in found.items() if row["error"]} == {"notes.jpg", "small.png"}
    assert "needs at least" in found["small.png"]["error"]
    for name, content in given.items():
        expected, row = scorer.score(content), found[name]
        low, high = expected.interval
        values = {"score": expected.score, "low": low, "high": high, "width": expected.size[0], "height": expected.size[1]}
        assert {key: float(row[key]) for key in values} == pytest.approx(values, abs=TOLERANCE), name
        defects = json.loads(row["defects"])
        assert list(defects) == list(expected.defects)
        for defect, each in defects.items():
            assert each["probability"] == pytest.approx(expected.defects[defect].probability, abs=0.05), (name, defect)
    sizes = browser.js("return [...document.querySelectorAll('canvas')].map((each) => [each.height, each.width])")
    assert sizes[0] == list(scorer.score(given["plain.png"]).map.shape)
