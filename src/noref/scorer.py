"""Runs an exported model: pixels -> Assessment."""

import functools
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from PIL import Image

from noref import card, images
from noref.assessment import Assessment, Defect
from noref.capacity import available_processors
from noref.errors import BadModel, ImageError, ImageTooSmall, ScoringFailed
from noref.runtime import Session, loading

OUTPUTS = ("score", "map", "defects", "levels", "interval", "unusual")
"""Outputs that an exported model may have."""

View: TypeAlias = Literal["common", "native"]
"""How a photo smaller than the working area of the model is scored: enlarged to the common size of all, or at its own."""

# Halves of the working area that a reduced JPEG keeps at least: 1.9 times the working size on each side, before sides are
# rounded to multiples. So 12 megapixels are decoded at a quarter for 0.2.
REDUCED_AREA = 7
LOADED = 4  # models that `score` and unpickled scorers keep loaded

_UNUSUAL = "unlike the photos that the model was trained on (distance {:.1f} times the threshold): the score is less certain"
_SHORT_MEMORY = ("bad_alloc", "Failed to allocate")  # in messages of onnxruntime


class Scorer:
    """Scores images with one model.

    Deterministic: the result for an image is bit-identical from run to run, alone or in a batch, and for any number of jobs or
    threads.

    A scorer can be shared between threads, pickled, and used in forked processes. A pickle holds the name and version
    of the model, or its path, and the options, not the weights: the process that reads it loads the model from there, once for
    all equal scorers. A forked process loads the model again when it first scores, and never touches the session of its parent.
    See docs/how-to/servers-and-processes.md.

    A large JPEG is decoded at a half, a quarter or an eighth of its size, as long as each side remains at least 1.9 times the
    working size of the model; `policy` of the result then states the scale. Scores of photos then differ by 0.3 points on
    average and by 1.2 at most (the default model, docs/reference/images.md); `exact=True` decodes in full.

    A model may score every photo at one area, `card.area`, to which smaller photos are enlarged; `card.policy` then states it.
    `view="native"` scores small photos without enlarging, for photos that are shown small (their sides are still rounded to
    multiples of a few pixels, at least one multiple); `policy` of the result states it. Larger photos get the same result in
    both views, and so does every photo with a model that never enlarges.

    Args:
        model: Name of a shipped model; name and version, such as "unified@7"; or path of an exported .onnx file with its card
            beside it.
        threads: CPU threads for one image; None for all that this process may use.
        max_pixels: Images with more pixels are refused.
        exact: Decode every image in full.
        view: "common" scores every photo at the size that the model's policy states, "native" small ones without enlarging.

    Attributes:
        card: The model's card.

    Raises:
        ModelNotFound: There is no such model.
        BadModel: The file is not a model that noref exported.
        ValueError: There is no such view, or `threads` or `max_pixels` is less than 1.

    Examples:
        >>> import noref
        >>> import numpy as np
        >>> scorer = noref.Scorer()
        >>> grey = np.full((256, 384, 3), 128, np.uint8)
        >>> scorer.score(grey).map.shape
        (22, 34)
        >>> for result in scorer.score_many([grey, "missing.jpg"]):
        ...     print(type(result).__name__)
        Assessment
        ImageNotFound
    """

    def __init__(
        self,
        model: str | Path = card.DEFAULT,
        *,
        threads: int | None = None,
        max_pixels: int = images.MAX_PIXELS,
        exact: bool = False,
        view: View = "common",
    ) -> None:
        if view not in get_args(View):
            raise ValueError(f"no view {view!r}; views are: {', '.join(get_args(View))}")
        for name, number in (("threads", threads), ("max_pixels", max_pixels)):
            if number is not None and number < 1:
                raise ValueError(f"{name}={number}; give at least 1")
        path = card.find(model)
        self.threads, self.max_pixels, self.exact, self.view = threads, max_pixels, exact, view
        self.card = card.load(path)
        # What names the model in any working directory, and under another release of noref, which may ship a later version.
        self.model = f"{self.card.name}@{self.card.version}" if path.parent == card.FOLDER else str(path.absolute())
        self._session = Session(path.absolute(), self.card, threads or available_processors())
        inputs, outputs = self._session.inputs, self._session.outputs
        known = len(outputs) > 0 and set(outputs) <= set(OUTPUTS)
        if list(inputs) != ["pixels"] or not known or outputs.get("defects", (1, 0))[1] != len(self.card.defects):
            raise BadModel(f"{path}: its inputs or outputs are not those that its card states; export it again with noref")

    def __reduce__(self) -> tuple[Any, ...]:
        return _shared, (self.model, self.threads, self.max_pixels, self.exact, self.view)

    def score(self, source: images.Source) -> Assessment:
        """Score a path, bytes, a binary file, a PIL image or an RGB array (uint8, H x W x 3): `assess(read(source))`.

        Raises:
            ImageError: The image cannot be scored; the error names it, the cause and the cure.
        """
        return self.assess(self.read(source))

    def read(self, source: images.Source) -> images.Photo:
        """Decode a source at the resolution that the model needs; see `exact`.

        Raises:
            ImageError: The image cannot be read; the error names it, the cause and the cure.
        """
        return images.read(source, max_pixels=self.max_pixels, enough=None if self.exact else enough_for(self.card))

    def assess(self, photo: images.Photo) -> Assessment:
        """Score an image that `read` returned.

        Raises:
            ImageTooSmall: The image is smaller than the model accepts.
            ScoringFailed: The model runtime failed on the image.
        """
        width, height = photo.size
        shortest = self.card.shortest
        if min(width, height) < shortest:
            raise ImageTooSmall(
                photo.name,
                f"{width} x {height} pixels",
                f"{self.card.label} needs at least {shortest} on each side; give the original, not a thumbnail",
            )
        batch_of_one, own_area = photo.pixels[None], photo.pixels.shape[0] * photo.pixels.shape[1]
        unenlarged = self.view == "native" and "area" in self._session.optional and own_area < self.card.area
        try:
            found = self._session.run(batch_of_one, **({"area": own_area} if unenlarged else {}))
        except BadModel:
            raise
        except Exception as error:  # onnxruntime's own exceptions share no public base
            raise _failure(photo, error) from error
        quality = found["map"][0] if "map" in found else np.empty((0, 0), np.float32)
        low, high = found["interval"][0].tolist() if "interval" in found else (math.nan, math.nan)
        probabilities = found["defects"][0].tolist() if "defects" in found else []
        levels = found["levels"][0].tolist() if "levels" in found else [math.nan] * len(probabilities)
        done = "; this one was not enlarged (native view)" if unenlarged else ""
        done += f"; the JPEG was decoded at 1/{photo.reduced} of its size" if photo.reduced > 1 else ""
        distance = float(found["unusual"][0]) if "unusual" in found else 0.0
        return Assessment(
            name=photo.name,
            score=float(found["score"][0]) if "score" in found else math.nan,
            map=quality,
            model=self.card.label,
            policy=self.card.policy + done,
            size=photo.size,
            warnings=photo.warnings + ((_UNUSUAL.format(distance),) if distance > 1 else ()),
            defects=dict(zip(self.card.defects, map(Defect, probabilities, levels), strict=True)),
            interval=(low, high),
        )

    def score_many(
        self, sources: Iterable[images.Source], *, jobs: int = 1, column: str | None = None
    ) -> Iterator[Assessment | ImageError]:
        """Score images and yield the results in the same order, each as soon as it is ready.

        A folder, an archive (zip, tar) and a Parquet file yield the results of all photos in them. They, and single photos, may
        be remote (`s3://bucket/folder/`, `https://...`), and braces may stand for several (`shards-{0000..0099}.tar`). What is
        remote is read ahead, and nothing is written to the disk. See docs/how-to/collections.md.

        An image that cannot be scored yields its `ImageError` instead of raising it, and the others are scored; a bug in noref
        yields an `InternalError`. An exception raised by iterating over `sources` is raised after the results of the sources
        before it. With `jobs` above 1, another thread iterates over `sources`; build the scorer with `threads=1` then, so that
        each image uses one processor.

        Args:
            sources: Paths, URLs, bytes, binary files, PIL images or RGB arrays.
            jobs: Images scored at a time.
            column: For Parquet files, the column with the photos; None to choose it by type and name.

        Raises:
            TypeError: `sources` is a single source.
            ValueError: `jobs` is below 1.
        """
        if jobs < 1:
            raise ValueError(f"jobs={jobs}; give at least 1")
        single = isinstance(sources, (str, bytes, bytearray, memoryview, os.PathLike, Image.Image)) or hasattr(sources, "read")
        if single or (isinstance(sources, np.ndarray) and sources.ndim in (2, 3)):  # a picture; four dimensions are several
            raise TypeError("score_many takes an iterable of sources; put a single one into a list")

        with loading():  # a fork waits meanwhile
            from noref import batch  # imported here, so that `import noref` is fast
            from noref.sources import Found, ahead, photos_in

        def score(photo: Found) -> Assessment:
            return self.score(photo.open())

        return batch.run(score, ahead(photos_in(sources, column)), jobs, lambda photo: photo.name)


