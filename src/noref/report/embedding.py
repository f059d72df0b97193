"""Values and names in a form that an HTML file can hold, whatever they contain."""

import json
from typing import Any

from noref.writers.table import printable


def as_json(value: Any) -> str:
    """JSON in ASCII that cannot end the script element that holds it; bytes of names that are not text stay as escapes."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def shown(name: str) -> str:
    """A name as text: what is not text, breaks the line or reorders it is escaped."""
    return printable(name).encode("utf-8", "backslashreplace").decode()
