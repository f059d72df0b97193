"""A lock that a fork waits for."""

import os
import threading


def awaited_by_forks() -> threading.RLock:
    """A lock that no forked process inherits as held, with what it guards half done."""
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock
