"""The description of the API: parts of its OpenAPI document, and the page /docs, which loads nothing from elsewhere."""

import html
import re
from typing import Any

FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["images"],
                    "properties": {"images": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            }
        },
    }
}
"""The body of POST /v1/score, which FastAPI does not parse."""

_RESULTS = {
    "results": [
        {
            "image": "photo.jpg",
            "score": 71.3,
            "interval": [58.2, 84.4],
            "defects": {"focus blur": {"probability": 0.12, "level": 0.8}},
            "model": "unified 13",
            "policy": "",
            "width": 4000,
            "height": 3000,
            "warnings": [],
            "summary": "",
            "map": {"width": 24, "height": 16, "values": "base64 of one byte a cell, 0 to 255 for quality 0 to 100"},
            "map_png": "data:image/png;base64,...",
        },
        {"image": "notes.txt", "error": {"kind": "NotAnImage", "cause": "not an image", "cure": "noref reads JPEG, ..."}},
    ]
}
_ERROR = {"error": {"kind": "QueueFull", "cause": "256 images wait to be scored", "cure": "try again later"}}
_REFUSALS = {
    400: "The body is not a valid form.",
    403: "The host name is unknown, or a page of another origin sent the request.",
    408: "The upload took too long.",
    413: "An image, the request, or the number of images is too large.",
    415: "The body is not multipart/form-data.",
    422: "The form holds no file or another field than `images`, or a parameter of the query is invalid or unknown.",
    429: "The queue is full, or uploads fill the memory; Retry-After states when to try again.",
    503: "Scoring took too long, or there are too many connections.",
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "One result per image.", "content": {"application/json": {"example": _RESULTS}}},
    **{
        status: {"description": text, "content": {"application/json": {"example": _ERROR}}}
        for status, text in _REFUSALS.items()
    },
}
"""What POST /v1/score answers, by status."""

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>noref: HTTP API</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }}
td {{ padding: 0 1rem .25rem 0; vertical-align: top; }}
td:first-child {{ white-space: nowrap; }}
h2 {{ margin-top: 2rem; border-top: 1px solid; padding-top: 1rem; }}
</style></head>
<body><h1>noref: HTTP API</h1><p>{description} The machine-readable form is <a href="openapi.json">openapi.json</a>.</p>
{operations}
</body></html>
"""


def page(document: dict[str, Any]) -> str:
    """An OpenAPI document as one HTML page, without scripts."""
    sections = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return _FRAME.format(description=html.escape(document["info"]["description"]), operations="\n".join(sections))


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = [(f"?{each['name']}=", each.get("description", "")) for each in operation.get("parameters", [])]
    fields = [
        (name, f"form field ({kind})")
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        for name in content["schema"]["properties"]
    ]
    answers = [(status, answer["description"]) for status, answer in sorted(operation["responses"].items())]
    rows = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{_prose(text)}</td></tr>"
        for name, text in (*parameters, *fields, *answers)
    )
    text = _prose(f"{operation['summary']}. {operation.get('description', '')}")
    return f"<h2><code>{method.upper()} {html.escape(path)}</code></h2><p>{text}</p><table>{rows}</table>"


def _prose(text: str) -> str:
    """Text as HTML, with `code` in backticks."""
    return re.sub("`(.+?)`", r"<code>\1</code>", html.escape(text))
