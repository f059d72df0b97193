"""Values and names in a form that an HTML file can hold, whatever they contain."""

import base64
import json
from typing import Any

from noref.printing import printable


def as_json(value: Any) -> str:
    """JSON in ASCII that cannot end the script element that holds it; bytes of names that are not text stay as escapes."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def picture_url(thumbnail: bytes | None) -> str:
    """A JPEG or WebP as a data URL; empty if there is none."""
    if not thumbnail:
        return ""
    kind = "webp" if thumbnail[:4] == b"RIFF" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(thumbnail).decode()}"


def shown(name: str) -> str:
    """A name as text: what is not text, breaks the line or reorders it is escaped."""
    return printable(name).encode("utf-8", "backslashreplace").decode()
