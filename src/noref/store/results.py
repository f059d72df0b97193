"""What a file and a folder of results have in common, so that commands and reports read both alike."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

from noref.errors import StoreError
from noref.store.database import Store
from noref.store.files import PART
from noref.store.record import Record, Settings, Sort


class Results(Protocol):
    """Results that can be read and removed; a context manager. `Store` describes the methods."""

    path: Path

    def __enter__(self) -> "Results": ...

    def __exit__(self, *_: object) -> None: ...

    def __len__(self) -> int: ...

    def cards(self) -> dict[str, dict[str, Any]]:
        """See `Store.cards`."""

    def settings(self) -> list[Settings]:
        """See `Store.settings`."""

    def records(
        self,
        *,
        below: float | None = None,
        above: float | None = None,
        defect: str | None = None,
        failed: bool | None = None,
        sort: Sort = "path",
        reverse: bool = False,
        settings: Settings | None = None,
        pictures: bool = True,
    ) -> Iterator[Record]:
        """See `Store.records`."""

    def remove(self, paths: Iterable[str], settings: Settings) -> None:
        """See `Store.remove`."""


def holds_results(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds results, by the name of a file in it, and not photos."""
    return any(PART.fullmatch(path.name) for path in Path(folder).glob("part-*.parquet"))


def opened(path: str | os.PathLike[str], mode: Literal["r", "w"] = "r") -> Results:
    """Open a results file, or a folder of results that `noref score --engine ray` wrote.

    Args:
        path: The file or folder.
        mode: "r" to read; "w" to read and remove results.

    Returns:
        A context manager with the methods of `Store` to read and to remove.

    Raises:
        StoreError: It cannot be opened, or it is a folder and pyarrow is not installed.

    Examples:
        >>> import tempfile
        >>> from noref.store import Store, opened
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Store(f"{folder}/results.db", "w").close()
        ...     with opened(f"{folder}/results.db") as results:
        ...         list(results.records())
        []
    """
    if not os.path.isdir(path):
        return Store(path, mode)
    try:
        from noref.store.parts import Parts
    except ModuleNotFoundError as error:
        raise StoreError(f"{path}: a folder of results needs {error.name}; pip install 'noref[parquet]'") from None
    return Parts(path, mode)
