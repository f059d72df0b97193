"""A cache of photo features on disk, so that experiments with many settings run the network once per photo.

Each folder of a cache holds the features of one policy (backbone, size, crops ...) and one version of the code (`made_with`).
Its name is a hash of both, and its `policy.json` holds both. When either changes, features are computed again in another
folder; the old folder is not used any more and can be deleted.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import noref
from noref import batch, images
from noref.drafts import draft
from noref.errors import ImageError
from noref.lab.arrays import Pixels, Vectors
from noref.lab.errors import LabError
from noref.lab.networks import pooling
from noref.lab.preprocessing import WorkingSize
from noref.lab.progress import track

READERS = 2  # threads that decode photos while the network computes
AHEAD = 5  # maximum of decoded photos in memory
# For decoding, resizing and computing.
LIBRARIES = ("numpy", "onnxruntime", "pillow", "simplejpeg", "timm", "torch", "torchvision")


@functools.cache
def made_with() -> dict[str, Any]:
    """Versions of the code that features depend on, JSON-serialisable.

    These are the versions of noref (decoding, orientation, colour), of the resizing (hashes of its operators), of the
    pooling, and of the libraries.
    """
    return {
        "noref": noref.__version__,
        "resizing": [_digest(WorkingSize(fixed=fixed).graph().SerializeToString()) for fixed in (False, True)],
        "pooling": pooling.VERSION,
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
    }


class FeatureCache:
    """A cache with one file per photo, policy and version. Photos are identified by a hash of their bytes, not by their names.

    Args:
        folder: Folder of the cache, created on demand; None to cache nothing.
    """

    def __init__(self, folder: str | Path | None) -> None:
        self.folder = None if folder is None else Path(folder)

    def vectors(self, paths: Sequence[Path], policy: Mapping[str, Any], compute: Callable[[Pixels], Vectors]) -> Vectors:
        """Vectors of photos, float32, n x k x D, read from the cache, or computed and saved immediately.

        Args:
            paths: n photos.
            policy: Everything that the vectors depend on apart from the photo and `made_with`, JSON-serialisable:
                `Backbone.policy`, the size policy, crops ...
            compute: Pixels (uint8, H x W x 3) to k vectors (k x D). Called for one photo at a time, in order.

        Raises:
            ImageError: A photo cannot be read or used; the error names it.
            LabError: The folder cannot be written; vectors that were saved are kept.
        """
        facts = json.dumps({"policy": policy, "made_with": made_with()}, sort_keys=True, indent=2)
        home = None if self.folder is None else self.folder / _digest(facts.encode())
        found: Vectors = np.empty((0, 0, 0), np.float32)
        fetching = batch.ahead(partial(_fetch, home=home), paths, READERS, AHEAD)
        for i, (path, fetched) in enumerate(zip(paths, track(fetching, "features", len(paths)), strict=True)):
            vectors = fetched.vectors
            if vectors is None:
                vectors = _computed(path, fetched.pixels, compute)
                if fetched.file is not None:
                    _keep(fetched.file, vectors, facts)
            if not i:
                found = np.empty((len(paths), *vectors.shape), np.float32)
            found[i] = vectors
        return found


class _Fetched(NamedTuple):
    """The cache file of a photo, and either its vectors or the pixels to compute them from."""

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
        return _Fetched(None, None, images.read(path).pixels)  # raises an error with the exact cause
    file = home / f"{_digest(content)}.npy"
    try:
        return _Fetched(file, np.load(file, allow_pickle=False), _NO_PIXELS)
    except (OSError, ValueError, EOFError):  # missing or damaged
        return _Fetched(file, None, images.read(path).pixels)


def _computed(path: Path, pixels: Pixels, compute: Callable[[Pixels], Vectors]) -> Vectors:
    try:
        return compute(pixels).astype(np.float32, copy=False)
    except ImageError as error:  # raised for pixels, without the name of the photo
        raise type(error)(str(path), error.cause, error.cure) from None


def _keep(file: Path, vectors: Vectors, facts: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not (file.parent / "policy.json").is_file():
            with draft(file.parent / "policy.json") as half:
                half.write_text(facts + "\n", encoding="utf-8")
        with draft(file) as half, half.open("wb") as stream:
            np.save(stream, vectors, allow_pickle=False)
    except OSError as error:
        what = f"features cannot be kept in {file.parent} ({error.strerror or error})"
        cure = "free space or choose another folder by `cache`, then repeat the command: finished features are kept"
        raise LabError(f"{what}; {cure}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
