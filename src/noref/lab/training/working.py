"""Photos at working size, decoded at most once per epoch; their shapes are read from the headers."""

import os
import shutil
import tempfile
import warnings
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from noref import images
from noref.lab.arrays import Pixels
from noref.lab.errors import LabError
from noref.lab.preprocessing import WorkingSize

Shape = tuple[int, int]
"""Height and width."""


class WorkingPhotos:
    """Photos at working size, for one data set or for several that are read together.

    A photo that is needed several times per epoch is decoded once and stored at working size (1.2 MB at the default area) in an
    unnamed temporary file. Forked worker processes share this file, which disappears with the last of them; spawned processes
    have one each. On Windows (no `os.pread`), and if disk space is short, such photos are decoded each time.

    Args:
        size: The size policy.
    """

    def __init__(self, size: WorkingSize) -> None:
        self.size = size
        self._uses: Counter[Path] = Counter()
        self._sizes: dict[Path, tuple[int, int]] = {}  # width and height from the header
        self._kept: _Kept | None = None

    def use(self, paths: Iterable[Path], times: int = 1) -> None:
        """Register that each epoch reads each of these photos `times` times."""
        for path in paths:
            self._uses[path] += times
        self._kept = None

    def joined(self, other: "WorkingPhotos") -> "WorkingPhotos":
        """This object with the registered uses of another one of the same size policy, which it replaces."""
        if other is not self:
            self._uses.update(other._uses)
            self._kept = None
        return self

    def shapes(self, paths: Iterable[Path], crop: int | None = None) -> list[Shape]:
        """Height and width of each photo at working size, cropped to `crop`; no pixels are decoded.

        Call this before worker processes are forked, so that they share the stored photos.

        Raises:
            ImageError: A header cannot be read, or a photo is smaller than the policy allows.
        """
        self._keep()
        return [(min(height, crop or height), min(width, crop or width)) for height, width in map(self._shape, paths)]

    def pixels(self, path: Path) -> Pixels:
        """The pixels of a registered photo, uint8 H x W x 3, of the shape that `shapes` returns.

        Raises:
            ImageError: It cannot be read, or is smaller than the policy allows.
            LabError: The size of the photo has changed since its header was read.
        """
        kept = self._keep()
        if path not in kept.places:
            return self._decode(path)
        pixels = kept.get(path)
        if pixels is None:
            pixels = self._decode(path)
            kept.put(path, pixels)
        return pixels

    def _decode(self, path: Path) -> Pixels:
        photo = images.read(path)
        self.size.check(photo.name, *photo.size)
        width, height = self._sizes.setdefault(path, photo.size)
        if photo.size != (width, height):
            now = "{} x {}".format(*photo.size)
            raise LabError(f"{path} has {now} pixels, but had {width} x {height} when training began; restore it, and resume")
        return self.size.apply(photo.pixels)

    def _shape(self, path: Path) -> Shape:
        if path not in self._sizes:
            width, height = images.size(path)
            self.size.check(str(path), width, height)
            self._sizes[path] = (width, height)
        return self.size.shape(*self._sizes[path])

    def _keep(self) -> "_Kept":
        if self._kept is None:
            repeated = [path for path, count in self._uses.items() if count > 1] if hasattr(os, "pread") else []
            self._kept = _Kept({path: self._shape(path) for path in repeated})
        return self._kept

    def __getstate__(self) -> dict[str, Any]:
        """Omit the file: a spawned process opens its own."""
        return self.__dict__ | {"_kept": None}


class _Place(NamedTuple):
    """Position of a photo in the file: a flag byte, 1 if the photo is stored, and the pixels."""

    flag: int
    start: int
    shape: tuple[int, int, int]


class _Kept:
    """Pixels in a temporary file, each photo at a fixed position, so that processes need no synchronisation."""

    def __init__(self, shapes: Mapping[Path, Shape]) -> None:
        self.places: dict[Path, _Place] = {}
        end = len(shapes)
        for flag, (path, shape) in enumerate(shapes.items()):
            self.places[path] = _Place(flag, end, (*shape, 3))
            end += 3 * prod(shape)
        if not shapes:
            return
        folder = tempfile.gettempdir()
        if 2 * end > shutil.disk_usage(folder).free:
            cure = "set TMPDIR to a folder with more space"
            warnings.warn(
                f"{folder} has too little space for {end / 1e9:.1f} GB of decoded photos; they are decoded repeatedly; {cure}",
                stacklevel=4,
            )
            self.places.clear()
        file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by the finalizer)
        self.descriptor = file.fileno()
        weakref.finalize(self, file.close)

    def get(self, path: Path) -> Pixels | None:
        """The pixels of a photo; None if they are not stored yet."""
        flag, start, shape = self.places[path]
        if os.pread(self.descriptor, 1, flag) != b"\1":
            return None
        return np.frombuffer(bytearray(os.pread(self.descriptor, prod(shape), start)), np.uint8).reshape(shape)

    def put(self, path: Path, pixels: Pixels) -> None:
        """Store the pixels of a photo; do nothing if the disk is full."""
        flag, start, _ = self.places[path]
        with suppress(OSError):
            if os.pwrite(self.descriptor, pixels.tobytes(), start) == pixels.nbytes:
                os.pwrite(self.descriptor, b"\1", flag)
