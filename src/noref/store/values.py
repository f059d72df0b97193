"""Values in the form in which every kind of store keeps them."""

import math


def as_text(name: str) -> str:
    """Text that is UTF-8: bytes of a name that are not become escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def as_number(value: float | None) -> float:
    """A number; NaN where none is stored."""
    return math.nan if value is None else value
