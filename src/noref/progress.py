"""A progress bar on standard error."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def shown(
    total: Callable[[], int] | None, skipped: Callable[[], int] = lambda: 0, *, printed: bool = True
) -> Iterator[Callable[[], object]]:
    """Show a bar with rate and time left if standard error is a terminal and the results go elsewhere.

    Yields what to call after each result.

    Args:
        total: Counts what there is to do, in another thread, so that the first result does not wait for it; None for a bar
            without end.
        skipped: How many of them have been passed over so far.
        printed: Whether results go to standard output.
    """
    if not sys.stderr.isatty() or (printed and sys.stdout.isatty()):
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    counted: list[int] = []
    columns = (
        TextColumn("scoring"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )

    def update(done: int) -> None:
        left = counted[0] - skipped() if counted else None
        speed = bar.tasks[task].speed
        bar.update(task, total=left, advance=done, rate=f"{speed:.1f}/s" if speed else "")

    def count(total: Callable[[], int]) -> None:
        counted.append(total())
        update(0)

    # Left to itself, rich would carry our results to standard error.
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=None, rate="")
        if total is not None:
            threading.Thread(target=count, args=(total,), name="noref-total", daemon=True).start()
        yield lambda: update(1)
