"""What every published system looks like from outside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from noref.images import Source
from noref.lab.datasets.rated import RatedImages


class Method(Protocol):
    """The scikit-learn protocol over photos: networks, SVRs and hand-made statistics look the same.

    `predict` answers on the opinion scale of the database that the method was fitted on, higher is better.
    """

    name: ClassVar[str]

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Learn from `rated`; choose checkpoints on `validation` only; keep checkpoints and curves in `folder`.

        Called again with the same folder after an interrupt, it goes on where it stopped.
        """
        ...

    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """Scores of photos, one each, in order.

        Raises:
            ImageError: A photo cannot be read.
        """
        ...

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings given at construction."""
        ...

    def save(self, folder: Path) -> None:
        """Write weights as safetensors and everything else as JSON."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        ...


@runtime_checkable
class UsingExternalImages(Protocol):
    """A method that learns from photos besides those of the training part."""

    def besides(self) -> Sequence[Path]:
        """These photos: none of them may be judged on."""
        ...


def external_images(method: Method) -> Sequence[Path]:
    """Photos that a method learns from besides those of the training part; most methods do not."""
    return method.besides() if isinstance(method, UsingExternalImages) else ()
