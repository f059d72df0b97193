"""Which photos have a result, in 8 bytes a photo."""

import hashlib
import os

import numpy as np
import numpy.typing as npt

from noref.store.record import State

STATES: tuple[State, ...] = ("scored", "failed")


class Finished:
    """Photos that have a result, each as a hash of its path, size, time of change, version and state.

    The hashes have 64 bits: the chance that any of a million new photos is taken for one of a million finished ones is 1e-7.

    Args:
        stamps: From `stamp`, as uint64 in any order.
    """

    def __init__(self, stamps: npt.ArrayLike = ()) -> None:
        self._stamps = np.sort(np.asarray(stamps, np.uint64))

    def state(self, path: str, size: int, modified: int, version: str = "") -> State:
        """See `Store.state`."""
        for state in STATES:
            wanted = np.uint64(stamp(os.fsencode(path), size, modified, version, state))
            if (self._stamps[np.searchsorted(self._stamps, wanted) :][:1] == wanted).any():
                return state
        return ""


def stamp(path: bytes, size: int, modified: int, version: str, state: State) -> int:
    """The hash of a photo and the state of its result."""
    return digest(b"\0".join((path, b"%d %d" % (size, modified), version.encode("utf-8", "backslashreplace"), state.encode())))


def digest(content: bytes) -> int:
    """A hash of 64 bits."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
