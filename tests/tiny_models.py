"""Models of a few operators, written as ONNX text, each with its card."""

import hashlib
from pathlib import Path
from typing import Any

import onnx.parser

from noref import ModelCard


def save_model(path: Path, signature: str, operators: str, constants: str = "", **facts: Any) -> Path:
    """Write an .onnx file and its card.

    Args:
        path: Of the .onnx file.
        signature: Inputs and outputs, as ONNX text.
        operators: The nodes of the graph, as ONNX text.
        constants: Initializers, as ONNX text.
        facts: What the card states apart from the hash and placeholders.
    """
    header = '<ir_version: 9, opset_import: ["" : 18]>'
    graph = onnx.parser.parse_model(f"{header} tiny {signature} <{constants}> {{ {operators} }}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph.SerializeToString())
    texts = ("description", "licence", "scale", "training_data", "origin", "policy")
    stated: dict[str, Any] = {"name": path.stem, "version": "1", "shortest": 4, **dict.fromkeys(texts, "none"), **facts}
    ModelCard(**stated, sha256=hashlib.sha256(path.read_bytes()).hexdigest()).save(path.with_suffix(".json"))
    return path
