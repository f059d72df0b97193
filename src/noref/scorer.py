"""An exported model: pixels -> Assessment."""

import functools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from noref import batch, card, images
from noref.assessment import Assessment, Defect
from noref.capacity import available_processors
from noref.errors import BadModel, ImageError, ImageTooLarge, ImageTooSmall

OUTPUTS = ("score", "map", "defects", "levels", "interval")
"""What an exported model may tell."""


class Scorer:
    """Scores photos with one model.

    Deterministic: a photo gets the same answer, bit for bit, run to run, alone or among others, whatever the number of jobs
    or threads. Safe to share between threads.

    Args:
        model: Name of a shipped model, or path of an exported .onnx with its card beside it.
        threads: Processor threads for one photo; None for all that this process may use.
        max_pixels: Larger pictures are refused.
        exact: Decode large JPEGs in full.

    Raises:
        ModelNotFound: There is no such model.
        BadModel: The file is not a model that noref exported.
    """

    def __init__(
        self,
        model: str | Path = card.DEFAULT,
        *,
        threads: int | None = None,
        max_pixels: int = images.MAX_PIXELS,
        exact: bool = False,
    ) -> None:
        import onnxruntime  # a tenth of a second that `import noref` need not take

        path = card.find(model)
        self.card = card.load(path)
        self.max_pixels = max_pixels
        self.exact = exact
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or available_processors()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; they also reach us as exceptions
        # Photos differ in size, so buffers planned for the last one only hold memory back.
        options.enable_mem_pattern = False
        try:
            content = card.verified_bytes(path, self.card)
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except BadModel:
            raise
        except Exception as error:  # onnxruntime's own exceptions share no public base
            raise BadModel(f"{path}: onnxruntime cannot load it ({error})") from error
        self._outputs = {output.name: output.shape for output in self._session.get_outputs()}
        inputs = [one.name for one in self._session.get_inputs()]
        known = len(self._outputs) > 0 and set(self._outputs) <= set(OUTPUTS)
        if inputs != ["pixels"] or not known or self._outputs.get("defects", (1, 0))[1] != len(self.card.defects):
            raise BadModel(f"{path}: it takes or gives other things than its card says; export it again with noref")

    def score(self, source: images.Source) -> Assessment:
        """Score a path, bytes, a binary file, a PIL image or an RGB array (uint8, H x W x 3).

        Raises:
            ImageError: The picture cannot be scored; the error names it, the cause and the cure.
        """
        return self.assess(self.read(source))

    def read(self, source: images.Source) -> images.Photo:
        """Read a source as `score` does: what `assess` takes.

        Raises:
            ImageError: The picture cannot be read.
        """
        return images.read(source, max_pixels=self.max_pixels)

    def assess(self, photo: images.Photo) -> Assessment:
        """Score a photo that was read.

        Raises:
            ImageError: The picture cannot be scored.
        """
        height, width = photo.pixels.shape[:2]
        shortest = self.card.shortest
        if min(height, width) < shortest:
            raise ImageTooSmall(
                photo.name,
                f"{width} x {height} pixels",
                f"{self.card.label} needs at least {shortest} on each side; give the original, not a thumbnail",
            )
        try:
            values = self._session.run(list(self._outputs), {"pixels": photo.pixels[None]})
        except Exception as error:  # as above; of a checked model and checked pixels, memory is what is left to fail
            cause = f"onnxruntime failed on its {width} x {height} pixels, for want of memory most likely"
            raise ImageTooLarge(photo.name, cause, "shrink it, or score fewer photos at a time (--jobs)") from error
        found = dict(zip(self._outputs, values, strict=True))
        quality = found["map"][0] if "map" in found else np.empty((0, 0), np.float32)
        quality.flags.writeable = False
        low, high = found["interval"][0].tolist() if "interval" in found else (math.nan, math.nan)
        probabilities = found["defects"][0].tolist() if "defects" in found else []
        levels = found["levels"][0].tolist() if "levels" in found else [math.nan] * len(probabilities)
        return Assessment(
            name=photo.name,
            score=float(found["score"][0]) if "score" in found else math.nan,
            map=quality,
            model=self.card.label,
            policy=self.card.policy,
            size=(width, height),
            warnings=photo.warnings,
            defects=dict(zip(self.card.defects, map(Defect, probabilities, levels), strict=True)),
            interval=(low, high),
        )

    def score_many(self, sources: Iterable[images.Source], *, jobs: int = 1) -> Iterator[Assessment | ImageError]:
        """Score photos as they come and yield results in the same order, as soon as each is ready.

        A picture that cannot be scored yields its `ImageError` instead of raising it, and the rest go on; a bug in noref
        yields an `InternalError`. An exception of `sources` itself is raised after the results of what came before. With `jobs`
        above 1, build the scorer with `threads=1`, so that photos rather than parts of one photo share the processors; another
        thread then iterates over `sources`.
        """
        return batch.run(self.score, sources, jobs, images.name_of)


@functools.lru_cache(maxsize=1)
def _scorer(model: str | Path) -> Scorer:
    return Scorer(model)


def score(source: images.Source, *, model: str | Path = card.DEFAULT) -> Assessment:
    """Score one photo; the model stays loaded for the next call.

    Args:
        source: A path, bytes, a binary file, a PIL image or an RGB array (uint8, H x W x 3).
        model: Name of a shipped model, or path of an exported .onnx with its card beside it.

    Raises:
        ImageError: The picture cannot be scored; the error names it, the cause and the cure.
        ModelError: The model cannot be used.
    """
    return _scorer(model).score(source)
