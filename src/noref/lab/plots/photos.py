"""Figures of the test photos of an experiment, with MOS and predicted score."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from noref.lab import datasets
from noref.lab.errors import LabError
from noref.lab.files import read_csv
from noref.lab.plots.predictions import show_photo

COLUMNS = 8  # photos in a row


def evenly_spaced(predictions: pd.DataFrame, count: int = COLUMNS) -> list[int]:
    """Rows with the MOS closest to `count` evenly spaced values from lowest to highest, without duplicates."""
    mos = predictions["mos"]
    values = np.linspace(mos.min(), mos.max(), count)
    return list(dict.fromkeys(int((mos - value).abs().idxmin()) for value in values))


def largest_errors(predictions: pd.DataFrame, count: int = COLUMNS) -> list[int]:
    """Rows with the largest absolute errors, largest first."""
    error = (predictions["predicted"] - predictions["mos"]).abs()
    return [int(row) for row in error.sort_values(ascending=False, kind="stable").index[:count]]


def read_predictions(run: Path) -> pd.DataFrame:
    """MOS and predicted scores on the test part of a run, without photos that have no predicted score.

    Raises:
        LabError: `run` holds no finished experiment, or no predicted scores.
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


def draw(predictions: pd.DataFrame, name: str, folder: str | Path, title: str) -> Figure:
    """Draw photos with MOS and predicted score: a row from lowest to highest MOS, and a row of the largest errors.

    Args:
        predictions: As returned by `read_predictions`.
        name: Name of the database.
        folder: Its folder.
        title: Title of the figure.

    Raises:
        LabError: The database lacks some of the photos.
    """
    rated = datasets.read(name, folder)
    absent = predictions["image"][~predictions["image"].isin(rated.table["image"])]
    if len(absent):
        raise LabError(
            f"{name} at {folder} lacks {len(absent)} photos of the run, such as {absent.iloc[0]}; give the run's own database"
        )
    rows = {"lowest to highest MOS": evenly_spaced(predictions), "largest errors": largest_errors(predictions)}
    figure = Figure(figsize=(2.1 * COLUMNS, 2.6 * len(rows)), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(len(rows), COLUMNS, squeeze=False)
    for panel, (what, chosen) in zip(panels, rows.items(), strict=True):
        for axes in panel:
            axes.set_axis_off()
        panel[0].text(-0.06, 0.5, what, transform=panel[0].transAxes, rotation=90, ha="right", va="center")
        for axes, row in zip(panel, chosen, strict=False):
            shown = predictions.loc[row]
            show_photo(axes, rated.folder / shown["image"])
            axes.set_title(f"MOS {shown['mos']:.2f}, predicted {shown['predicted']:.2f}", fontsize=8)
    return figure
