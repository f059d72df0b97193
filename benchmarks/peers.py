"""D, L, P and M of a noref model beside BRISQUE, NIQE and PIQE, on one synthetic database in one run.

    noref lab synthesize PHOTOS made --types jpeg,jpeg2000,white_noise,gaussian_blur
    pip install --no-deps --target peers pyiqa==0.1.16 opencv-python-headless requests urllib3 idna certifi charset-normalizer
    PYTHONPATH=peers python benchmarks/peers.py made --out results/peers --brisque allmodel --niqe modelparameters.mat

Needs noref[lab]. The peers are pyiqa's, in a folder of their own: pyiqa asks for much that three metrics do not need, and its
licence, PolyForm Noncommercial, is yours to accept; nothing else in noref touches it. `--brisque` and `--niqe` name the files
that the authors released (LIBSVM text and MATLAB); without them pyiqa fetches its copies. A peer that cannot be had is said to
be missing. The results folder is as `noref lab evaluate` leaves it: the same command goes on where an interrupted one stopped.
"""

import hashlib
import importlib.metadata
import io
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
import typer
from sklearn.datasets import load_svmlight_file

import noref
from noref import card
from noref.images import Source, read
from noref.lab.datasets import synthetic
from noref.lab.evaluation.fixed import Fixed
from noref.lab.experiments import evaluate


class Peer(Fixed):
    """A metric of pyiqa.

    Args:
        metric: Its name there; one of distortion, lower is better.
        parameters: File of the authors' release; left out, pyiqa's copy is fetched where the metric needs one.
    """

    name: ClassVar[str] = "pyiqa"

    def __init__(self, metric: str, parameters: Path | None = None) -> None:
        self.metric, self.parameters = metric, parameters

    @cached_property
    def _distortion(self) -> Any:
        import pyiqa

        source: Any = self.parameters
        if source and self.metric == "brisque":
            source = as_pyiqa_wants_it(source)
        metric = pyiqa.create_metric(self.metric, device="cpu", **({"pretrained_model_path": source} if source else {}))
        if not metric.lower_better:
            raise ValueError(f"{self.metric} is no measure of distortion; its sign must not be turned")
        return metric

    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """Minus the distortion of each photo, so that higher is better; NaN where the photo's statistics are degenerate."""
        return np.array([-self._measure(read(image).pixels) for image in images])

    def _measure(self, pixels: npt.NDArray[np.uint8]) -> float:
        photo = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].double() / 255  # MATLAB's precision
        try:
            return float(self._distortion(photo))
        except torch.linalg.LinAlgError:
            return float("nan")

    def fingerprint(self) -> str:
        """Of pyiqa's version and the parameters."""
        content = self.parameters.read_bytes() if self.parameters else b""
        return hashlib.sha256(importlib.metadata.version("pyiqa").encode() + content).hexdigest()[:16]

    def missing(self) -> str:
        """Why it cannot be had; empty where it can."""
        try:
            self._distortion  # noqa: B018
        except (ImportError, OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        return ""


def as_pyiqa_wants_it(released: Path) -> io.BytesIO:
    """Coefficients and support vectors of the released BRISQUE model, in the form that pyiqa loads.

    Raises:
        ValueError: It is another model; pyiqa knows the kernel, the bias and the ranges of this one only.
    """
    header, _, vectors = released.read_text().partition("\nSV\n")
    if "\nrho -153.591\n" not in header:
        raise ValueError(f"{released} is not the released BRISQUE model")
    x, coefficients = load_svmlight_file(io.BytesIO(vectors.encode()))
    file = io.BytesIO()
    torch.save((torch.from_numpy(coefficients)[:, None], torch.from_numpy(x.toarray())), file)
    file.seek(0)
    return file


def main(
    database: Annotated[Path, typer.Argument(help="Folder made by noref lab synthesize.")],
    out: Annotated[Path, typer.Option(help="Results folder.")],
    model: Annotated[str, typer.Option(help="Name of a shipped model, or path of an exported one.")] = card.DEFAULT,
    brisque: Annotated[Path | None, typer.Option(help="The released allmodel.")] = None,
    niqe: Annotated[Path | None, typer.Option(help="The released modelparameters.mat.")] = None,
) -> None:
    """Print the four tests of all methods; higher is better."""
    rated = synthetic.as_rated(database)
    print(f"noref {noref.__version__}, {len(rated.table)} pictures of {rated.table['content'].nunique()} photos")
    candidates = [evaluate.candidate(f"model:{model}", {})]
    for label, peer in {"BRISQUE": Peer("brisque", brisque), "NIQE": Peer("niqe", niqe), "PIQE": Peer("piqe")}.items():
        if why := peer.missing():
            print(f"{label} is missing: {why}")
        else:
            candidates.append(evaluate.Candidate(label, lambda _, peer=peer: peer))  # type: ignore[misc]
    planned = evaluate.plan("waterloo", [rated], {}, 1, 0)
    print(evaluate.as_markdown(evaluate.evaluate(candidates, planned, out, tests=True)))


if __name__ == "__main__":
    typer.run(main)
