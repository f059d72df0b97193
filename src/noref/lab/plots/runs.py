"""Figures of a finished experiment, as paper 001 shows them: the kernels of the first layer, and photos with their scores.

Its third figure, the loss curves, is `curves.png` in every results folder (`noref.lab.plots.curves`).
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torchvision.utils import make_grid

from noref.lab import datasets
from noref.lab.errors import LabError
from noref.lab.experiments import experiment
from noref.lab.files import read_csv
from noref.lab.plots.predictions import show_photo

EACH = 8  # photos a row


def first_layer(run: Path) -> Tensor:
    """Weights of the first convolution of a run's network: kernels x input channels x height x width.

    Raises:
        LabError: The method has no network that begins with a convolution.
    """
    method = experiment.load_model(run)
    network = getattr(method, "network_", None)
    layers = network.modules() if isinstance(network, nn.Module) else ()
    first = next((layer for layer in layers if isinstance(layer, nn.Conv2d)), None)
    if first is None:
        raise LabError(f"{run} holds {method.name}, which has no convolutional network; choose another run")
    return first.weight.detach()


def kernels(weights: Tensor, title: str) -> Figure:
    """All kernels in a grid, each divided by its own largest weight: grey is 0, so shapes can be compared but not sizes.

    Args:
        weights: Kernels x input channels x height x width; three channels are shown as red, green and blue, one as grey.
        title: Of the figure.
    """
    count, _, height, width = weights.shape
    largest = weights.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
    columns = math.ceil(math.sqrt(count))
    tiles = make_grid(0.5 + 0.5 * weights / largest, nrow=columns, padding=1, pad_value=1)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(6, 6 * rows * height / (columns * width) + 0.8), layout="constrained")
    axes = figure.subplots()
    axes.imshow(tiles.permute(1, 2, 0).numpy(), interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(
        f"{title}: {count} kernels of {height} x {width}\neach divided by its own largest weight; grey is 0", fontsize=10
    )
    return figure


def evenly_spaced(predictions: pd.DataFrame, count: int = EACH) -> list[int]:
    """Rows whose opinions lie nearest to `count` even steps from the lowest to the highest; fewer where steps share a row."""
    opinions = predictions["mos"]
    steps = np.linspace(opinions.min(), opinions.max(), count)
    return list(dict.fromkeys(int((opinions - step).abs().idxmin()) for step in steps))


def misses(predictions: pd.DataFrame, count: int = EACH) -> list[int]:
    """Rows that the method missed by most, worst first."""
    error = (predictions["predicted"] - predictions["mos"]).abs()
    return [int(row) for row in error.sort_values(ascending=False, kind="stable").index[:count]]


def read_predictions(run: Path) -> pd.DataFrame:
    """Photos of a run's test part with true and predicted score; those that the method failed on are left out.

    Raises:
        LabError: `run` holds no finished experiment, or its predictions are no scores.
    """
    file = run / "predictions.csv"
    if not file.is_file():
        raise LabError(f"{run} holds no finished experiment (predictions.csv is missing); run `noref lab train` first")
    table = read_csv(file)
    if not {"predicted", "mos"} <= set(table) or not pd.api.types.is_numeric_dtype(table["predicted"]):
        raise LabError(f"{run} predicts classes or defects instead of scores; choose another run")
    scored = table[np.isfinite(table["predicted"])].reset_index(drop=True)
    if scored.empty:
        raise LabError(f"{run}: no test photo has a score (see the column failed of predictions.csv)")
    return scored


def photos(predictions: pd.DataFrame, name: str, folder: str | Path, title: str) -> Figure:
    """Photos with true and predicted score: a row from worst to best, as people saw them, and a row of the largest misses.

    Args:
        predictions: As `read_predictions` gives them.
        name: The database.
        folder: Where it is.
        title: Of the figure.

    Raises:
        LabError: The database lacks some of the photos: it is another one.
    """
    rated = datasets.read(name, folder)
    absent = predictions["image"][~predictions["image"].isin(rated.table["image"])]
    if len(absent):
        raise LabError(
            f"{name} at {folder} lacks {len(absent)} photos of the run, such as {absent.iloc[0]}; is it another one?"
        )
    rows = {"worst to best": evenly_spaced(predictions), "largest misses": misses(predictions)}
    figure = Figure(figsize=(2.1 * EACH, 2.6 * len(rows)), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(len(rows), EACH, squeeze=False)
    for panel, (what, chosen) in zip(panels, rows.items(), strict=True):
        for axes in panel:
            axes.set_axis_off()
        panel[0].text(-0.06, 0.5, what, transform=panel[0].transAxes, rotation=90, ha="right", va="center")
        for axes, row in zip(panel, chosen, strict=False):
            shown = predictions.loc[row]
            show_photo(axes, rated.folder / shown["image"])
            axes.set_title(f"people {shown['mos']:.2f}, method {shown['predicted']:.2f}", fontsize=8)
    return figure