def score(source: images.Source, *, model: str | Path = card.DEFAULT, view: View = "common") -> Assessment:
    """Score one image. The last few models stay loaded for further calls; a model whose file has changed is loaded again.

    Args:
        source: A path, bytes, a binary file, a PIL image or an RGB array (uint8, H x W x 3).
        model: Name of a shipped model; name and version, such as "unified@7"; or path of an exported .onnx with its card beside
            it.
        view: As of `Scorer`.

    Raises:
        ImageError: The image cannot be scored; the error names it, the cause and the cure.
        ModelError: The model cannot be used.
        ValueError: There is no such view.

    Examples:
        >>> import noref
        >>> import numpy as np
        >>> dark = np.zeros((256, 384, 3), np.uint8)
        >>> list(noref.score(dark).likely_defects)
        ['under-exposure']
    """
    return _shared(model, None, images.MAX_PIXELS, False, view).score(source)


def _shared(model: str | Path, threads: int | None, max_pixels: int, exact: bool, view: View) -> Scorer:
    """A scorer that callers with equal arguments share."""
    path = card.find(model)
    stamps = tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in (path, path.with_suffix(".json")))
    with loading():  # two threads that need one model load it once
        return _loaded(path.absolute(), stamps, threads, max_pixels, exact, view)


@functools.lru_cache(maxsize=LOADED)
def _loaded(model: Path, _stamps: tuple[int, ...], threads: int | None, max_pixels: int, exact: bool, view: View) -> Scorer:
    return Scorer(model, threads=threads, max_pixels=max_pixels, exact=exact, view=view)


def enough_for(facts: card.ModelCard) -> int | None:
    """Pixels that suffice for the model, for any aspect ratio; None for all."""
    return REDUCED_AREA * max(facts.area, facts.shortest**2 * images.MAX_ASPECT) // 2 if facts.area else None


def _failure(photo: images.Photo, error: Exception) -> ScoringFailed:
    height, width = photo.pixels.shape[:2]
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in _SHORT_MEMORY):
        cause, cure = (
            f"not enough memory to score {width} x {height} pixels",
            "shrink it, or score fewer photos at a time (jobs)",
        )
    else:
        cause, cure = (
            f"onnxruntime failed on its {width} x {height} pixels ({error})",
            "please report it, with the photo's size",
        )
    return ScoringFailed(photo.name, cause, cure)
