"""Text that is safe to show on one line of a terminal or a page."""

# Control characters, line separators, and the marks that change the order in which text is shown.
_UNPRINTABLE = (
    *(*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029),
    *(0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),
)
_ESCAPES = {code: chr(code).encode("unicode_escape").decode() for code in _UNPRINTABLE}


def printable(text: str) -> str:
    r"""Text on one line: what would move the cursor, colour or reorder it is escaped, a newline as ``\n`` for example."""
    return text.translate(_ESCAPES)
