"""Paths of photos as text: files, members of archives, and URLs."""

import os
from collections.abc import Sequence


def common_folder(paths: Sequence[str]) -> str:
    """The folder or archive that holds all paths, with the separator at its end; empty if there is none."""
    prefix = os.path.commonprefix(paths)  # noqa: RUF071  (cut at a separator below; paths on two drives have no root)
    return prefix[: max(prefix.rfind(mark) + len(mark) if mark in prefix else 0 for mark in (os.sep, "::"))]
