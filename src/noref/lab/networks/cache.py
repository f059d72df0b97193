"""Vectors of photos on disk, so that an experiment over many settings sends each photo through its network once."""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from noref import batch, images
from noref.errors import ImageError
from noref.lab.errors import LabError

Pixels = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]

READERS = 2  # threads that decode photos while the network works
AHEAD = 5  # photos decoded and not yet used, at most, so that memory stays bounded


class FeatureCache:
    """A folder with one file a photo and policy, named after the picture's content: renamed photos are known, changed ones new.

    Args:
        folder: Where to keep vectors; made when needed. None keeps nothing.
    """

    def __init__(self, folder: str | Path | None) -> None:
        self.folder = None if folder is None else Path(folder)

    def vectors(self, paths: Sequence[Path], policy: Mapping[str, Any], compute: Callable[[Pixels], Vectors]) -> Vectors:
        """Vectors of photos, n x k x D: those kept from before, and those computed now, which are kept at once.

        Args:
            paths: n photos.
            policy: Everything else that the vectors depend on, as JSON can hold it: the backbone's digest, the size, crops …
            compute: Pixels (uint8, H x W x 3) to k vectors (k x D). Called for one photo at a time, in order.

        Raises:
            ImageError: A photo cannot be read or used; the error names it.
            LabError: The folder cannot be written; finished vectors stay.
        """
        home = None if self.folder is None else self.folder / _digest(json.dumps(policy, sort_keys=True).encode())
        quiet = len(paths) == 1 or not sys.stderr.isatty()
        found: Vectors = np.empty((0, 0, 0), np.float32)
        fetching = batch.ahead(partial(_fetch, home=home), paths, READERS, AHEAD)
        progress = track(fetching, "features", len(paths), console=Console(stderr=True), transient=True, disable=quiet)
        for i, (path, fetched) in enumerate(zip(paths, progress, strict=True)):
            vectors = fetched.vectors
            if vectors is None:
                vectors = _computed(path, fetched.pixels, compute)
                if fetched.file is not None:
                    _keep(fetched.file, vectors)
            if not i:
                found = np.empty((len(paths), *vectors.shape), np.float32)
            found[i] = vectors
        return found


class _Fetched(NamedTuple):
    """The file that a photo's vectors belong in, and either what it holds or the pixels to compute them from."""

    file: Path | None
    vectors: Vectors | None
    pixels: Pixels


_NO_PIXELS: Pixels = np.empty((0, 0, 3), np.uint8)


def _fetch(path: Path, home: Path | None) -> _Fetched:
    if home is None:
        return _Fetched(None, None, images.read(path).pixels)
    try:
        content = path.read_bytes()
    except OSError:
        return _Fetched(None, None, images.read(path).pixels)  # raises the error that says best what is wrong
    file = home / f"{_digest(content)}.npy"
    try:
        return _Fetched(file, np.load(file, allow_pickle=False), _NO_PIXELS)
    except (OSError, ValueError, EOFError):  # not there, or damaged
        return _Fetched(file, None, images.read(path).pixels)


def _computed(path: Path, pixels: Pixels, compute: Callable[[Pixels], Vectors]) -> Vectors:
    try:
        return compute(pixels).astype(np.float32, copy=False)
    except ImageError as error:  # whoever sees only pixels cannot say whose they are
        raise type(error)(str(path), error.cause, error.cure) from None


def _keep(file: Path, vectors: Vectors) -> None:
    """Write beside, then put in place: a reader never finds half a file."""
    half = file.with_suffix(f".{os.getpid()}.half")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as stream:
            np.save(stream, vectors, allow_pickle=False)
        half.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
        what = f"features cannot be kept in {file.parent} ({error.strerror or error})"
        cure = "free space or choose another folder by `cache`, then repeat the command: finished features are kept"
        raise LabError(f"{what}; {cure}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
