"""Figures of predicted scores: scatter plots against the MOS, and the photos with the largest and smallest errors."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from noref import images
from noref.errors import ImageError
from noref.lab.metrics import logistic
from noref.lab.metrics.agreement import agreement

SIDE = 300  # pixels on the long side of a photo
EACH = 6  # photos per row
ROWS = ("largest overestimates", "largest underestimates", "smallest errors")


def scatter(predictions: pd.DataFrame, title: str) -> Figure:
    """Plot the MOS against predictions, with the fitted curve; one colour per group or type. The title counts failures.

    Args:
        predictions: Columns `predicted` (NaN where the method failed), `mos`, and optionally `group` or `type`.
        title: Title of the plot.
    """
    scored = predictions[np.isfinite(predictions["predicted"])]
    figure = Figure(figsize=(6, 5.2), layout="constrained")
    axes = figure.subplots()
    by = next((column for column in ("group", "type") if column in scored and scored[column].nunique() <= 10), None)
    for name, rows in scored.groupby(scored[by].fillna("none")) if by else [(None, scored)]:
        axes.scatter(rows["predicted"], rows["mos"], s=9, alpha=0.5, linewidths=0, label=name)
    if by:
        axes.legend(markerscale=2)
    curve = logistic.fit(scored["predicted"], scored["mos"])
    if not curve.failure:
        x = np.linspace(scored["predicted"].min(), scored["predicted"].max(), 200)
        axes.plot(x, curve(x), color="black", linewidth=1.5)
    srcc = agreement(scored["predicted"], scored["mos"])["srcc"]
    axes.set(
        title=f"{title}\nSRCC {srcc:.3f}, n {len(scored)}, failed {len(predictions) - len(scored)}",
        xlabel="predicted score",
        ylabel="MOS",
    )
    return figure


def extremes(predictions: pd.DataFrame, folder: Path, title: str) -> Figure:
    """Draw the photos with the largest over- and underestimates and the smallest errors, after the logistic fit.

    Args:
        predictions: As for `scatter`, with a column `image`.
        folder: The folder that the paths in `image` are relative to.
        title: Title of the figure.
    """
    scored = predictions[np.isfinite(predictions["predicted"])]
    curve = logistic.fit(scored["predicted"], scored["mos"])
    fitted = pd.Series(curve(scored["predicted"].to_numpy(np.float64)), index=scored.index)
    error = fitted - scored["mos"]
    order = [error.sort_values(ascending=False), error.sort_values(), error.abs().sort_values()]
    figure = Figure(figsize=(2.1 * EACH, 2.6 * len(ROWS)), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(len(ROWS), EACH, squeeze=False)
    for row, name, chosen in zip(panels, ROWS, order, strict=True):
        for axes in row:
            axes.set_axis_off()
        for axes, index in zip(row, chosen.index[:EACH], strict=False):
            show_photo(axes, folder / scored["image"][index])
            predicted = f"predicted {scored['predicted'][index]:.2f}, fitted {fitted[index]:.2f}"
            axes.set_title(f"MOS {scored['mos'][index]:.2f}\n{predicted}", fontsize=8)
        row[0].text(-0.06, 0.5, name, transform=row[0].transAxes, rotation=90, ha="right", va="center")
    return figure


def show_photo(axes: Axes, source: images.Source) -> None:
    """Draw a small version of a photo, or the reason why it cannot be read."""
    try:
        photo = Image.fromarray(images.read(source, enough=SIDE**2).pixels)
        photo.thumbnail((SIDE, SIDE))
        axes.imshow(photo)
    except ImageError as error:  # a table of scores may list missing photos
        axes.text(0.5, 0.5, error.cause, ha="center", wrap=True)
