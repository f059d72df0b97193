"""A lock that is safe across fork."""

import os
import threading


def fork_safe_lock() -> threading.RLock:
    """A lock that a fork waits for, so that no forked process inherits it as held, with what it guards half done."""
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock
