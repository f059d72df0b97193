"""Writes the page as a static folder that scores photos in the visitor's browser, by onnxruntime-web."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from noref import card
from noref.errors import ExportError
from noref.scorer import enough_for
from noref.web import PAGE

RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""The files of onnxruntime-web that run a model by WebAssembly, in its folder `dist`."""

_BY_SERVER, _BY_BROWSER = 'data-scoring="server"', 'data-scoring="browser"'


def export(folder: Path, runtime: Path, model: str | Path = card.DEFAULT) -> None:
    """Write `index.html`, `page/`, `model/` and `ort/` into a folder that any static file server can serve.

    Args:
        folder: To write; new or empty.
        runtime: The npm package onnxruntime-web, unpacked, or its folder `dist`.
        model: Name of a shipped model, or path of an exported .onnx file with its card beside it.

    Raises:
        ExportError: The folder is not empty, or `runtime` lacks a file.
        ModelError: The model cannot be used.
        OSError: A file cannot be written.
    """
    path = card.find(model)
    facts = card.load(path)
    content = card.verified_bytes(path, facts)
    sources = [_runtime_file(runtime, name) for name in RUNTIME]
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ExportError(f"{folder}: it is not empty; give a new or an empty folder")
    shutil.copytree(PAGE, folder / "page", ignore=shutil.ignore_patterns("index.html"))
    index = (PAGE / "index.html").read_text(encoding="utf-8").replace(_BY_SERVER, _BY_BROWSER)
    (folder / "index.html").write_text(index, encoding="utf-8")
    (folder / "model").mkdir()
    (folder / "model" / "model.onnx").write_bytes(content)
    settings = {"card": asdict(facts), "enough": enough_for(facts) or 0}
    (folder / "model" / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    (folder / "ort").mkdir()
    for source in sources:
        shutil.copyfile(source, folder / "ort" / source.name)


def _runtime_file(runtime: Path, name: str) -> Path:
    for place in (runtime, runtime / "dist"):
        if (place / name).is_file():
            return place / name
    raise ExportError(f"{runtime}: it has no {name}; give the folder of the npm package onnxruntime-web")
