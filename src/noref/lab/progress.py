"""Progress of long work on standard error: a bar on a terminal, lines in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

PAUSE = 60.0  # seconds between lines


def track(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """The items, with a progress bar or, where standard error is no terminal, with a line a minute.

    Args:
        items: What to go through.
        what: Name of the work.
        total: Number of items. One alone shows nothing.

    Examples:
        >>> sum(track([1, 2, 3], "adding", 3))
        6
    """
    if total > 1 and sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track as bar

        yield from bar(items, what, total, console=Console(stderr=True), transient=True)
        return
    shown = time.monotonic()
    for done, item in enumerate(items):
        if time.monotonic() > shown + PAUSE:
            shown = time.monotonic()
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)
        yield item
