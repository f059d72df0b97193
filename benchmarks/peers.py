"""BRISQUE, NIQE and PIQE as scorers, for `waterloo.py`.

    pip install --no-deps --target peers pyiqa==0.1.16 opencv-python-headless requests urllib3 idna certifi charset-normalizer
    PYTHONPATH=peers python benchmarks/waterloo.py PHOTOS --brisque allmodel --niqe modelparameters.mat

The peers are pyiqa's, in a folder of their own: pyiqa depends on much that three metrics do not need, and its licence, PolyForm
Noncommercial, is yours to accept; nothing else in noref uses it. `--brisque` and `--niqe` name the files that the authors
released (LIBSVM text and MATLAB); without them pyiqa fetches its copies. A peer that cannot be loaded is reported and left out.
Another scorer is another class with a method `score`, and an entry in `available`.
"""

import io
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_svmlight_file


class Peer:
    """A metric of pyiqa.

    Args:
        metric: Its name there; one of distortion, lower is better.
        parameters: File of the authors' release; left out, pyiqa's copy is fetched where the metric needs one.
    """

    def __init__(self, metric: str, parameters: Path | None = None) -> None:
        self.metric, self.parameters = metric, parameters

    @cached_property
    def _distortion(self) -> Any:
        import pyiqa

        source: Any = self.parameters
        if source and self.metric == "brisque":
            source = as_pyiqa_expects(source)
        metric = pyiqa.create_metric(self.metric, device="cpu", **({"pretrained_model_path": source} if source else {}))
        if not metric.lower_better:
            raise ValueError(f"{self.metric} does not measure distortion; its sign must not be changed")
        return metric

    def score(self, pixels: npt.NDArray[np.uint8]) -> float:
        """Minus the distortion of a photo, so that higher is better; NaN where the photo's statistics are degenerate."""
        photo = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].double() / 255  # MATLAB's precision
        try:
            return -float(self._distortion(photo))
        except torch.linalg.LinAlgError:
            return float("nan")

    def missing(self) -> str:
        """Why it cannot be loaded; empty where it can."""
        try:
            self._distortion  # noqa: B018
        except (ImportError, OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        return ""


def as_pyiqa_expects(released: Path) -> io.BytesIO:
    """Coefficients and support vectors of the released BRISQUE model, in the form that pyiqa loads.

    Raises:
        ValueError: It is another model; pyiqa has the kernel, the bias and the ranges of this one only.
    """
    header, _, vectors = released.read_text().partition("\nSV\n")
    if "\nrho -153.591\n" not in header:
        raise ValueError(f"{released} is not the released BRISQUE model")
    x, coefficients = load_svmlight_file(io.BytesIO(vectors.encode()))
    file = io.BytesIO()
    torch.save((torch.from_numpy(coefficients)[:, None], torch.from_numpy(x.toarray())), file)
    file.seek(0)
    return file


def available(brisque: Path | None, niqe: Path | None) -> dict[str, Peer]:
    """Label -> peer, of those that can be loaded; the others are reported."""
    found = {"BRISQUE": Peer("brisque", brisque), "NIQE": Peer("niqe", niqe), "PIQE": Peer("piqe")}
    for label, peer in list(found.items()):
        if why := peer.missing():
            click.echo(f"{label} is left out: {why}", err=True)
            del found[label]
    return found
