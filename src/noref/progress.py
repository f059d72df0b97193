"""A progress bar on standard error."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def shown(total: Callable[[], int] | None) -> Iterator[Callable[[], object]]:
    """Show a bar if standard error is a terminal and the results go elsewhere; yields what to call after each result.

    Args:
        total: Counts what there is to do, in another thread, so that the first result does not wait for it; None for a bar
            without end.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Left to itself, rich would carry our results to standard error.
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=None)
        if total is not None:
            threading.Thread(target=lambda: bar.update(task, total=total()), name="noref-total", daemon=True).start()
        yield lambda: bar.advance(task)
